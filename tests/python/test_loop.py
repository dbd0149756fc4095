# SPDX-License-Identifier: MIT
"""The life of a worker: messages, outcomes, bodies, metadata, batches, schedules, its end. With every interpreter."""

import json

import pytest
from fake_host import MINUTES, Refused
from rococo_svchost import frames

pytestmark = pytest.mark.all_pythons

HEAD = "from rococo.messaging import BaseServiceProcessor\nfrom rococo_svchost import context, PermanentError, RetryAfter, SendError\n"

# Does what its message says.
OBEDIENT = (
    HEAD
    + """
import asyncio, logging, os, sys, time, datetime

class ObedientServiceProcessor(BaseServiceProcessor):
    def __init__(self):
        super().__init__()
        self.count = 0

    def process(self, message):
        self.count += 1
        if isinstance(message, dict) and "do" in message:
            return eval(message["do"])
        logging.info("%r", message)

    def throw(self, error):
        raise error

    def close(self):
        logging.info("closed after %d", self.count)

    def __del__(self):
        logging.info("deleted")
"""
)


def do(text):
    return json.dumps({"do": text})


def test_what_is_returned_does_not_matter_and_what_is_raised_does(serve):
    host = serve(OBEDIENT)
    failed = host.process(
        do("False"),
        do("self.throw(ValueError('one\\ntwo'))"),
        do("self.throw(PermanentError('no id'))"),
        do("self.throw(RetryAfter(30))"),
        do("self.throw(RetryAfter(datetime.timedelta(milliseconds=1500), 'busy'))"),
        do("self.throw(asyncio.CancelledError())"),
        do("self.throw(MemoryError())"),
        do("True"),
        do("self.throw(ValueError('\\ud800'))"),
    )
    assert {seq: (meta["outcome"], meta["error"], meta["delay_us"]) for seq, meta in failed.items()} == {
        2: ("failed", "ValueError: one", 0),
        3: ("permanent", "no id", 0),
        4: ("retry_after", "again after 30 s", 30_000_000),
        5: ("retry_after", "busy", 1_500_000),
        6: ("failed", "CancelledError", 0),
        7: ("failed", "MemoryError", 0),
        9: ("failed", "ValueError: ?", 0),
    }
    assert "one\ntwo" in failed[2]["traceback"] and "in throw" in failed[2]["traceback"]
    assert "worker.py" not in failed[2]["traceback"]
    assert [f.seq for f in host.child.frames("work", frames.DONE)] == [9]


def test_ready_says_what_was_found(serve, python):
    host = serve({"pyproject.toml": '[project]\nname = "my-orders"\nversion = "1.2.3"\n', "my_orders/processor.py": OBEDIENT})
    ready = dict(host.ready)
    interpreter = ready.pop("interpreter")
    assert interpreter.startswith("Python 3.") and interpreter.endswith(f"({python})")
    assert ready == {
        "protocol": 1,
        "package": "my-orders".replace("-", "_"),
        "version": "1.2.3",
        "module": "my_orders.processor",
        "type": "ObedientServiceProcessor",
        "kind": "messages",
        "rococo": "built in",
        "notes": [],
    }


def test_a_body_that_is_no_json_is_a_dead_letter_and_its_neighbours_are_processed(serve):
    bodies = {
        "": "not JSON",
        "no": "not JSON",
        '{"a": 1} x': "not JSON",
        b"\xe9t\xe9": "not UTF-8",
        b'"\xff"': "not UTF-8",
        "\0": "not JSON",
        "[" * 100_000 + "]" * 100_000: "nested too deeply",
    }
    host = serve(OBEDIENT)
    failed = host.process(*bodies, '"next"')
    assert list(failed) == list(range(1, len(bodies) + 1))
    for meta, text in zip(failed.values(), bodies.values()):
        assert meta["outcome"] == "permanent" and text in meta["error"] and not meta["traceback"]
    assert host.logged("next") == ["'next'"]


def test_any_json_is_taken(serve):
    host = serve(OBEDIENT)
    assert host.process("\ufeff[1, 2]", "7", " null\n", "NaN", '"\\ud800 \\u0000"', "{}", "1e999") == {}
    assert host.logged("inf") == ["[1, 2]", "7", "None", "nan", "'\\ud800 \\x00'", "{}", "inf"]


@pytest.mark.one_python
def test_a_body_of_100_mb_comes_whole_and_the_buffer_shrinks_again(serve):
    host = serve(OBEDIENT.replace('"%r", message', '"%d of %s", len(message), set(message)'))
    body = '"' + "x" * 100_000_000 + '"'
    assert host.process(body) == {}
    assert host.logged("100000000 of") == ["100000000 of {'x'}"]
    host.process('"y"')
    host.process('"y"')
    resident = [line for line in open(f"/proc/{host.pid}/status") if line.startswith("VmRSS")]
    assert int(resident[0].split()[1]) < 80_000


@pytest.mark.one_python
def test_a_window_that_comes_byte_by_byte(serve):
    host = serve(OBEDIENT)
    data = b"".join(frames.encode(frames.MESSAGE | (frames.LAST if n == 3 else 0), n, b"", b'"%d"' % n) for n in (1, 2, 3))
    for index in range(len(data)):
        host.child.write(data[index : index + 1])
    host.seq = 3
    host.wait_done()
    assert host.logged("'3'") == ["'1'", "'2'", "'3'"]


def test_metadata_is_there_when_it_is_asked_for(serve):
    host = serve(OBEDIENT)
    what = (
        "logging.info('%s', [context.message_id, context.queue, context.attempt, context.headers, context.headers.get_all('a'),"
        " context.correlation_id, str(context.sent_at), context.scheduled_at, context.message.priority, context.message.redelivered,"
        " context.message.reply_to, context.queue_name('x'), context.cancelled(), context.time_left()])"
    )
    meta = {
        "id": "m1", "attempt": 3, "headers": [["a", "1"], ["a", "2"], ["b", "ü"]], "correlation_id": "c", "sent_at": 1_700_000_000_000_001,
        "priority": 9, "redelivered": True, "reply_to": "answers",
    }  # fmt: skip
    host.process(do(what), do(what), metas=[meta, {}])
    full, bare = host.logged("['', ")
    assert full == (
        "['m1', 'orders', 3, {'a': '1', 'b': 'ü'}, ['1', '2'], 'c', '2023-11-14 22:13:20.000001+00:00', None, 9, True, 'answers', 'x',"
        " False, inf]"
    )
    assert bare == "['', 'orders', 1, {}, [], '', 'None', None, None, False, '', 'x', False, inf]"


def test_cancelled_and_time_left(serve):
    host = serve(OBEDIENT, process_timeout_us=50_000_000, queue_prefix="dev_")
    host.page[frames.CANCELLED] = 1
    host.process(do("logging.info('%s %s %s', context.cancelled(), 40 < context.time_left() <= 50, context.queue_name('q'))"))
    assert host.logged("True") == ["True True dev_q"]


def test_awaitables_are_awaited_on_one_loop(serve):
    host = serve(
        HEAD
        + """
import asyncio, logging

class AsyncServiceProcessor(BaseServiceProcessor):
    def __init__(self):
        self.queue = asyncio.Queue()
        self.loops = set()

    async def process(self, message):
        await self.queue.put(message)
        await asyncio.sleep(0)
        self.loops.add(id(asyncio.get_running_loop()))
        if message == "raise":
            raise KeyError("x")
        logging.info("%s of %d loop", await self.queue.get(), len(self.loops))

    async def close(self):
        logging.info("closed")
"""
    )
    failed = host.process('"a"', '"b"', '"raise"')
    assert host.logged("b of") == ["a of 1 loop", "b of 1 loop"]
    assert failed[3]["error"] == "KeyError: 'x'" and "worker.py" not in failed[3]["traceback"]
    assert host.stop() == 0
    assert "closed" in host.logged()


def test_asyncio_run_and_new_threads_in_process(serve):
    host = serve(OBEDIENT)
    assert host.process(do("asyncio.run(asyncio.sleep(0))"), do("asyncio.run(asyncio.sleep(0))")) == {}


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt()", "GeneratorExit()"])
def test_who_leaves_fails_and_ends_the_child_and_nothing_else_begins(serve, error):
    host = serve(OBEDIENT)
    host.send('"a"', do(f"self.throw({error})"), '"never"')
    assert host.child.wait_for_exit(MINUTES) == 70
    (failed,) = host.child.frames("work", frames.FAILED)
    assert failed.seq == 2 and failed.meta["outcome"] == "left" and failed.meta["error"].startswith("left by " + error.partition("(")[0])
    assert host.page[frames.BEGUN] == host.page[frames.DONE_UP_TO] == 2
    assert not host.child.frames("work", frames.DONE)
    assert "closed after 2" in host.logged() and "deleted" in host.logged() and "'never'" not in host.logged()


def test_a_batch_is_one_call_and_its_messages_may_fail_by_themselves(serve):
    host = serve(
        """
        import logging
        from rococo_svchost import context, RetryAfter

        class BatchServiceProcessor:
            def process_batch(self, messages):
                logging.info("%s %s", messages, [m.message_id for m in context.batch])
                if "raise" in messages:
                    raise RuntimeError("all")
                for metadata, message in zip(context.batch, messages):
                    if message == "bad":
                        metadata.fail(RetryAfter(2))
                    if message == "worse":
                        metadata.fail("text")
        """
    )
    assert host.ready["kind"] == "batches"
    failed = host.process('"a"', "no JSON", '"bad"', '"worse"', metas=[{"batch": 4, "id": "1"}, {"id": "2"}, {"id": "3"}, {"id": "4"}])
    assert [(seq, meta["outcome"], meta["error"]) for seq, meta in failed.items()] == [
        (2, "permanent", failed[2]["error"]),
        (3, "retry_after", "again after 2 s"),
        (4, "failed", "Exception: text"),
    ]
    assert host.logged("['a'") == ["['a', 'bad', 'worse'] ['1', '3', '4']"]
    assert host.page[frames.BEGUN] == 4

    metas = [{"batch": 2}, {}, {"batch": 3}, {}, {}]
    failed = host.process('"x"', '"y"', '"raise"', '"p"', '"q"', metas=metas)
    assert {seq: (meta["error"], meta["count"]) for seq, meta in failed.items()} == {9: ("RuntimeError: all", 3)}
    failed = host.process('"raise"', "no JSON", '"p"', metas=[{"batch": 3}, {}, {}])
    assert {seq: (meta["outcome"], meta.get("count", 1)) for seq, meta in failed.items()} == {
        10: ("failed", 1), 11: ("permanent", 1), 12: ("failed", 1),
    }  # fmt: skip


def test_a_schedule_runs_and_fails(serve):
    host = serve(
        """
        import logging
        from rococo_svchost import context

        class Reports:
            def process(self):
                logging.info("%s %d", context.scheduled_at, context.attempt)
                assert context.attempt < 2
        """,
        work="schedule",
    )
    assert host.ready["kind"] == "schedule" and host.ready["type"] == "Reports"
    assert host.run(scheduled_at=1_700_000_000_000_000) is None
    assert host.run(scheduled_at=1_700_000_000_000_000, attempt=2)["outcome"] == "failed"
    assert host.logged(" 2")[0] == "2023-11-14 22:13:20+00:00 1"
    assert host.stop() == 0


@pytest.mark.parametrize("how", ["stop", "eof", "recycle"])
def test_the_end(serve, how):
    host = serve(OBEDIENT + "    print('half a line', end='')\n    sys.stdout.write('')\n")
    if how == "recycle":
        host.page[frames.RECYCLE] = 1
    host.process('"a"', do("print('no newline', end='')"))
    if how == "stop":
        host.child.stop()
    elif how == "eof":
        host.child.close_work()
    assert host.child.wait_for_exit(MINUTES) == 0
    assert host.logged()[-2:] == ["closed after 2", "deleted"]
    assert host.child.output("stdout").endswith("no newline")
    assert not host.child.output("stderr")


def test_stop_before_start_makes_no_instance(tmp_path, python, clean_env):
    from fake_host import Child, write_files

    write_files(tmp_path, {"processor.py": OBEDIENT})
    with Child(python=python, env=clean_env, cwd=str(tmp_path)) as child:
        child.hello(folder=str(tmp_path))
        child.stop()
        assert child.wait_for_exit(MINUTES) == 0
        assert not child.frames("calls")


def test_another_protocol_is_refused_with_both_versions(serve):
    with pytest.raises(Refused, match="svchost 9.9 speaks protocol 2, .*front/rococo_svchost speaks protocol 1") as refused:
        serve(OBEDIENT, protocol=2, host="9.9")
    assert refused.value.meta["stage"] == "protocol" and refused.value.code == 70


def test_unknown_frames(serve):
    host = serve(OBEDIENT)
    host.child.write(frames.encode(33 | frames.OPTIONAL, 0, b"", b"from a later version"))
    assert host.process('"a"') == {}
    host.child.write(frames.encode(33, 0))
    assert host.child.wait_for_exit(MINUTES) == 70
    assert any("frame of unknown kind 33" in text for text in host.logged())


def test_run_by_hand_it_says_what_it_is(python, clean_env):
    import subprocess

    from fake_host import FRONT

    done = subprocess.run([python, FRONT / "rococo_svchost"], env=clean_env, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 64 and b"is run by svchost" in done.stderr


@pytest.mark.one_python
def test_a_failure_is_said_before_its_message_counts_as_done(serve):
    """Whoever reads the page, and the socket after it, has the failures of all that is done."""
    host = serve(OBEDIENT)
    count = 300
    host.send(*[do("self.throw(ValueError())")] * count)
    looks = 0
    while True:
        done = host.page[frames.DONE_UP_TO]
        while host.child.read(0.0):
            pass
        failed = host.child.frames("work", frames.FAILED)
        assert len(failed) >= done
        looks += 0 < done < count
        if done == count:
            break
    assert [frame.seq for frame in failed] == list(range(1, count + 1))
    assert len(host.wait_done()) == count, looks
