# SPDX-License-Identifier: MIT
"""SIGTERM and SIGINT with work in hand."""

import json
import signal
import time

from support.host import wait_until


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


def test_sigterm_finishes_what_is_in_hand_and_takes_nothing_new(service, tmp_path):
    go_on = tmp_path / "go-on"
    service.send("ledger", body("first", f"until:{go_on}"), *(body(f"rest-{n}") for n in range(100)))
    with service.start() as host:
        wait_until(lambda: service.ids("begin") == ["first"])
        host.process.send_signal(signal.SIGTERM)
        host.wait_for("Draining")
        go_on.touch()
        assert host.wait() == 0

    assert service.ids() == ["first"]
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == ["first", *(f"rest-{n}" for n in range(100))]


def test_past_the_drain_timeout_the_message_comes_back(service):
    service.send("ledger", body("long", "sleep:60000"))
    with service.start(DRAIN_TIMEOUT="300ms") as host:
        wait_until(lambda: service.ids("begin") == ["long"])
        assert host.terminate() == 75

    with service.start(DRAIN_TIMEOUT="0") as host:
        wait_until(lambda: len(service.ledger("begin")) == 2)
        assert host.terminate() == 75
    # The host ended on purpose: the message is not charged.
    assert [attempt for _, attempt, _, _ in service.ledger("begin")] == [1, 1]


def test_near_the_end_of_the_drain_a_processor_is_asked_to_stop(service):
    service.send("ledger", body("long", "sleep:60000"))
    with service.start(DRAIN_TIMEOUT="12s", LEDGER_LISTENS=1) as host:
        wait_until(lambda: service.ids("begin") == ["long"])
        assert host.terminate() == 0
        assert "again in" in host.log()


def test_a_second_signal_ends_at_once(service):
    service.send("ledger", body("long", "sleep:60000"))
    with service.start(DRAIN_TIMEOUT="60s") as host:
        wait_until(lambda: service.ids("begin") == ["long"])
        host.process.send_signal(signal.SIGINT)
        host.wait_for("Draining")
        time.sleep(1.1)  # within a second it would be the same signal told twice
        host.process.send_signal(signal.SIGINT)
        assert host.wait(60) == 128 + signal.SIGINT


def test_a_stop_that_is_told_twice_is_one_stop(service):
    """GNU timeout, supervisors that signal the group, a terminal with a wrapper."""
    service.send("ledger", body("in-hand", "sleep:1000"))
    with service.start() as host:
        wait_until(lambda: service.ids("begin") == ["in-hand"])
        for _ in range(20):
            host.process.send_signal(signal.SIGTERM)
            host.process.send_signal(signal.SIGINT)
            time.sleep(0.002)
        assert host.wait() == 0
    assert service.ids() == ["in-hand"]


def test_a_stop_that_is_told_again_on_the_way_out_is_still_one_stop(service):
    with service.start() as host:
        host.wait_for("Consuming")
        while host.process.poll() is None:
            host.process.send_signal(signal.SIGTERM)
        assert host.wait() == 0


def test_a_closed_terminal_drains(service):
    service.send("ledger", body("in-hand", "sleep:1000"))
    with service.start() as host:
        wait_until(lambda: service.ids("begin") == ["in-hand"])
        host.process.send_signal(signal.SIGHUP)
        host.wait_for("Draining")
        time.sleep(1.1)
        host.process.send_signal(signal.SIGHUP)  # and never ends at once
        assert host.wait() == 0
    assert service.ids() == ["in-hand"]


def test_nohup_lives_on_when_its_terminal_is_closed(service):
    service.send("ledger", body("in-hand", "sleep:500"))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does: children inherit it
    try:
        host = service.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    with host:
        wait_until(lambda: service.ids("begin") == ["in-hand"])
        host.process.send_signal(signal.SIGHUP)
        wait_until(lambda: service.ids() == ["in-hand"])
        service.send("ledger", body("later"))
        wait_until(lambda: service.ids() == ["in-hand", "later"])
        assert "Draining" not in host.log()
        assert host.terminate() == 0


def test_sigterm_while_idle_exits_at_once(service):
    with service.start(DRAIN_TIMEOUT="300s") as host:
        host.wait_for("Consuming")
        assert host.terminate() == 0


def test_exit_when_finished_is_read_again_while_running(service, tmp_path):
    config = tmp_path / "consume.env"
    config.write_text("EXIT_WHEN_FINISHED=0\n")
    service.send("ledger", body("one"))
    with service.start(CONSUME_CONFIG_FILE_PATH=config) as host:
        wait_until(lambda: service.ids() == ["one"])
        assert host.process.poll() is None
        config.write_text("EXIT_WHEN_FINISHED=1\n")
        assert host.wait() == 0
