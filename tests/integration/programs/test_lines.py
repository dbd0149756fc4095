# SPDX-License-Identifier: MIT
"""Programs that speak lines of JSON: who is charged when one dies or lies, and what they may say."""

import base64
import json
import re

import pytest
from support.host import lives, wait_until

# A service that does what its message says. `begin` is its first line, if any.
PROGRAM = """
    #!/usr/bin/python3
    import json, os, signal, sys, time

    def say(said):
        print(said if isinstance(said, str) else json.dumps(said), flush=True)

    def note(file, *words):
        with open(file, "a") as out:
            print(*words, file=out)

    if os.environ.get("FIRST_LINE"): say(os.environ["FIRST_LINE"])
    for line in sys.stdin:
        message = json.loads(line)
        id, body = message["id"], message.get("body", {})
        if "sent" in message or "not_sent" in message:
            note("answers", line.strip())
            continue
        note("begun", os.getpid(), message["attempt"], json.dumps(body))
        exec(body.get("do", ""))
        note("done", body.get("n"))
        if not body.get("silent"): say({"id": id})
"""


@pytest.fixture
def make_lines(make_service):
    def make(source=PROGRAM, **settings):
        return make_service(source, PROCESSOR_KIND="lines", **settings)

    return make


def begun(service):
    """(pid, attempt, body) of each message that was begun."""
    entries = []
    for line in service.lines("begun"):
        pid, attempt, body = line.split(" ", 2)
        entries.append((int(pid), int(attempt), json.loads(body)))
    return entries


READY = '{"ready":{"protocol":1,"window":64}}'


@pytest.mark.parametrize("first", ["", READY])
def test_every_message_is_processed_once_and_in_order(make_lines, first):
    service = make_lines(FIRST_LINE=first)
    service.process([{"n": n} for n in range(500)])
    assert [body["n"] for _, _, body in begun(service)] == list(range(500))
    assert len({pid for pid, _, _ in begun(service)}) == 1, "one process did it all"


DEATHS = {
    "os.kill(os.getpid(), signal.SIGSEGV)": "crashed: SIGSEGV",
    "os._exit(3)": "ended its process: exit code 3",
    "sys.exit()": "ended its process: exit code 0",
    "os.abort()": "crashed: SIGABRT",
    "raise ValueError('no good')": "ended its process: exit code 1",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)": "timed out after 3 s",
    "os.kill(os.getpid(), signal.SIGSTOP)": "timed out after 3 s",
    "os.close(1); time.sleep(1000)": "it closed its standard output",
    "os.write(1, b'{\"id\":' + str(id).encode()); os._exit(4)": "ended its process: exit code 4",
    "say({'id': id, 'outcome': 'fine'})": "the program answered with an outcome 'fine'",
}


@pytest.mark.parametrize("do", DEATHS)
@pytest.mark.parametrize("first", ["", READY])
def test_it_costs_one_message_and_its_neighbours_nothing(make_lines, do, first):
    service = make_lines(FIRST_LINE=first, MAX_ATTEMPTS=1, PROCESS_TIMEOUT="3s")
    messages = [{"n": n} for n in range(60)]
    messages[20] = {"n": 20, "do": do}
    log = service.process(messages)
    assert sorted(body["n"] for _, _, body in begun(service)) == list(range(60)), "each was begun, and none twice"
    assert "59 acknowledged, 0 retried, 1 dead-lettered" in log
    assert DEATHS[do] in log


def test_messages_that_were_begun_are_to_blame_and_no_others(make_lines):
    service = make_lines("""
        #!/usr/bin/python3
        import json, os, sys
        print('{"ready":{"protocol":1,"window":8,"parallel":8}}', flush=True)
        held = {}
        for line in sys.stdin:
            message = json.loads(line)
            with open("begun", "a") as out: print(os.getpid(), message["attempt"], json.dumps(message["body"]), file=out)
            held[message["body"]["n"]] = message["id"]
            if len(held) == 4 and not os.path.exists("died"):
                open("died", "w").close()
                for n in (1, 3): print(json.dumps({"begun": held[n]}))
                print(json.dumps({"id": held[2]}), flush=True)
                os._exit(1)
            if os.path.exists("died"): print(json.dumps({"id": message["id"]}), flush=True)
    """, MAX_ATTEMPTS=2)
    log = service.process([{"n": n} for n in range(4)])
    tries = {n: [attempt for _, attempt, body in begun(service) if body["n"] == n] for n in range(4)}
    assert tries == {0: [1, 1], 1: [1, 2], 2: [1], 3: [1, 2]}, log
    assert "4 acknowledged, 2 retried" in log


def test_answers_may_come_in_any_order(make_lines):
    service = make_lines("""
        #!/usr/bin/python3
        import json, os, select
        print('{"ready":{"protocol":1,"parallel":4}}', flush=True)
        held, text = [], b""
        while True:
            if select.select([0], [], [], 0.05 if held else None)[0]:
                part = os.read(0, 65536)
                if not part: break
                *lines, text = (text + part).split(b"\\n")
                held += [json.loads(line)["id"] for line in lines]
            else:
                with open("held", "a") as out: print(len(held), file=out)
                for id in reversed(held): print(json.dumps({"id": id}), flush=True)
                held = []
    """)
    assert "40 acknowledged" in service.process([{"n": n} for n in range(40)], PREFETCH="40")
    assert max(map(int, service.lines("held"))) == 4


def test_an_answer_that_nobody_expects_is_logged_and_ignored(make_lines):
    service = make_lines(MAX_ATTEMPTS=1)
    log = service.process([
        {"n": 1, "do": "say({'id': id}); say({'id': id, 'outcome': 'retry'}); message['id'] = id; body['silent'] = 1"},
        {"n": 2, "do": "say({'id': 12345})"},
        {"n": 3, "do": "say({'id': 'three'})"},
        {"n": 4},
    ])
    assert "4 acknowledged, 0 retried, 0 dead-lettered" in log
    assert "an answer to message 12345, which it does not have" in log
    assert re.search(r"an answer to message 1, which it (has given before|does not have)", log)
    assert 'there is no message "three"' in log


def test_it_judges_its_messages(make_lines):
    service = make_lines(MAX_ATTEMPTS=2, RETRY_DELAY="1h")
    log = service.process([
        {"n": 1, "silent": 1, "do": "say({'id': id, 'outcome': 'dead-letter', 'error': 'no customer'})"},
        {"n": 2, "silent": 1,
         "do": "say({'id': id, 'outcome': 'retry', 'after': '10ms', 'error': 'later'} if message['attempt'] == 1 else {'id': id})"},
    ])
    assert "1 acknowledged, 1 retried, 1 dead-lettered" in log
    assert [letter["error"] for letter in service.dead_letters()] == ["no customer"]


def test_what_it_prints_and_logs_is_logged(make_lines):
    service = make_lines()
    log = service.process([{"n": 1, "do": """print("plain"); print('{"message":"json"}'); print("err", file=sys.stderr, flush=True)
say({"log": "wise words", "level": "WARNING"})"""}])
    assert re.search(r"\[INFO\] processor:\d+ - plain\n", log)
    assert re.search(r'\[INFO\] processor:\d+ - \{"message":"json"\}\n', log)
    assert re.search(r"\[WARNING\] processor:\d+ - err\n", log)
    assert re.search(r"\[WARNING\] processor:\d+ - wise words\n", log)


def test_a_line_of_64_megabytes_costs_nothing_but_itself(make_lines):
    service = make_lines(MAX_ATTEMPTS=1)
    log = service.process([
        {"n": 1, "do": "print('x' * (64 << 20), flush=True)"},
        {"n": 2, "do": "print('{' + 'x' * (64 << 20), flush=True)"},
        {"n": 3},
    ])
    assert "3 acknowledged" in log


def test_a_message_of_ten_megabytes_arrives(make_lines):
    service = make_lines()
    sent = service.run("send", "orders", "-", input=json.dumps({"n": 1, "x": "y" * 10_000_000}) + "\n")
    assert sent.returncode == 0, sent.stderr
    service.run_to_the_end()
    assert len(service.path.joinpath("begun").read_text()) > 10_000_000


def test_it_has_the_message_s_properties_and_a_body_that_is_no_json_as_base64(make_lines):
    service = make_lines("""
        #!/bin/sh
        while read -r line; do
            printf '%s\\n' "$line" >> seen
            id=${line#*:}
            echo "{\\"id\\":${id%%,*}}"
        done
    """)
    for arguments in (['{"a": [1,\n 2]}', "--id", "m-1", "--correlation-id", "c-1", "--header", "tenant=blue"],
                      ["no JSON: Ü", "--content-type", "text/plain"]):
        sent = service.run("send", "orders", *arguments)
        assert sent.returncode == 0, sent.stderr
    assert "2 acknowledged" in service.run_to_the_end()
    first, second = map(json.loads, service.lines("seen"))
    assert re.fullmatch(r"20\d\d-.*Z", first.pop("sent_at"))
    assert first == {"id": 1, "attempt": 1, "message_id": "m-1", "queue": "orders", "correlation_id": "c-1",
                     "content_type": "application/json", "headers": {"tenant": "blue"}, "body": {"a": [1, 2]}}
    assert base64.b64decode(second["body_base64"]).decode() == "no JSON: Ü"
    assert "body" not in second and second["content_type"] == "text/plain"


def test_what_it_wants_sent_is_answered(make_lines):
    service = make_lines()
    send = {"send": {"ref": "a", "queue": "invoices", "body": {"order": 1}}}
    wrong = {"send": {"ref": "b", "queue": "invoices"}}
    service.process([{"n": 1, "do": f"say({send!r}); say({wrong!r}); note('answers', sys.stdin.readline().strip()); "
                                    "note('answers', sys.stdin.readline().strip())"}])
    answers = sorted(map(json.loads, service.lines("answers")), key=str)
    assert {"sent": "a"} in answers
    assert {"not_sent": "b", "error": 'a message to send has either "body" or "body_base64"'} in answers
    assert service.queued("invoices") == ['{"order":1}']


def test_what_waits_behind_a_slow_message_goes_to_other_workers(make_lines):
    service = make_lines(NUM_THREADS=2)
    messages = [{"n": n} for n in range(200)]
    messages[50]["do"] = "\n".join(["import pathlib", "while pathlib.Path('done').read_text().count('\\n') < 199: time.sleep(0.01)"])
    service.process(messages)
    assert sorted(body["n"] for _, _, body in begun(service)) == list(range(200))
    assert service.lines("done")[-1] == "50", "the others did not wait"


def test_as_many_are_worked_on_at_once_as_it_says(make_lines):
    service = make_lines("""
        #!/usr/bin/python3
        import json, sys, threading, time
        print('{"ready":{"protocol":1,"parallel":16}}', flush=True)
        lock = threading.Lock()
        running = most = 0
        def work(id):
            global running, most
            with lock:
                running += 1
                most = max(most, running)
                open("most", "w").write(str(most))
            time.sleep(0.2)
            with lock:
                running -= 1
                print(json.dumps({"id": id}), flush=True)
        for line in sys.stdin:
            threading.Thread(target=work, args=(json.loads(line)["id"],)).start()
    """, PREFETCH="64")
    assert "64 acknowledged" in service.process([{"n": n} for n in range(64)])
    assert service.lines("most") == ["16"]


@pytest.mark.parametrize("first", ["", READY])
def test_a_process_is_replaced_after_so_many_messages_and_may_finish(make_lines, first):
    service = make_lines(PROGRAM + "    note('finished', os.getpid())\n", FIRST_LINE=first, PROCESSOR_MAX_MESSAGES=20)
    log = service.process([{"n": n} for n in range(100)])
    assert [body["n"] for _, _, body in begun(service)] == list(range(100))
    pids = [pid for pid, _, _ in begun(service)]
    assert 4 <= len(set(pids)) <= 5 and all(20 <= pids.count(pid) <= 22 for pid in pids[:80]), pids
    assert set(service.lines("finished")) == {str(pid) for pid in pids}
    assert "is replaced: it has processed as many messages as PROCESSOR_MAX_MESSAGES allows" in log


def test_a_process_that_holds_too_much_is_replaced(make_lines):
    service = make_lines(PROCESSOR_MAX_MEMORY="100MiB")
    messages = [{"n": n, "do": "time.sleep(0.02)"} for n in range(40)]
    messages[5]["do"] = "held = b'x' * 200_000_000; time.sleep(0.2)"
    log = service.process(messages)
    assert len({pid for pid, _, _ in begun(service)}) == 2
    assert "more than PROCESSOR_MAX_MEMORY" in log
    assert service.run(PROCESSOR_MAX_MEMORY="1MiB").returncode == 78


# What cannot go on.


@pytest.mark.parametrize("source, words", [
    ("#!/bin/sh\necho no database >&2\nexit 3\n", "the program ended at its start: exit code 3"),
    ("#!/usr/bin/env node\nthis is no JavaScript\n", "the program ended at its start: exit code 1"),
    ("""#!/bin/sh\necho '{"ready":{"protocol":2}}'\ncat >/dev/null\n""", "it speaks protocol 2, and this host 1"),
])
def test_what_cannot_start_ends_with_70_and_takes_no_message(make_lines, source, words):
    service = make_lines(source)
    service.send_each([{"n": 1}])
    ended = service.run()
    assert ended.returncode == 70, ended.stderr
    assert words in ended.stderr
    service.write("processor", PROGRAM)
    service.run_to_the_end()
    assert [attempt for _, attempt, _ in begun(service)] == [1]


def test_a_program_that_cannot_be_started_any_more_ends_the_host(make_lines):
    service = make_lines(MAX_ATTEMPTS=10)
    service.send_each([{"n": 1, "do": "os.remove('processor'); os._exit(1)"}, {"n": 2}])
    ended = service.run()
    assert ended.returncode == 70, ended.stderr
    assert re.search(r"CRITICAL.*cannot start .*/processor: No such file or directory", ended.stderr)
    assert [body["n"] for _, _, body in begun(service)] == [1], "the other was not begun, and so not charged"


# Ends of the host.


@pytest.mark.parametrize("first", ["", READY])
def test_a_drain_lets_the_begun_finish_and_returns_the_rest(make_lines, first):
    service = make_lines(FIRST_LINE=first, DRAIN_TIMEOUT="4m")
    service.send_each([{"n": n, "do": "time.sleep(0.5)"} for n in range(30)])
    host = service.start()
    wait_until(lambda: service.lines("begun"))
    assert host.terminate() == 0, host.log()
    assert len(service.lines("begun")) == len(service.lines("done")) < 30
    service.run_to_the_end()
    assert sorted(body["n"] for _, _, body in begun(service)) == list(range(30)), "none twice, none missing"


def test_a_drain_kills_what_does_not_end_with_75_and_charges_it_nothing(make_lines):
    service = make_lines(DRAIN_TIMEOUT="1s", MAX_ATTEMPTS=2)
    service.send_each([{"n": 1, "do": "os.path.exists('once') or (open('once', 'w').close(), time.sleep(1000))"}])
    host = service.start()
    wait_until(lambda: (service.path / "once").exists())
    assert host.terminate() == 75, host.log()
    wait_until(lambda: not any(lives(pid) for pid, _, _ in begun(service)))
    service.run_to_the_end()
    assert [attempt for _, attempt, _ in begun(service)] == [1, 1]


@pytest.mark.parametrize("first", ["", READY])
def test_no_program_outlives_a_killed_host_and_only_what_was_begun_is_charged(make_lines, first):
    service = make_lines(FIRST_LINE=first, MAX_ATTEMPTS=2)
    messages = [{"n": n} for n in range(40)]
    messages[7]["do"] = ("import subprocess\nif not os.path.exists('once'):\n"
                         "    note('grandchild', subprocess.Popen(['sleep', '1000']).pid)\n    open('once', 'w').close()\n    time.sleep(1000)")
    service.send_each(messages)
    host = service.start()
    wait_until(lambda: (service.path / "once").exists())
    left = [begun(service)[0][0], int(service.lines("grandchild")[0])]
    host.process.kill()
    host.process.wait()
    wait_until(lambda: not any(map(lives, left)), timeout=60)
    log = service.run_to_the_end()
    assert re.search(r"A previous run .* message \S+: it counts as tried", log), log
    assert [attempt for _, attempt, body in begun(service) if body["n"] == 7] == [1, 2]
    assert {attempt for _, attempt, body in begun(service) if body["n"] != 7} == {1}
    assert "dead-lettered" in log and " 0 dead-lettered" in log


def test_a_schedules_runs_are_lines_too(make_lines):
    service = make_lines("""
        #!/bin/sh
        while read -r line; do
            echo "$line" >> runs
            id=${line#*:}
            echo "{\\"id\\":${id%%,*}}"
        done
    """, EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="* * * * * *")
    host = service.start()
    wait_until(lambda: len(service.lines("runs")) >= 2)
    assert host.terminate() == 0
    runs = [json.loads(line) for line in service.lines("runs")]
    assert [run["id"] for run in runs] == list(range(1, len(runs) + 1))
    assert all(re.fullmatch(r"20\d\d-.*Z", run["scheduled_at"]) and run["attempt"] == 1 for run in runs)
