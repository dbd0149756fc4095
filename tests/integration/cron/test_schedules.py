# SPDX-License-Identifier: MIT
"""Schedules in real time: due times are exact, however late a busy machine begins the runs."""

import contextlib
import datetime
import json
import re
import shutil
import signal
import time

from support.host import ServiceFolder, wait_until

MS = 1000
SECOND = 1000 * MS


def steps(dues):
    return [later - earlier for earlier, later in zip(dues, dues[1:])]


def test_an_interval_does_not_drift(make_cron):
    service = make_cron(every=0.2, CRON_OVERLAP="queue-all", CRON_DO="sleep:30")
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 20)
        assert host.terminate() == 0
    assert set(steps(service.dues())) == {200 * MS}
    assert all(line.now >= line.due for line in service.lines()), "no run begins early"
    assert service.dues() == service.dues("end")


def test_an_expression_with_seconds_runs_on_whole_seconds(make_cron):
    service = make_cron(CRON_EXPRESSIONS="* * * * * *", CRON_OVERLAP="queue-all")
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 3)
        assert host.terminate() == 0
        assert "Schedule: every second" in host.log()
    assert set(steps(service.dues())) == {SECOND}
    assert all(due % SECOND == 0 for due in service.dues())


def test_run_at_startup_adds_a_run_at_once(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true")
    with service.start() as host:
        wait_until(service.lines, 60)
        assert host.terminate() == 0
    assert len(service.dues("end")) == 1


def test_at_reboot_runs_once_and_the_host_ends(make_cron):
    service = make_cron(CRON_EXPRESSIONS="@reboot")
    with service.start() as host:
        assert host.wait() == 0
    assert len(service.dues("end")) == 1


def test_run_once_runs_now_and_tells_how_it_ended(make_cron):
    service = make_cron(every=3600)
    assert service.run("run", "--once").returncode == 0
    assert len(service.dues("end")) == 1
    failed = service.run("run", "--once", CRON_DO="throw")
    assert failed.returncode == 70
    assert "told to throw" in failed.stdout + failed.stderr


def test_each_overlap_policy_with_runs_longer_than_their_period(make_cron):
    # Due every second, and each takes longer. Which due times get a run in which case is the unit tests' business.
    does = {"skip": "sleep:1500", "queue-one": "sleep:1500", "queue-all": "sleep:1500", "cancel": "wait:600000", "allow": "sleep:60000"}
    services = {
        policy: make_cron(policy, every=1, CRON_OVERLAP=policy, CRON_MISFIRE_GRACE="10m", CRON_DO=what) for policy, what in does.items()
    }
    with contextlib.ExitStack() as stack:
        hosts = {policy: stack.enter_context(service.start()) for policy, service in services.items()}
        for policy, service in services.items():
            wait_until(lambda: len(service.lines()) >= 3, 60, hosts[policy].log)
        for policy in ("skip", "queue-one"):
            hosts[policy].wait_for(r"left out \(an earlier run was still in hand\)", 60)
        logs = {policy: host.log() for policy, host in hosts.items()}

    for policy, service in services.items():
        lines = service.lines()
        assert all((line.due - lines[0].due) % SECOND == 0 for line in lines), policy
        assert service.dues() == sorted(set(service.dues())), policy
        ends = [line.now for line in service.lines("end")]
        if policy == "allow":
            assert ends == [], "each began beside those before it"
        else:
            assert all(end <= later.now for end, later in zip(ends, lines[1:])), f"{policy}: one at a time"
            assert len(ends) >= len(lines) - 1, policy
    assert set(steps(services["queue-all"].dues())) == {SECOND}, "all wait, none is left out"
    assert "left out" not in logs["queue-all"] + logs["allow"]


def test_each_misfire_policy_with_a_host_that_was_down_over_three_runs(make_cron):
    services = {
        policy: make_cron(
            policy, every=1, CRON_MISFIRE=policy, CRON_MISFIRE_GRACE="400ms", STATE_DIR="state", CRON_OVERLAP="queue-all"
        )
        for policy in ("skip", "once", "all")
    }
    with contextlib.ExitStack() as stack:
        hosts = {policy: stack.enter_context(service.start()) for policy, service in services.items()}
        for service in services.values():
            wait_until(lambda: len(service.lines("end")) >= 2)
        for host in hosts.values():
            assert host.terminate() == 0
    before = {policy: service.dues() for policy, service in services.items()}
    stopped_at = time.time() * SECOND
    time.sleep(3.6)
    restarted_at = time.time() * SECOND
    with contextlib.ExitStack() as stack:
        hosts = {policy: stack.enter_context(service.start()) for policy, service in services.items()}
        for policy, service in services.items():
            enough = len(before[policy]) + (7 if policy == "all" else 3)
            wait_until(lambda: len(service.lines("end")) >= enough)
        logs = {policy: host.log() for policy, host in hosts.items()}

    for policy, service in services.items():
        dues = service.dues()
        begun = len(before[policy])
        gap = dues[begun] - dues[begun - 1]
        first = service.lines()[begun]
        assert all(step % SECOND == 0 and step > 0 for step in steps(dues)), f"{policy}: the phase is kept, none twice"
        assert ("left out (missed)" in logs[policy]) == (policy != "all"), policy
        if policy == "all":
            assert set(steps(dues[begun - 1 : begun + 7])) == {SECOND}, "each is made up for"
        else:
            assert gap >= 3 * SECOND, policy
        if policy == "skip":
            assert first.due > restarted_at - 400 * MS, "none of those missed"
        if policy == "once":
            assert first.due > stopped_at, "the latest of those missed"


def test_what_was_missed_while_stopped_is_made_up_for(make_cron):
    service = make_cron(every=0.5, CRON_MISFIRE="all", CRON_MISFIRE_GRACE="200ms", CRON_OVERLAP="queue-all")
    once = make_cron("once", every=0.5, CRON_MISFIRE="once", CRON_MISFIRE_GRACE="200ms")
    with service.start() as host, once.start() as once_host:
        wait_until(lambda: service.lines() and once.lines())
        for each in (host, once_host):
            each.process.send_signal(signal.SIGSTOP)
        stopped_with = len(service.lines()), len(once.lines())
        time.sleep(2.6)
        for each in (host, once_host):
            each.process.send_signal(signal.SIGCONT)
        wait_until(lambda: len(service.lines()) >= stopped_with[0] + 8 and len(once.lines()) >= stopped_with[1] + 2)
        assert once_host.terminate() == 0
        assert host.terminate() == 0
        assert "left out (missed)" in once_host.log()
        assert "left out" not in host.log()
        assert "The clock was set" not in host.log(), "suspend is no clock that is set"
    assert set(steps(service.dues())) == {500 * MS}
    assert max(steps(once.dues())) >= 4 * 500 * MS


def test_a_run_that_throws_is_retried_as_messages_are(make_cron):
    always = make_cron("always", every=4, CRON_DO="throw", MAX_ATTEMPTS=3)
    first = make_cron("first", every=4, CRON_DO="throw-first", MAX_ATTEMPTS=3)
    with always.start() as always_host, first.start() as first_host:
        wait_until(lambda: len(always.lines()) >= 4 and first.lines("end"))
        assert first_host.terminate() == 0
        assert always_host.terminate() in (0, 75)
        assert "given up after 3 attempts" in always_host.log()
    lines = always.lines()
    assert [line.attempt for line in lines[:4]] == [1, 2, 3, 1]
    assert len({line.due for line in lines[:3]}) == 1
    assert (lines[3].due - lines[0].due) % (4 * SECOND) == 0
    assert first.lines("end")[0].attempt == 2


def test_past_process_timeout_a_run_is_asked_to_stop_and_reported(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="wait:60000", PROCESS_TIMEOUT="300ms")
    with service.start() as host:
        host.wait_for("has passed PROCESS_TIMEOUT")
        wait_until(lambda: service.lines("end"), 60)
        assert host.terminate() == 0


def test_sigterm_in_mid_sleep_ends_at_once(make_cron):
    service = make_cron(every=3600)
    with service.start() as host:
        host.wait_for("Next run")
        assert host.terminate() == 0  # Within half a minute, where the next run is an hour away.
    assert service.lines() == []


def test_sigterm_in_mid_run_drains(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="sleep:1500")
    with service.start() as host:
        wait_until(service.lines, 60)
        assert host.terminate() == 0
    assert len(service.lines("end")) == 1


def test_past_the_drain_timeout_the_host_ends_with_75(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="sleep:60000", DRAIN_TIMEOUT="300ms")
    with service.start() as host:
        wait_until(service.lines, 60)
        assert host.terminate() == 75
    assert service.lines("end") == []


def test_a_drain_names_the_runs_that_it_waits_for(make_cron):
    service = make_cron(every=1, CRON_DO="sleep:600000", PROCESS_TIMEOUT="200ms", DRAIN_TIMEOUT="500ms", CRON_TIMEZONE="UTC")
    with service.start() as host:
        host.wait_for("has passed PROCESS_TIMEOUT", 60)
        assert host.terminate() == 75
        due = datetime.datetime.fromtimestamp(service.dues()[0] // SECOND, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        for begin in ("Draining: 1 run", "DRAIN_TIMEOUT has passed with 1 run"):
            assert re.search(rf"{begin} in hand: due {due}\S*, for .*s, past PROCESS_TIMEOUT", host.log()), host.log()


def test_a_second_signal_ends_a_drain_at_once(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="sleep:600000", DRAIN_TIMEOUT="10m")
    with service.start() as host:
        wait_until(service.lines, 60)
        host.process.send_signal(signal.SIGTERM)
        host.wait_for("Draining", 60)
        # Not too soon after the first: a supervisor may double it.
        time.sleep(1.2)
        host.process.send_signal(signal.SIGTERM)
        assert host.wait() == 128 + signal.SIGTERM


def test_the_record_is_there_before_the_first_run(make_cron):
    service = make_cron(every=3600, STATE_DIR="state")
    record = service.path / "state" / "schedule-CronLedger.json"
    with service.start() as host:
        wait_until(record.exists, 60, host.log)
        assert record.stat().st_mode & 0o777 == 0o600
        phase = json.loads(record.read_text())["phase"]
        host.kill()
    with service.start() as host:
        host.wait_for("Next run", 60)
        assert host.terminate() == 0
    assert json.loads(record.read_text())["phase"] == phase, "a restart puts nothing off"


def test_a_record_that_cannot_be_written_stops_no_run_and_fills_no_log(make_cron):
    service = make_cron(every=0.05, STATE_DIR="state", CRON_OVERLAP="queue-all")
    state = service.path / "state"
    with service.start() as host:
        wait_until(lambda: service.lines("end"), 60)
        shutil.rmtree(state)
        while True:  # The host may be making it anew.
            try:
                state.write_text("a file where the folder was")
                break
            except IsADirectoryError:
                shutil.rmtree(state, ignore_errors=True)
        host.wait_for("cannot (create the state folder|write the record)", 60)
        before = len(service.lines())
        wait_until(lambda: len(service.lines()) >= before + 60, 60)
        log = host.log()
        assert len(re.findall("cannot (create|write|replace|sync)", log)) <= 2, log
        state.unlink()
        # By itself, within a minute.
        wait_until(lambda: list(state.glob("*.json")), 120, host.log)
        assert host.terminate() == 0


def test_a_run_that_draining_cut_off_counts_as_missed(make_cron):
    service = make_cron(every=1, STATE_DIR="state", DRAIN_TIMEOUT="0", CRON_MISFIRE_GRACE="100ms", CRON_MISFIRE="all")
    with service.start(CRON_DO="sleep:60000") as host:
        wait_until(service.lines, 60)
        assert host.terminate() == 75
    cut_off = service.dues()[0]
    with service.start():
        wait_until(lambda: service.dues("end"))
    assert service.dues("end")[0] == cut_off


def test_the_interval_example(tmp_path):
    service = ServiceFolder(
        tmp_path / "example", "cron_service_example", EXECUTION_TYPE="CRON", CRON_TIME_AMOUNT="0.5", CRON_TIME_UNIT="SECONDS"
    )
    with service.start() as host:
        host.wait_for("Cron processor called, 3 times so far")
        assert host.terminate() == 0
        assert "Schedule: every 500 ms" in host.log()


def test_the_time_of_day_example(tmp_path):
    service = ServiceFolder(
        tmp_path / "example",
        "cron_run_at_example",
        EXECUTION_TYPE="CRON",
        CRON_TIME_AMOUNT=1,
        CRON_TIME_UNIT="DAYS",
        CRON_RUN_AT="09:30",
        CRON_TIMEZONE="Europe/Berlin",
        RUN_AT_STARTUP="true",
    )
    with service.start() as host:
        host.wait_for("Cron processor called for [0-9]+ s since the epoch")
        host.wait_for("Next run: .*T09:30:00")
        assert host.terminate() == 0
