# SPDX-License-Identifier: MIT
"""Whose crash it was: only what killed the host is charged, whatever else was in hand."""

import json
import resource
import signal
import subprocess
import time

import pytest
from support.host import BUILD, executable, wait_until

# Sanitizers need address space and descriptors for themselves.
unsanitized = pytest.mark.skipif(BUILD.name in ("asan", "tsan"), reason="takes what sanitizers need")


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


def dead_letters(service):
    listed = service.run("dead-letters", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)


def killer_among_others(death):
    """Three are begun before it and still in hand when it dies, and many come after."""
    others = [body(f"beside-{n}", "sleep:100") for n in range(40)]
    return [*others[:3], body("killer", death), *others[3:]]


def run_until_empty(service, most_starts, **more):
    """Starts hosts as a supervisor does until one ends well; how many died before."""
    for deaths in range(most_starts):
        with service.start(EXIT_WHEN_FINISHED=1, **more) as host:
            if host.wait(60) == 0:
                return deaths
    raise AssertionError(f"still dying after {most_starts} starts:\n{host.log()}")


def test_three_impatient_interrupts_make_no_innocent_a_dead_letter(service):
    service.send("ledger", body("innocent", "sleep:60000"))
    for _ in range(3):
        before = len(service.ids("begin"))
        with service.start(MAX_ATTEMPTS=3, DRAIN_TIMEOUT="60s") as host:
            wait_until(lambda: len(service.ids("begin")) == before + 1)
            host.process.send_signal(signal.SIGINT)
            host.wait_for("Draining")
            time.sleep(1.1)  # within a second it would be the same signal told twice
            host.process.send_signal(signal.SIGINT)
            assert host.wait() == 128 + signal.SIGINT
    assert [attempt for _, attempt, _, _ in service.ledger("begin")] == [1, 1, 1]
    assert dead_letters(service) == []


def test_a_kill_after_the_grace_period_charges_nobody(service):
    service.send("ledger", body("innocent", "sleep:60000"))
    for starts in (1, 2):
        with service.start(DRAIN_TIMEOUT="60s") as host:
            wait_until(lambda: len(service.ids("begin")) == starts)
            host.process.send_signal(signal.SIGTERM)
            host.wait_for("Draining")
            host.kill()
    assert [attempt for _, attempt, _, _ in service.ledger("begin")] == [1, 1]


@pytest.mark.parametrize("death", ["abort", "segv", "overflow", "exit:0", "terminate"])
def test_a_death_with_a_name_charges_its_message_only(service, death):
    """Beside the killer others are in hand at each death; none of them is charged."""
    service.send("ledger", *killer_among_others(death))
    deaths = run_until_empty(service, 5, MAX_ATTEMPTS=3, NUM_THREADS=4)

    assert deaths == 3
    [letter] = dead_letters(service)
    assert letter["reason"] == "crash"
    assert json.loads(letter["body"])["id"] == "killer"
    assert sorted(set(service.ids())) == sorted(f"beside-{n}" for n in range(40))
    assert {attempt for id, attempt, _, _ in service.ledger("begin") if id != "killer"} == {1}


@pytest.mark.parametrize("death", ["_exit:3"])
def test_a_death_without_a_name_charges_no_innocent(service, death):
    service.send("ledger", *killer_among_others(death))
    deaths = run_until_empty(service, 7, MAX_ATTEMPTS=3, NUM_THREADS=4)

    assert 3 <= deaths <= 4  # one more than with a name
    [letter] = dead_letters(service)
    assert json.loads(letter["body"])["id"] == "killer"
    assert {attempt for id, attempt, _, _ in service.ledger("begin") if id != "killer"} == {1}


def test_the_next_run_says_what_the_previous_one_died_of(service):
    service.send("ledger", body("killer", "abort"))
    with service.start() as host:
        assert host.wait() == -signal.SIGABRT
        assert "svchost: SIGABRT in worker 0 with message " in host.log()
        assert "ledger_service" in host.log()  # the stack
        pid = host.pid
    with service.start() as host:
        host.wait_for(rf"\[WARNING\] .*A previous run \(pid {pid}\) was ended by SIGABRT while worker 0 processed message \S+")
        host.wait()


def test_exit_in_a_processor_is_the_services_failure(service):
    service.send("ledger", body("killer", "exit:0"))
    with service.start() as host:
        assert host.wait() == 70
        assert "svchost: exit() was called in worker 0" in host.log()


def test_what_hangs_comes_back_uncharged_when_the_drain_is_over(service):
    service.send("ledger", body("hangs", "sleep:600000"), body("next"))
    with service.start(DRAIN_TIMEOUT="200ms", PROCESS_TIMEOUT="100ms") as host:
        host.wait_for("has passed PROCESS_TIMEOUT")
        assert host.terminate() == 75
    with service.start(DRAIN_TIMEOUT="0") as host:
        wait_until(lambda: service.ids("begin").count("hangs") == 2)
        assert host.terminate() == 75
    assert [attempt for id, attempt, _, _ in service.ledger("begin") if id == "hangs"] == [1, 1]


@unsanitized
def test_memory_that_cannot_be_had_is_a_failed_attempt(service):
    service.send("ledger", body("greedy", "allocate:100000"), body("next"))
    host = subprocess.Popen(
        [executable("svchost")],
        cwd=service.path,
        env=service.environment(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=2),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    )
    assert host.wait(60) == 0
    [letter] = dead_letters(service)
    assert (letter["reason"], letter["attempts"]) == ("max-attempts", 2)
    assert service.ids() == ["next"]


def test_the_out_of_memory_killer_does_not_make_dead_letters_of_what_was_beside(service):
    """It sends SIGKILL, which nobody can name."""
    ids = [f"m{n}" for n in range(8)]
    service.send("ledger", *(body(id, "sleep:2000") for id in ids))
    for _ in range(3):
        before = len(service.ids("begin"))
        with service.start(NUM_THREADS=4, MAX_ATTEMPTS=3) as host:
            # Suspects are alone, the others are not: at least one begins.
            wait_until(lambda: len(service.ids("begin")) > before)
            host.kill()
    assert run_until_empty(service, 1, NUM_THREADS=4, MAX_ATTEMPTS=3) == 0
    assert sorted(set(service.ids())) == ids
    assert dead_letters(service) == []


def test_a_host_killed_between_processing_and_settling_does_it_again(service):
    service.send("ledger", body("one"))
    with service.start(ROCOCO_FAILPOINTS="dispatcher.before_settle=kill") as host:
        assert host.wait() == -signal.SIGKILL
    assert service.ids() == ["one"]
    assert run_until_empty(service, 1) == 0
    # Processed twice, as at least once says; not charged, since it was not in hand any more.
    assert [attempt for _, attempt, _, _ in service.ledger()] == [1, 1]


def test_a_host_killed_before_its_note_is_gone_charges_the_message(service):
    service.send("ledger", body("one"))
    with service.start(ROCOCO_FAILPOINTS="worker.after_process=kill") as host:
        assert host.wait() == -signal.SIGKILL
    assert run_until_empty(service, 1) == 0
    assert [attempt for _, attempt, _, _ in service.ledger()] == [1, 2]


@unsanitized
def test_a_host_without_descriptors_says_so_and_recovers(service):
    """The table of descriptors is full for a while: no busy loop, nothing lost, and no end."""
    with service.start() as host:
        host.wait_for("Consuming")
        limits = resource.prlimit(host.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(host.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        service.send("ledger", *(body(f"m{n}") for n in range(100)))
        started = time.monotonic()
        cpu = sum(float(x) for x in open(f"/proc/{host.pid}/stat").read().split()[13:15])
        time.sleep(1)
        used = sum(float(x) for x in open(f"/proc/{host.pid}/stat").read().split()[13:15]) - cpu
        assert used / 100 < 0.9 * (time.monotonic() - started), "a busy loop"
        assert host.log().count("\n") < 1000
        resource.prlimit(host.pid, resource.RLIMIT_NOFILE, limits)
        wait_until(lambda: len(set(service.ids())) == 100, 60, host.log)
        assert host.terminate() == 0
