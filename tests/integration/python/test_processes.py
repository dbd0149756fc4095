# SPDX-License-Identifier: MIT
"""Processors in Python: who is charged when a process of theirs dies, hangs or lies, and what the others see of it."""

import json
import os
import random
import re
import signal
import time

import pytest
from support.host import wait_until

# One service that does what its message says.
SERVICE = """
    import ctypes, os, signal, subprocess, sys, threading, time
    from rococo.messaging import BaseServiceProcessor
    from ledger import note

    class OrderServiceProcessor(BaseServiceProcessor):
        def __init__(self):
            super().__init__()

        def process(self, message):
            note("begin", message["id"])
            getattr(self, message.get("do", "nothing"))(message)
            note("done", message["id"])
            return False  # as some do, who mean nothing by it

        def nothing(self, message): pass
        def sleep(self, message): time.sleep(message["s"])
        def sleep_once(self, message):
            if not os.path.exists("slept"):
                open("slept", "w").close()
                time.sleep(1000)
        def fail(self, message): raise ValueError("no good")
        def segfault(self, message): os.kill(os.getpid(), signal.SIGSEGV)
        def abort(self, message): os.abort()
        def leave(self, message): os._exit(3)
        def exit(self, message): sys.exit(4)
        def overflow(self, message): ctypes.string_at(0)
        def hang(self, message):
            while True:
                try: time.sleep(1000)
                except Exception: pass
        def deaf(self, message):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.hang(message)
        def stop(self, message): os.kill(os.getpid(), signal.SIGSTOP)
        def grandchild(self, message):
            subprocess.Popen(["sleep", "1000"], close_fds=False)
            os._exit(1)
        def shout(self, message):
            for _ in range(10_000): print("x" * 1_000)
        def close_stdout(self, message): os.close(1)
        def lie(self, message):
            os.write(3, b"not a frame at all, is it?" * 10)
            self.hang(message)
        def close_work(self, message):
            os.close(3)
            self.hang(message)
"""


def run_to_the_end(service, messages, **more):
    service.send("orders", *map(json.dumps, messages))
    ended = service.run(EXIT_WHEN_FINISHED=1, **more)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def dead_letters(service):
    listed = service.run("dead-letters", "list", "--queue", "orders", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def test_a_false_result_is_an_ack_and_every_message_is_processed_once(make_service):
    service = make_service(SERVICE)
    run_to_the_end(service, [{"id": n} for n in range(500)])
    assert service.ids("begin") == service.ids() == [str(n) for n in range(500)]


def test_what_it_logs_has_the_originals_line(make_service):
    service = make_service("""
        import logging
        from rococo.messaging import BaseServiceProcessor
        class OrderServiceProcessor(BaseServiceProcessor):
            def process(self, message):
                logging.getLogger(__name__).info("Got %s", message)
                print("printed")
    """)
    log = run_to_the_end(service, [{"id": 1}])
    assert "[INFO] processor:6 - Got {'id': 1}\n" in log
    assert "\nprinted\n" in log


DEATHS = {
    "fail": "ValueError: no good",
    "segfault": "crashed: SIGSEGV",
    "abort": "crashed: SIGABRT",
    "leave": "ended its process: exit code 3",
    "exit": "left by SystemExit",
    "overflow": "crashed: SIGSEGV",
    "hang": "timed out after 3 s",
    "deaf": "timed out after 3 s",
    "stop": "timed out after 3 s",
    "grandchild": "ended its process: exit code 1",
    "lie": "it sent what is no frame",
    "close_work": "it closed its connection",
}


@pytest.mark.parametrize("what", DEATHS)
def test_it_costs_one_message_and_its_neighbours_nothing(make_service, what):
    service = make_service(SERVICE, MAX_ATTEMPTS=1, PROCESS_TIMEOUT="3s")
    messages = [{"id": n} for n in range(60)]
    messages[20]["do"] = what
    log = run_to_the_end(service, messages)
    assert sorted(map(int, service.ids("begin"))) == list(range(60)), "each was begun, and none twice"
    assert sorted(int(id) for id in service.ids() if id != "20") == [n for n in range(60) if n != 20]
    assert "1 dead-lettered" in log
    assert DEATHS[what] in log


def test_ten_megabytes_of_output_hold_nothing_up(make_service):
    service = make_service(SERVICE)
    log = run_to_the_end(service, [{"id": 1, "do": "shout"}, {"id": 2, "do": "close_stdout"}, {"id": 3}])
    assert service.ids() == ["1", "2", "3"]
    assert log.count("x" * 1_000) > 1_000


def test_what_waits_behind_a_slow_message_goes_to_other_workers(make_service):
    service = make_service(SERVICE, NUM_THREADS=2)
    messages = [{"id": n} for n in range(200)]
    messages[50].update(do="sleep", s=3)
    run_to_the_end(service, messages)
    assert sorted(map(int, service.ids("begin"))) == list(range(200))
    last = max(at for id, _, _, at in service.ledger() if id != "50")
    slow = next(at for id, _, _, at in service.ledger() if id == "50")
    assert last < slow, "the others did not wait"


def test_no_process_outlives_a_killed_host_and_only_what_was_begun_is_charged(make_service):
    service = make_service(SERVICE, MAX_ATTEMPTS=2)
    messages = [{"id": n} for n in range(40)]
    messages[7].update(do="sleep_once")
    service.send("orders", *map(json.dumps, messages))
    host = service.start()
    wait_until(lambda: "7" in service.ids("begin"))
    child = next(pid for id, _, pid, _ in service.ledger("begin") if id == "7")
    time.sleep(0.3)
    host.process.kill()
    host.process.wait()
    wait_until(lambda: not os.path.exists(f"/proc/{child}"), timeout=60)
    log = run_to_the_end(service, [])
    assert re.search(r"A previous run .* message \S+: it counts as tried", log), log
    begun = service.ids("begin")
    assert begun.count("7") == 2
    assert len(begun) - len(set(begun)) <= 1 + 128, "what was done and not yet acknowledged may come again"
    assert set(service.ids()) == {str(n) for n in range(40)}
    assert "dead-lettered" in log and " 0 dead-lettered" in log


def test_a_drain_lets_the_begun_finish_and_returns_the_rest(make_service):
    service = make_service(SERVICE)
    service.send("orders", *(json.dumps({"id": n, "do": "sleep", "s": 1}) for n in range(30)))
    host = service.start()
    wait_until(lambda: service.ids("begin"))
    assert host.terminate() == 0, host.log()
    assert service.ids("begin") == service.ids()
    begun = len(service.ids())
    assert begun < 30
    run_to_the_end(service, [])
    assert sorted(map(int, service.ids())) == list(range(30)), "none twice, none missing"


def test_a_processor_that_cannot_be_made_any_more_ends_the_host(make_service):
    service = make_service("""
        import os
        from rococo.messaging import BaseServiceProcessor
        class OrderServiceProcessor(BaseServiceProcessor):
            def __init__(self):
                if os.path.exists("broken"): raise RuntimeError("out of order")
            def process(self, message):
                open("broken", "w").close()
                os._exit(1)
    """, MAX_ATTEMPTS=10)
    service.send("orders", '{"id": 1}')
    ended = service.run()
    assert ended.returncode == 70, ended.stderr
    assert "RuntimeError: out of order" in ended.stderr


@pytest.mark.parametrize("source, words", [
    ("import nowhere", "No module named 'nowhere'"),
    ("class OrderServiceProcessor(:", "SyntaxError"),
    ("x = 1", "processor"),
    ("""
     from rococo.messaging import BaseServiceProcessor
     class OrderServiceProcessor(BaseServiceProcessor):
         def __init__(self): raise RuntimeError("no database")
         def process(self, message): pass
     """, "RuntimeError: no database"),
])
def test_what_cannot_start_ends_with_70_and_takes_no_message(make_service, source, words):
    service = make_service(source)
    service.send("other", "{}")
    ended = service.run()
    assert ended.returncode == 70, ended.stderr
    assert words in ended.stderr


def test_processes_killed_at_random_lose_and_double_nothing(make_service):
    service = make_service(SERVICE, NUM_THREADS=2, MAX_ATTEMPTS=20)
    service.send("orders", *(json.dumps({"id": n, "do": "sleep", "s": 0.004}) for n in range(3_000)))
    host = service.start(EXIT_WHEN_FINISHED=1)
    wait_until(lambda: service.ids("begin"))
    draw = random.Random(7)
    kills = 0
    while host.process.poll() is None and kills < 30:
        time.sleep(0.2)
        if pids := [pid for task in _tasks(host.pid) for pid in _children(host.pid, task)]:
            _kill(int(draw.choice(pids)))
            kills += 1
    assert host.wait() == 0, host.log()
    begun, done = service.ids("begin"), service.ids()
    assert set(done) == {str(n) for n in range(3_000)}
    assert len(done) - len(set(done)) <= kills, "doubled only where a process was killed"
    assert len(begun) - 3_000 <= kills, "charged only who was begun"
    assert kills > 10


def _tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []


def _children(pid, task):
    try:
        return open(f"/proc/{pid}/task/{task}/children").read().split()
    except OSError:
        return []


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def test_a_schedules_process_lives_on_after_it_was_replaced(make_service):
    service = make_service("""
        import os
        from ledger import note
        class TickServiceProcessor:
            runs = 0
            def process(self):
                TickServiceProcessor.runs += 1
                note("begin", self.runs)
                if not os.path.exists("died"):
                    open("died", "w").close()
                    os._exit(1)
                note("done", self.runs)
    """, EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="* * * * * *")
    host = service.start()
    wait_until(lambda: "3" in service.ids())
    assert host.terminate() == 0
    assert len({pid for _, _, pid, _ in service.ledger()}) == 1, "one process made all runs after the first"


def test_a_replaced_process_closes_its_processor_first(make_service):
    service = make_service("""
        from rococo.messaging import BaseServiceProcessor
        from ledger import note
        class OrderServiceProcessor(BaseServiceProcessor):
            held = []
            def process(self, message):
                self.held.append(b"x" * message.get("bytes", 0))
                note("done", message["id"])
            def close(self):
                note("close", 0)
    """, PROCESSOR_MAX_MESSAGES=10)
    log = run_to_the_end(service, [{"id": n} for n in range(30)])
    assert service.ids() == [str(n) for n in range(30)]
    assert len({pid for _, _, pid, _ in service.ledger()}) == service.ledger_log.read_text().count("close 0") == 3
    assert log.count("is replaced: it has processed as many messages as PROCESSOR_MAX_MESSAGES allows") in (2, 3)
    log = run_to_the_end(
        service, [{"id": "big", "bytes": 200 << 20}, {"id": "after"}], PROCESSOR_MAX_MESSAGES=0, PROCESSOR_MAX_MEMORY="128MiB"
    )
    assert "more than PROCESSOR_MAX_MEMORY" in log
    assert service.ids()[-2:] == ["big", "after"]
    assert len({pid for id, _, pid, _ in service.ledger() if id in ("big", "after")}) == 2


def test_messages_do_not_wait_for_a_process_that_starts_while_another_is_free(make_service):
    service = make_service("""
        import os, time
        from rococo.messaging import BaseServiceProcessor
        from ledger import note
        class OrderServiceProcessor(BaseServiceProcessor):
            def __init__(self):
                super().__init__()
                while os.path.exists("died") and not os.path.exists("gate"):
                    time.sleep(0.01)
            def process(self, message):
                if message.get("die"):
                    open("died", "w").close()
                    os._exit(1)
                time.sleep(0.01)
                note("done", message["id"])
    """, NUM_THREADS=2, MAX_ATTEMPTS=1)
    service.send("orders", *(json.dumps({"id": n, "die": n == 3}) for n in range(100)))
    with service.start() as host:
        wait_until(lambda: len(service.ids()) == 99, what=host.log)
        (service.path / "gate").touch()
        assert host.terminate() == 0, host.log()
    assert sorted(map(int, service.ids())) == [n for n in range(100) if n != 3]
