# SPDX-License-Identifier: MIT
"""Schedules in real time: due times are exact, however late a busy machine begins the runs."""

import contextlib
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
        wait_until(service.lines)
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
    # Runs of 2.3 s, due every second: which of the due times get a run, counted from the first.
    expected = {
        "skip": [0, 3, 6],
        "queue-one": [0, 1, 3, 5],
        "queue-all": [0, 1, 2],
        "cancel": [0, 1, 2, 3],
        "allow": [0, 1, 2, 3],
    }
    services = {
        policy: make_cron(
            policy, every=1, CRON_OVERLAP=policy, CRON_DO="wait:2300" if policy == "cancel" else "sleep:2300"
        )
        for policy in expected
    }
    with contextlib.ExitStack() as stack:
        hosts = {policy: stack.enter_context(service.start()) for policy, service in services.items()}
        for policy, service in services.items():
            wait_until(lambda: len(service.lines()) >= len(expected[policy]))
        logs = {policy: host.log() for policy, host in hosts.items()}

    for policy, service in services.items():
        dues = service.dues()[: len(expected[policy])]
        assert [(due - dues[0]) // SECOND for due in dues] == expected[policy], policy
        assert all((due - dues[0]) % SECOND == 0 for due in dues), policy
        first_end = service.lines("end")[0]
        second_begin = service.lines()[1]
        assert (second_begin.now < first_end.now) == (policy == "allow"), policy
        assert ("left out (an earlier run was still in hand)" in logs[policy]) == (policy in ("skip", "queue-one")), policy
    assert services["cancel"].lines("end")[0].now - services["cancel"].lines()[0].now < 2300 * MS


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
    time.sleep(3.6)
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
            assert first.now - first.due < 400 * MS + 3 * SECOND
        if policy == "once":
            # The latest of those missed, so the next one is a second later.
            assert dues[begun + 1] - dues[begun] == SECOND


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
    assert lines[3].due - lines[0].due == 4 * SECOND
    assert first.lines("end")[0].attempt == 2


def test_past_process_timeout_a_run_is_asked_to_stop_and_reported(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="wait:60000", PROCESS_TIMEOUT="300ms")
    with service.start() as host:
        host.wait_for("has passed PROCESS_TIMEOUT")
        wait_until(lambda: service.lines("end"))
        assert host.terminate() == 0


def test_sigterm_in_mid_sleep_ends_at_once(make_cron):
    service = make_cron(every=3600)
    with service.start() as host:
        host.wait_for("Next run")
        before = time.monotonic()
        assert host.terminate() == 0
        assert time.monotonic() - before < 5
    assert service.lines() == []


def test_sigterm_in_mid_run_drains(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="sleep:1500")
    with service.start() as host:
        wait_until(service.lines)
        assert host.terminate() == 0
    assert len(service.lines("end")) == 1


def test_past_the_drain_timeout_the_host_ends_with_75(make_cron):
    service = make_cron(every=3600, RUN_AT_STARTUP="true", CRON_DO="sleep:60000", DRAIN_TIMEOUT="300ms")
    with service.start() as host:
        wait_until(service.lines)
        assert host.terminate() == 75
    assert service.lines("end") == []


def test_a_run_that_draining_cut_off_counts_as_missed(make_cron):
    service = make_cron(every=1, STATE_DIR="state", DRAIN_TIMEOUT="0", CRON_MISFIRE_GRACE="100ms", CRON_MISFIRE="all")
    with service.start(CRON_DO="sleep:60000") as host:
        wait_until(service.lines)
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
