# SPDX-License-Identifier: MIT
"""PROCESSOR_ISOLATION=process: a library's processors in processes of their own, which may die, hang and be replaced."""

import json
import os
import re
import signal

import pytest
from support.host import BUILD, ServiceFolder, service_library, wait_until

unsanitized = pytest.mark.skipif(BUILD.name in ("asan", "tsan"), reason="sanitizers hold memory of their own")

ASAN = BUILD.name == "asan"


@pytest.fixture
def service(tmp_path):
    return ServiceFolder(tmp_path / "service", PROCESSOR_ISOLATION="process")


def body(id, do=""):
    return json.dumps({"id": str(id), "do": do})


def run_to_the_end(service, bodies, **more):
    service.send("ledger", *bodies)
    ended = service.run(EXIT_WHEN_FINISHED=1, **more)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def test_it_processes_in_another_process(service):
    service.send("ledger", *(body(n) for n in range(500)))
    with service.start(EXIT_WHEN_FINISHED=1) as host:
        assert host.wait() == 0, host.log()
    assert [int(id) for id in service.ids("begin")] == list(range(500))
    [pid] = {pid for _, _, pid, _ in service.ledger()}
    assert pid != host.pid


# What the log says of it, and how many of its neighbours' outcomes it changes: none.
DEATHS = {
    "throw": "as the message asked",
    "permanent": "permanently, as asked",
    "abort": "crashed: SIGABRT",
    "segv": "crashed: SIGSEGV",
    "overflow": "crashed: SIGSEGV",
    "terminate": "crashed: SIGABRT",
    "exit:3": "ended its process: exit code 70",
    "_exit:3": "ended its process: exit code 3",
    "sleep:100000000": "timed out after 3 s",
}


@pytest.mark.parametrize("what", DEATHS)
def test_it_costs_one_message_and_neither_its_neighbours_nor_the_host(service, what):
    bodies = [body(n) for n in range(60)]
    bodies[20] = body(20, what)
    log = run_to_the_end(service, bodies, MAX_ATTEMPTS=1, PROCESS_TIMEOUT="3s")
    assert sorted(map(int, service.ids("begin"))) == list(range(60)), "each was begun, and none twice"
    assert sorted(map(int, service.ids())) == [n for n in range(60) if n != 20]
    assert "1 dead-lettered" in log
    # AddressSanitizer makes an exit of it.
    assert ("ended its process: exit code 1" if ASAN and "SIGSEGV" in DEATHS[what] else DEATHS[what]) in log


def test_the_stack_of_a_crash_and_of_a_hang_is_in_the_log(service):
    log = run_to_the_end(service, [body(1, "segv"), body(2, "sleep:100000000")], MAX_ATTEMPTS=1, PROCESS_TIMEOUT="2s")
    assert "svchost: SIGSEGV" in log
    assert "The processor has used up its time. It is in:" in log
    assert log.count("ledger_service.service.so") >= 2, "both stacks name the library"


def test_retries_and_delays_are_as_on_a_thread(service):
    run_to_the_end(service, [body(1, "retry-after:200")], MAX_ATTEMPTS=3)
    assert [attempt for _, attempt, _, _ in service.ledger("begin")] == [1, 2]


def test_it_sends_and_logs_through_the_host(service):
    log = run_to_the_end(service, [body(1, "send:other"), body(2, "log:3")])
    assert log.count("[INFO] processor:") == 3, "lines name the source file"
    service.settings.update(SERVICE_LIBRARY=str(service_library("batch_service")), BatchServiceProcessor_QUEUE_NAME="other")
    received = service.run(EXIT_WHEN_FINISHED=1)
    assert "batch of 1" in received.stderr, "what it sent arrived"


def test_what_waits_behind_a_slow_message_goes_to_other_workers(service):
    bodies = [body(n) for n in range(200)]
    bodies[50] = body(50, "sleep:3000")
    run_to_the_end(service, bodies, NUM_THREADS=2)
    assert sorted(map(int, service.ids("begin"))) == list(range(200))
    slow = next(at for id, _, _, at in service.ledger() if id == "50")
    assert max(at for id, _, _, at in service.ledger() if id != "50") < slow, "the others did not wait"


def test_no_process_outlives_a_killed_host_and_only_what_was_begun_is_charged(service, tmp_path):
    gate = tmp_path / "gate"
    bodies = [body(n) for n in range(40)]
    bodies[7] = body(7, f"until:{gate}")
    service.send("ledger", *bodies)
    host = service.start(MAX_ATTEMPTS=2)
    wait_until(lambda: "7" in service.ids("begin"))
    child = next(pid for id, _, pid, _ in service.ledger("begin") if id == "7")
    host.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{child}"))
    gate.touch()
    log = run_to_the_end(service, [], MAX_ATTEMPTS=2)
    assert re.search(r"A previous run .* message \S+: it counts as tried", log), log
    assert service.ids("begin").count("7") == 2
    assert set(service.ids()) == {str(n) for n in range(40)}
    assert " 0 dead-lettered" in log


def test_the_end_of_a_drain_is_told_to_the_processor(service):
    service.send("ledger", body(1, "sleep:100000000"))
    with service.start(DRAIN_TIMEOUT="4s", LEDGER_LISTENS=1) as host:
        wait_until(lambda: service.ids("begin"))
        host.process.send_signal(signal.SIGTERM)
        assert host.wait() == 0, host.log()
        assert "cancelled" in host.log()


def test_a_batch_has_an_outcome_for_each_message(tmp_path):
    service = ServiceFolder(tmp_path, "batch_service", PROCESSOR_ISOLATION="process", BatchServiceProcessor_QUEUE_NAME="batch")
    service.send("batch", "fine", "fail", "bury", "fine")
    log = service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=2).stderr
    assert "batch of 4" in log
    assert "2 dead-lettered" in log
    listed = service.run("dead-letters", "list", "--json")
    assert sorted((letter["body"], letter["attempts"]) for letter in json.loads(listed.stdout)) == [("bury", 1), ("fail", 2)]


def test_a_schedule_runs_in_one_process_and_is_tried_again_there(tmp_path):
    service = ServiceFolder(
        tmp_path, "cron_ledger", PROCESSOR_ISOLATION="process", EXECUTION_TYPE="CRON", CRON_DO="throw-first",
        CRON_EXPRESSIONS="* * * * * *",
    )
    with service.start() as host:
        wait_until(lambda: service.ledger_log.exists() and service.ledger_log.read_text().count("end ") >= 2)
        assert host.terminate() == 0, host.log()
        lines = [line.split() for line in service.ledger_log.read_text().splitlines()]
    assert {int(pid) for _, _, pid, _, _ in lines} != {host.pid}
    assert len({pid for _, _, pid, _, _ in lines}) == 1
    assert {attempt for event, _, _, _, attempt in lines if event == "end"} == {"2"}


@pytest.mark.parametrize("most, lowest, highest", [(1, 20, 20), (5, 4, 4)])
def test_a_process_is_replaced_after_so_many_messages(service, most, lowest, highest):
    log = run_to_the_end(service, [body(n) for n in range(20)], PROCESSOR_MAX_MESSAGES=most)
    assert [int(id) for id in service.ids("begin")] == list(range(20)), "each once, in order"
    processes = len({pid for _, _, pid, _ in service.ledger()})
    assert lowest <= processes <= highest
    assert log.count("is replaced: it has processed as many messages as PROCESSOR_MAX_MESSAGES allows") in (processes, processes - 1)


def test_a_process_may_exceed_its_messages_by_a_tenth(service):
    run_to_the_end(service, [body(n) for n in range(3_000)], PROCESSOR_MAX_MESSAGES=1_000)
    counts = {}
    for _, _, pid, _ in service.ledger():
        counts[pid] = counts.get(pid, 0) + 1
    assert len(service.ids()) == 3_000
    complete = list(counts.values())[:-1]
    assert complete and all(1_000 <= count <= 1_100 for count in complete), counts


@unsanitized
def test_a_process_that_holds_too_much_is_replaced(service):
    bodies = [body(1), body(2, "keep:200"), body(3), body(4)]
    log = run_to_the_end(service, bodies, PROCESSOR_MAX_MEMORY="128MiB")
    assert service.ids() == ["1", "2", "3", "4"]
    assert re.search(r"is replaced: it holds \S+ MiB, more than PROCESSOR_MAX_MEMORY", log), log
    assert len({pid for _, _, pid, _ in service.ledger()}) == 2


def test_a_limit_below_what_a_new_process_holds_is_refused(service):
    service.send("ledger", body(1))
    ended = service.run(PROCESSOR_MAX_MEMORY="1MiB")
    assert ended.returncode == 78, ended.stderr
    assert "PROCESSOR_MAX_MEMORY=1MiB is less than the" in ended.stderr
    assert service.ids("begin") == []


@pytest.mark.parametrize("setting, words", [
    ({"PROCESSOR_ISOLATION": "fork"}, "expected one of thread, process"),
    ({"PROCESSOR_MAX_MEMORY": "lots"}, "expected a size from 0 to 16TiB (65536, 512KiB, 64MiB, 2GiB)"),
    ({"PROCESSOR_MAX_MEMORY": "-1"}, "expected a size"),
    ({"PROCESSOR_MAX_MESSAGES": "many"}, "expected an integer from 0 to 1000000000"),
])
def test_bad_settings_are_refused(service, setting, words):
    ended = service.run(**setting)
    assert ended.returncode == 78
    assert words in ended.stderr
