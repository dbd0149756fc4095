# SPDX-License-Identifier: MIT
"""The tables of docs/OPERATIONS.md are what hosts tell at /metrics: all of it, and nothing else."""

import contextlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from documents import ROOT

LISTED = dict(re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \|", (ROOT / "docs" / "OPERATIONS.md").read_text(), re.MULTILINE))
OF_BOTH = {"PROCESSOR_COMMAND": "true", "PROCESSOR_TYPE": "OrdersServiceProcessor"}
MESSAGES = {**OF_BOTH, "MESSAGING_TYPE": "SqliteConnection", "OrdersServiceProcessor_QUEUE_NAME": "orders"}
SCHEDULE = {**OF_BOTH, "EXECUTION_TYPE": "CRON", "CRON_TIME_AMOUNT": "1", "CRON_TIME_UNIT": "HOURS"}


@contextlib.contextmanager
def metrics_of(prefix, folder, settings):
    """What a host of these settings tells once it answers."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = [f"{name}={value}\n" for name, value in {**settings, "ADMIN_PORT": port}.items()]
    (folder / ".env").write_text("".join(lines))
    with (folder / "log").open("w") as log:
        host = subprocess.Popen([prefix / "bin" / "svchost", "run", folder], stdout=log, stderr=log, env={"PATH": "/usr/bin:/bin"})
    try:
        yield asked(f"http://127.0.0.1:{port}/metrics", host, folder / "log")
    finally:
        host.terminate()
        host.wait(30)


def asked(address, host, log):
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                text = answer.read().decode()
            # The queue's length is asked beside the start.
            if "rococo_queue_messages{" in text or "rococo_schedule" in text:
                return text
        except (urllib.error.URLError, ConnectionError):
            pass
        assert host.poll() is None and time.monotonic() < deadline, f"{address} tells too little:\n{log.read_text()}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def told(prefix, tmp_path_factory):
    """What a host with a queue tells, and one with a schedule."""
    folder = tmp_path_factory.mktemp("hosts")
    with metrics_of(prefix, folder / "messages", MESSAGES) as messages, metrics_of(prefix, folder / "schedule", SCHEDULE) as schedule:
        return messages, schedule


def test_every_metric_is_in_the_tables_with_its_kind(told):
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", "\n".join(told), re.MULTILINE))
    assert kinds == LISTED


def test_metrics_of_a_queue_s_hosts_name_the_queue(told):
    """The alerts join hosts by it."""
    series = [line for line in told[0].splitlines() if line.startswith("rococo_")]
    assert series and [line for line in series if 'queue="orders"' not in line] == []


def test_outcomes_reasons_and_states_are_those_that_alerts_and_tables_name(told):
    messages, schedule = told
    table = (ROOT / "docs" / "OPERATIONS.md").read_text()

    def values(text, metric, label):
        return set(re.findall(rf'^{metric}{{.*\b{label}="([^"]*)"', text, re.MULTILINE))

    for metric, label, text in [("rococo_messages_settled_total", "outcome", messages), ("rococo_in_hand", "state", messages),
                                ("rococo_queue_messages", "state", messages), ("rococo_schedule_runs_total", "outcome", schedule),
                                ("rococo_schedule_skipped_total", "reason", schedule)]:
        row = re.search(rf"^\| `{metric}` .*$", table, re.MULTILINE)[0]
        found = values(text, metric, label)
        assert found and found <= set(re.findall(r"`(\w+)`", row)), metric
