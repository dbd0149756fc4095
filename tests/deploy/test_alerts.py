# SPDX-License-Identifier: MIT
"""The alerts: their own tests pass, and notice every change that would make an alert fire too late, too often or never."""

import re

import pytest
import yaml
from conftest import PROMETHEUS, ROOT, alerts, families, metrics_in, promtool

TOTAL = 'rococo_messages_settled_total'
# What is put into alerts.yml, at all places where it stands, and must be found by alerts_test.yml.
MUTANTS = {
    "lengths of a queue are added up": ('max by (job, namespace, queue) (rococo_queue_messages{state="ready"}) ', 'sum by (job, namespace, queue) (rococo_queue_messages{state="ready"}) '),
    "dead letters are counted once for each host": ('max by (job, namespace, queue) (rococo_queue_messages{state="dead_letter"}', 'sum by (job, namespace, queue) (rococo_queue_messages{state="dead_letter"}'),
    "a host's counters stand for the queue's": ("sum by (job, namespace, queue) (increase(", "max by (job, namespace, queue) (increase("),
    "counters are read without their resets": (f'increase({TOTAL}{{outcome="dead_letter"}}[15m])', f'delta({TOTAL}{{outcome="dead_letter"}}[15m])'),
    "crashes are read without their resets": ("increase(rococo_crashes_total[15m])", "abs(delta(rococo_crashes_total[15m]))"),
    "reconnects are read without their resets": ("increase(rococo_reconnects_total[30m])", "abs(delta(rococo_reconnects_total[30m]))"),
    "one restart is a loop": ("[30m]) > 2\n", "[30m]) > 1\n"),
    "one crash is enough": ("> 2.5", "> 0.5"),
    "one lost connection is enough": ("> 4.5", "> 0.5"),
    "hosts of other jobs count": ('up{job="rococo"}', "up"),
    "other jobs' processes count": ('process_start_time_seconds{job="rococo"}', "process_start_time_seconds"),
    "a pause is no reason to take nothing": ("rococo_consuming == 0 unless on (job, instance) rococo_paused > 0", "rococo_consuming == 0"),
    "the queue's own count of dead letters is not looked at": ('rococo_queue_messages{state="dead_letter"})\n', 'rococo_queue_messages{state="none"})\n'),
    "dead letters from before are new": (' offset 15m) > 0', ' offset 15m) * 0 > 0'),
    "asking for time is a failure": (', reason!="retry_after"', ""),
    "what was given back is a call": ('{outcome=~"ack|retry|dead_letter|dropped"}', ""),
    "a twentieth is too much": ("> 0.1\n", "> 0.04\n"),
    "six failures are many": (">= 10", ">= 5"),
    "a short queue grows": ("> 100\n", "> 10\n"),
    "a queue grows that is long": ("> 1.2 *", "> 0.9 *"),
    "a burst grows": ('> max by (job, namespace, queue) (rococo_queue_messages{state="ready"} offset 5m)', "> 0"),
    "a minute is long for a call": ("> 900", "> 60"),
    "deaf are those who do not listen": ("and max by (job, namespace, queue) (rococo_consuming) == 1", ""),
    "deaf are those who are busy": ("and sum by (job, namespace, queue) (rococo_in_hand) == 0", ""),
    "deaf are those who have finished something": (f"and sum by (job, namespace, queue) (increase({TOTAL}[5m])) == 0", ""),
    "a pause misses runs": ("paused|superseded", "superseded"),
    "a paused schedule is stuck": ("          unless on (job, instance) rococo_paused > 0)", "          )"),
    "a follower has missed all runs": (" and rococo_schedule_next_run_timestamp_seconds > 0\n", "\n"),
    "a schedule that stands still is not seen": ("time() - rococo_schedule_next_run_timestamp_seconds > 300", "time() - rococo_schedule_next_run_timestamp_seconds > 3e9"),
    "a retry is a failed run": ('rococo_schedule_runs_total{outcome="failed"}', "rococo_schedule_runs_total"),
    "a moment is late": ("_count[1h]) > 60", "_count[1h]) > 0.001"),
}


# Alerts wait before they fire. One that does not is a mutant, too.
WITHOUT_WAITING = {f"{name} fires at once": name for name, rule in alerts().items() if "for" in rule}


@pytest.fixture
def run_with(tmp_path):
    """Runs the tests of the alerts over other rules: all, or those that give an alert something to look at."""

    def run(rules, looking_at=None):
        tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())
        if looking_at:
            tests["tests"] = [test for test in tests["tests"] if looking_at & series_of(test)]
        (tmp_path / "alerts.yml").write_text(rules)
        (tmp_path / "alerts_test.yml").write_text(yaml.safe_dump(tests))
        return promtool("test", "rules", tmp_path / "alerts_test.yml")

    return run


def series_of(test):
    """The names of the metrics of a scenario."""
    return {series["series"].partition("{")[0] for series in test["input_series"]}


def test_rules_are_valid_and_pass_their_tests(run_with):
    assert promtool("check", "rules", "--lint-fatal", PROMETHEUS / "alerts.yml")[0] == 0
    code, output = run_with((PROMETHEUS / "alerts.yml").read_text())
    assert code == 0, output


def test_each_alert_fires_in_a_scenario():
    fired = re.findall(r'alertname="(\w+)"', (PROMETHEUS / "alerts_test.yml").read_text())
    assert set(fired) == alerts().keys()


def expect_noticed(rules, mutant, run_with):
    """The tests of the alerts fail, and because an alert fires that should not, or does not fire that should."""
    before, after = alerts(rules), alerts(mutant)
    changed = {metric for name in before if before[name] != after[name] for metric in metrics_in(before[name]["expr"])}
    assert changed
    code, output = run_with(mutant, changed)
    assert code != 0 and "exp:" in output, output


@pytest.mark.parametrize("old, new", MUTANTS.values(), ids=MUTANTS.keys())
def test_wrong_rules_are_noticed(old, new, run_with):
    rules = (PROMETHEUS / "alerts.yml").read_text()
    assert old in rules
    expect_noticed(rules, rules.replace(old, new), run_with)


@pytest.mark.parametrize("name", WITHOUT_WAITING.values(), ids=WITHOUT_WAITING.keys())
def test_haste_is_noticed(name, run_with):
    rules = (PROMETHEUS / "alerts.yml").read_text()
    start = rules.index(f"- alert: {name}\n")
    hasty = rules[:start] + re.sub(r" +for: .*\n", "", rules[start:], count=1)
    expect_noticed(rules, hasty, run_with)


@pytest.mark.parametrize("name, rule", alerts().items(), ids=alerts())
def test_each_alert_tells_what_it_is_and_what_to_do(name, rule):
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    document, anchor = rule["annotations"]["runbook"].split("#")
    assert anchor == name.lower()
    assert f"### {name}\n" in (ROOT / document).read_text(), f"{document} has no section about {name}"


def test_texts_have_their_values_filled_in(tmp_path):
    """promtool prints the alerts that it did not expect, as an operator would read them."""
    scenarios = (PROMETHEUS / "alerts_test.yml").read_text().replace("[alerts.yml]", f"[{PROMETHEUS}/alerts.yml]")
    fired = re.findall(r'eval_time: (\w+)|alertname="(\w+)"', scenarios)
    moment, expected = "", set()
    for time, name in fired:
        moment = time or moment
        if name:
            expected.add((name, moment))
    # In each scenario, each alert at the moments at which it fires in one of them.
    checks = "".join(f"      - {{alertname: {name}, eval_time: {time}, exp_alerts: []}}\n" for name, time in sorted(expected))
    (tmp_path / "texts_test.yml").write_text(scenarios.replace("    promql_expr_test:", f"    alert_rule_test:\n{checks}    promql_expr_test:"))
    _, output = promtool("test", "rules", tmp_path / "texts_test.yml")
    texts = dict(re.findall(r'Labels:{alertname="(\w+)".*}\n\s+Annotations:{(.*)}', output))
    assert texts.keys() == alerts().keys()
    for name, text in texts.items():
        assert not re.search(r"<error|<no value>|%!|  |summary=\"[^\"]*(\bin \"|of  )", text), f"{name}: {text}"


def test_alerts_use_only_metrics_that_the_documents_list():
    used = {metric for rule in alerts().values() for metric in metrics_in(rule["expr"])}
    assert used - {"up"} <= families()
    assert len(used) > 10, "the names of metrics are not found any more"
