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
    """Runs the tests of the alerts over other rules: all, or what concerns some alerts."""

    def run(rules, names=None):
        rules = yaml.safe_load(rules)
        tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())
        if names:
            for group in rules["groups"]:
                group["rules"] = [rule for rule in group["rules"] if rule["alert"] in names]
            tests["tests"] = about(names, tests["tests"])
        (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules))
        (tmp_path / "alerts_test.yml").write_text(yaml.safe_dump(tests))
        return promtool("test", "rules", tmp_path / "alerts_test.yml")

    return run


def about(names, tests):
    """The scenarios that have series for these alerts, which expect of all alerts only these."""
    metrics = {metric for name in names for metric in metrics_in(alerts()[name]["expr"])}
    for test in tests:
        for check in test["promql_expr_test"]:
            expected = check.get("exp_samples", [])
            check["exp_samples"] = [sample for sample in expected if re.search(r'alertname="(\w+)"', sample["labels"])[1] in names]
    return [test for test in tests if any(series["series"].partition("{")[0] in metrics for series in test["input_series"])]


def test_rules_are_valid_and_pass_their_tests(run_with):
    assert promtool("check", "rules", "--lint-fatal", PROMETHEUS / "alerts.yml")[0] == 0
    code, output = run_with((PROMETHEUS / "alerts.yml").read_text())
    assert code == 0, output


def test_each_alert_fires_in_a_scenario():
    fired = re.findall(r'alertname="(\w+)"', (PROMETHEUS / "alerts_test.yml").read_text())
    assert set(fired) == alerts().keys()


@pytest.mark.parametrize("name", alerts())
def test_each_alert_passes_its_scenarios_alone(name, run_with):
    """Or else the mutants below would be noticed for no reason."""
    code, output = run_with((PROMETHEUS / "alerts.yml").read_text(), {name})
    assert code == 0, output


def expect_noticed(rules, mutant, run_with):
    """The tests of the alerts fail, and because an alert fires that should not, or does not fire that should."""
    before, after = alerts(rules), alerts(mutant)
    changed = {name for name in before if before[name] != after[name]}
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
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())
    tests["rule_files"] = [str(PROMETHEUS / "alerts.yml")]
    for test in tests["tests"]:
        fires = [(check["eval_time"], sample["labels"]) for check in test.pop("promql_expr_test") for sample in check.get("exp_samples", [])]
        test["alert_rule_test"] = [{"alertname": re.search(r'alertname="(\w+)"', labels)[1], "eval_time": time} for time, labels in fires]
    (tmp_path / "texts_test.yml").write_text(yaml.safe_dump(tests))
    _, output = promtool("test", "rules", tmp_path / "texts_test.yml")
    texts = dict(re.findall(r'Labels:{alertname="(\w+)".*}\n\s+Annotations:{(.*)}', output))
    assert texts.keys() == alerts().keys()
    for name, text in texts.items():
        # Two blanks, or one at the end: a label that the alert does not have.
        assert not re.search(r'<error|<no value>|  | "', text), f"{name}: {text}"


def test_alerts_use_only_metrics_that_the_documents_list():
    used = {metric for rule in alerts().values() for metric in metrics_in(rule["expr"])}
    assert used - {"up"} <= families()
    assert len(used) > 10, "the names of metrics are not found any more"
