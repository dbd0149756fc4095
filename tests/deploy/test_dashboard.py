# SPDX-License-Identifier: MIT
"""The dashboard for Grafana: what it asks Prometheus is PromQL over metrics that hosts have, and its panels have their place."""

import itertools
import json
import re

import pytest
import yaml
from conftest import ROOT, families, metrics_in, promtool

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
BUILT_IN = {"__rate_interval", "__all"}


def expressions():
    """Every question to Prometheus, with the title of what asks it."""
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for name, variable in VARIABLES.items():
        if variable["type"] == "query":
            yield f"variable {name}", re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])[1]


def test_every_expression_is_promql(tmp_path):
    """promtool checks rules, so each expression becomes one, with Grafana's variables filled in."""
    rules = [
        {"record": f"expression:{number}", "expr": re.sub(r"\$\w+", "x", expression.replace("$__rate_interval", "5m")), "labels": {"asked_by": title}}
        for number, (title, expression) in enumerate(expressions())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    code, output = promtool("check", "rules", path)
    assert code == 0, output
    assert len(rules) > 40


def test_it_uses_only_metrics_that_the_documents_list():
    for title, expression in expressions():
        unknown = metrics_in(expression.replace("$__rate_interval", "5m")) - {"up"} - families()
        assert not unknown, f"{title}: {unknown}"


def test_it_shows_every_metric_that_the_documents_list():
    shown = {metric for _, expression in expressions() for metric in metrics_in(expression.replace("$__rate_interval", "5m"))}
    shown = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in shown}
    listed = {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in families()}
    # What others say that are shown: subscribed hosts are connected, and the last run matters less than the last success.
    assert listed - shown == {"rococo_connected", "rococo_schedule_last_run_timestamp_seconds"}


def test_lengths_of_queues_are_joined_by_max():
    asked = [expression for _, expression in expressions() if "rococo_queue_messages" in expression]
    assert asked and all("max by (namespace, queue" in expression for expression in asked)


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_each_panel_follows_the_choice_of_hosts_and_says_its_unit(panel):
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        assert 'job=~"$job", instance=~"$instance"' in target["expr"]
        assert target["legendFormat"]


def test_only_variables_that_exist_are_used():
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert used - BUILT_IN == VARIABLES.keys()
    assert {"datasource", "queue", "service"} <= VARIABLES.keys()


def test_panels_do_not_overlap_and_have_ids_of_their_own():
    boxes = [(panel["title"], panel["gridPos"]) for panel in DASHBOARD["panels"]]
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert apart, f"{one} and {other}"
    assert all(box["x"] + box["w"] <= 24 for _, box in boxes)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_its_rows_are_what_an_operator_looks_for():
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == ["Traffic", "Latency", "Queue", "Failures", "Schedules", "Processes"]
