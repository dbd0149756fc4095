# SPDX-License-Identifier: MIT
"""What processors do to their process: streams, exits, forks, threads, signals, crashes."""

import os
import signal
import time

import pytest
from fake_host import MINUTES, Refused
from rococo_svchost import frames
from rococo_svchost.signals import STACK_SIGNAL

HEAD = """
import logging, os, sys, threading, time, signal
from rococo.messaging import BaseServiceProcessor
from rococo_svchost import context

"""


def processor(body, constructor="pass", more=""):
    """A processor whose `process` has this body."""
    lines = "\n".join(f"        {line}" for line in body.strip("\n").splitlines())
    return f"{HEAD}class TrapServiceProcessor(BaseServiceProcessor):\n    def __init__(self):\n        {constructor}\n    def process(self, message):\n{lines}\n{more}"


# Streams.


def test_ten_megabytes_of_output_in_one_message(serve):
    host = serve(processor("for n in range(100000): print('x' * 100)\nlogging.info('printed')"))
    assert host.process("1") == {}
    host.logged("printed")
    assert host.stop() == 0
    assert len(host.child.output("stdout")) == 101 * 100_000


def test_binary_output_and_broken_text(serve):
    host = serve(processor("sys.stdout.buffer.write(b'\\xff\\x00\\n'); print('\\ud800 ü'); logging.info('\\ud800')"))
    assert host.process("1") == {}
    assert "\\ud800 ü" in host.printed("ü")
    assert host.logged("ud800") == ["\\ud800"]


def test_print_is_seen_at_once(serve, tmp_path):
    host = serve(processor(f"print('at once')\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.005)"))
    host.send("1")
    host.printed("at once")
    (tmp_path / "go").touch()
    assert host.wait_done() == {}


def test_closed_streams(serve):
    host = serve(processor("sys.stdout.close()\nsys.stderr.close()\nlogging.info('still here')"))
    assert host.process("1") == {}
    assert host.stop() == 0
    assert "still here" in host.logged()


def test_stdin_is_empty(serve):
    host = serve(processor("input()"))
    assert host.process("1")[1]["error"].startswith("EOFError")


# Starting.


@pytest.mark.parametrize(
    "constructor, text",
    [
        ("sys.exit(3)", "SystemExit: 3"),
        ("raise ValueError('bad setting')", "ValueError: bad setting"),
        ("input()", "EOFError"),
        ("self.x = 1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_constructor_that_fails_is_refused(serve, constructor, text):
    with pytest.raises(Refused, match="the constructor of TrapServiceProcessor has failed: ") as refused:
        serve(processor("pass", constructor))
    meta = refused.value.meta
    assert meta["stage"] == "constructor" and text in meta["text"] and "processor.py" in meta["traceback"] and refused.value.code == 70
    assert "startup.py" not in meta["traceback"]


def test_a_constructor_that_takes_its_time(serve):
    assert serve(processor("pass", "time.sleep(1.5)")).process("1") == {}


# Ending in the middle.


@pytest.mark.parametrize(
    "what, code",
    [
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("os.abort()", -signal.SIGABRT),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),  # as when memory runs out
        ("sys.setrecursionlimit(10**9); f = lambda x: list(map(f, [x])); f(1)", -signal.SIGSEGV),  # the stack of C
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("__import__('ctypes').string_at(0)", -signal.SIGSEGV),
    ],
)
def test_a_crash_in_message_k_says_k(serve, what, code):
    host = serve(processor(f"if message == 5: {what}"))
    host.send(*(str(n) for n in range(1, 9)))
    assert host.child.wait_for_exit(MINUTES) == code
    assert (host.page[frames.BEGUN], host.page[frames.DONE_UP_TO]) == (5, 4)
    assert not host.child.frames("work", frames.DONE, frames.FAILED)
    if code in (-signal.SIGSEGV, -signal.SIGABRT):
        assert "processor.py" in host.child.output("stderr")  # faulthandler's stack


def test_recursion_without_end_is_a_failure_and_no_crash(serve):
    host = serve(processor("f = lambda: f()\nif message == 1: f()"))
    failed = host.process("1", "2")
    assert list(failed) == [1] and failed[1]["error"].startswith("RecursionError")


def test_an_exception_that_cannot_be_shown(serve):
    host = serve(processor("class E(Exception):\n    def __str__(self): raise KeyError\nraise E()"))
    assert host.process("1")[1]["error"] == "E: (its text cannot be read)"


@pytest.mark.parametrize("sleep", ["time.sleep", "__import__('ctypes').PyDLL(None).sleep"], ids=["python", "c-with-the-lock-held"])
def test_a_hang_that_swallows_exceptions_and_sigterm_shows_its_stack_and_dies_by_sigkill(serve, sleep):
    host = serve(
        processor(
            f"""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
logging.info("hanging")
while True:
    try:
        {sleep}(1000)
    except BaseException:
        pass
"""
        )
    )
    host.send("1")
    host.logged("hanging")
    os.kill(host.pid, signal.SIGTERM)
    os.kill(host.pid, signal.SIGINT)
    os.kill(host.pid, STACK_SIGNAL)
    assert "in process" in host.printed("in process", "stderr")
    assert host.child.process.poll() is None
    assert host.child.kill() == -signal.SIGKILL
    assert (host.page[frames.BEGUN], host.page[frames.DONE_UP_TO]) == (1, 0)


def test_signals_are_the_processors_own(serve):
    host = serve(processor("rang = []\nsignal.signal(signal.SIGALRM, lambda *_: (logging.info('rang'), rang.append(1)))\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\nwhile not rang: time.sleep(0.01)"))
    assert host.process("1") == {}
    assert host.logged("rang") == ["rang"]


def test_a_signal_handler_that_logs_while_it_interrupts_logging(serve):
    host = serve(
        processor(
            """
count = [0]
def rang(*_):
    count[0] += 1
    logging.info("handler")
signal.signal(signal.SIGALRM, rang)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
while count[0] < 200:
    logging.info("x" * 3000)
signal.setitimer(signal.ITIMER_REAL, 0)
logging.info("end")
"""
        )
    )
    assert host.process("1") == {}
    texts = host.logged("end")
    assert texts.count("handler") >= 200 and set(texts) == {"handler", "x" * 3000, "end"}


# Processes.


def test_a_forked_child_writes_nothing_to_the_host(serve):
    host = serve(
        processor(
            """
if message == "return":
    if os.fork() == 0:
        logging.info("from the child")
        context.cancelled()
        return
elif message == "exit":
    if os.fork() == 0:
        sys.exit(7)
elif message == "raise":
    if os.fork() == 0:
        raise ValueError("child")
elif message == "send":
    if os.fork() == 0:
        try:
            context.send_message("q", 1)
        except Exception as error:
            print(type(error).__name__)
        os._exit(9)
print("code", os.waitstatus_to_exitcode(os.wait()[1]))
"""
        )
    )
    assert host.process('"return"', '"exit"', '"raise"', '"send"', timeout=MINUTES) == {}
    assert host.printed("code 9").split("\n")[:-1] == ["code 0", "code 7", "code 1", "SendError", "code 9"]
    assert "from the child" in host.printed("from the child", "stderr")
    assert not host.logged()
    assert host.page[frames.DONE_UP_TO] == 4
    assert [f.seq for f in host.child.frames("work")[2:]] == [4]


@pytest.mark.all_pythons
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(serve, method):
    host = serve(
        {
            "helper.py": "import logging\ndef work(n):\n    logging.warning('in %d', n)\n    return n * 2\n",
            "processor.py": processor(
                f"with multiprocessing.get_context({method!r}).Pool(2) as pool:\n    logging.info('%s', pool.map(helper.work, [1, 2, 3]))",
            )
            .replace("import logging,", "import helper, multiprocessing, logging,"),
        }
    )
    assert host.process("1") == {}
    assert host.logged("[2") == ["[2, 4, 6]"]
    assert "[WARNING] helper:3 - in 3" in host.printed("in 3", "stderr")
    assert host.stop() == 0


def test_a_grandchild_holds_none_of_the_descriptors(serve, tmp_path):
    host = serve(
        processor(
            f"""
import subprocess
subprocess.Popen(["/bin/sh", "-c", "ls -l /proc/self/fd > {tmp_path}/list; sleep 600"], close_fds=False)
if os.fork() == 0:
    os.execv("/bin/sh", ["sh", "-c", "ls -l /proc/self/fd > {tmp_path}/list2; sleep 600"])
if os.fork() == 0:
    time.sleep(600)
while not (os.path.exists("{tmp_path}/list") and os.path.exists("{tmp_path}/list2")): time.sleep(0.005)
time.sleep(0.1)
os._exit(1)
"""
        )
    )
    host.send("1")
    open_ones = {"work", "calls"}  # they end, sleepers or not
    while open_ones:
        event = host.child.wait_for(lambda event: event.stream in open_ones and event.frame is None, MINUTES)
        open_ones.remove(event.stream)
    for name in ("list", "list2"):
        assert "socket:" not in (tmp_path / name).read_text() and "deleted" not in (tmp_path / name).read_text()
    assert "ROCOCO_FDS" not in host.child.output("stdout")


def test_threads_that_are_no_daemons_hold_the_end_for_a_while_only(serve):
    host = serve(
        processor(
            "threading.Thread(target=time.sleep, args=(1000,), name='sleeper').start()",
            "import rococo_svchost.worker; rococo_svchost.worker.EXIT_GRACE_S = 0.3",
        )
    )
    assert host.process("1") == {}
    assert host.stop() == 0
    assert any("threads sleeper" in text for text in host.logged())


def test_idle_executors_do_not_hold_the_end(serve):
    more = "    def close(self):\n        import atexit\n        atexit.register(print, 'exit handler')\n"
    host = serve(
        processor(
            "self.pool.submit(time.sleep, 0).result()",
            "import concurrent.futures; self.pool = concurrent.futures.ThreadPoolExecutor(2)",
            more,
        )
    )
    assert host.process("1") == {}
    began = time.monotonic()
    assert host.stop() == 0
    assert not any("ending with work left" in text for text in host.logged()), time.monotonic() - began
    assert "exit handler" in host.child.output("stdout")


def test_close_that_fails_is_told_and_ends_well(serve):
    host = serve(processor("pass", more="    def close(self):\n        raise ValueError('cannot close')\n"))
    assert host.stop() == 0
    assert any("close() of the processor has failed" in text and "cannot close" in text for text in host.logged())


# What the threads of the original broke, and what changes the process.


def test_sqlite_connection_from_the_constructor(serve):
    host = serve(processor("self.db.execute('select 1')", "import sqlite3; self.db = sqlite3.connect(':memory:')"))
    assert host.process("1", "2") == {}


def test_chdir_and_environ(serve):
    host = serve(
        {
            "late.py": "VALUE = 1\n",
            "processor.py": processor("os.chdir('/')\nos.environ['A'] = 'b'\nos.environ.clear()\nimport late\nlogging.info('late %d', late.VALUE)"),
        }
    )
    assert host.process("1") == {}
    assert host.logged("late") == ["late 1"]
    assert host.process("2") == {} and host.stop() == 0


def test_a_frame_from_another_thread_while_the_message_is_over(serve):
    host = serve(
        processor(
            """
seen = context.message_id
def later():
    while context.message_id == seen: time.sleep(0.001)
    logging.info("later %s", context.message_id)
threading.Thread(target=later, daemon=True).start()
"""
        )
    )
    assert host.process("1", metas=[{"id": "a"}]) == {}
    host.process("1", metas=[{"id": "b"}])
    assert host.logged("later")[0] == "later b"


def test_the_end_of_the_host_is_the_end(serve):
    host = serve(processor("pass"))
    host.child.close_work()
    assert host.child.wait_for_exit(MINUTES) == 0
    assert not host.child.output("stderr")


def test_garbage_is_an_error_of_the_host(serve):
    host = serve(processor("pass"))
    host.child.write(frames.HEADER.pack(4, frames.MESSAGE | 9 << 8, 1) + b"{}{}")
    host.child.write(b"\0" * 64)
    assert host.child.wait_for_exit(MINUTES) == 70
    assert any("does not keep to protocol 1" in text for text in host.logged())


def test_json_and_other_names_of_the_library_in_the_service(serve):
    host = serve({"json.py": "raise ImportError('mine')\n", "processor.py": processor("import json; logging.info('%s', json.dumps(message))")})
    assert host.process('{"a": 1}') == {}
    assert host.logged("a") == ['{"a": 1}']
