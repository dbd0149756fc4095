# SPDX-License-Identifier: MIT
"""Keeps the books for the tests that count messages, as `ledger_service` does in C++, and obeys the same orders.

    {"id": "17", "do": "throw"}

`do`: `throw`, `permanent`, `retry-after:MS` (once), `always-after:MS`, `abort`, `segv`, `exit:CODE`, `_exit:CODE`, `allocate:MB`,
`sleep:MS`, `fail-after:MS`, `until:FILE` (waits until there is such a file), `log:LINES`, `send:QUEUE`. To the file LEDGER_LOG it
adds `begin|done ID ATTEMPT PROCESS MICROSECONDS`, with one write, and to LEDGER_HOSTS_LOG which host each process has.
"""

import logging
import os
import select
import signal
import sys
import time

from rococo.messaging import BaseServiceProcessor
from rococo_svchost import PermanentError, RetryAfter, context


def _wait(seconds):
    # libfaketime, by which tests give a host a clock of its own, does not know the call that time.sleep makes.
    select.select([], [], [], seconds)


def _microseconds():
    return int(time.time() * 1e6)


class LedgerServiceProcessor(BaseServiceProcessor):
    def __init__(self):
        super().__init__()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._ledger = os.open(os.environ["LEDGER_LOG"], flags, 0o644)
        self._process = os.getpid()
        hosts = os.open(os.environ["LEDGER_HOSTS_LOG"], flags, 0o644)
        os.write(hosts, f"{self._process} {os.getppid()} {_microseconds()}\n".encode())
        os.close(hosts)

    def process(self, message):
        attempt = context.attempt
        self._note("begin", message["id"], attempt)
        verb, _, argument = message.get("do", "").partition(":")
        if verb:
            self._orders[verb](self, argument, attempt, message)
        self._note("done", message["id"], attempt)
        return False  # means nothing

    def _note(self, event, id, attempt):
        os.write(self._ledger, f"{event} {id} {attempt} {self._process} {_microseconds():016}\n".encode())

    def _throw(self, *_):
        raise RuntimeError("as the message asked")

    def _permanent(self, *_):
        raise PermanentError("permanently, as asked")

    def _retry_after(self, milliseconds, attempt, _):
        # Only the first time: the second attempt shows that the delay was kept.
        if attempt == 1:
            raise RetryAfter(int(milliseconds) / 1e3)

    def _always_after(self, milliseconds, *_):
        raise RetryAfter(int(milliseconds) / 1e3)

    def _abort(self, *_):
        os.abort()

    def _segv(self, *_):
        os.kill(self._process, signal.SIGSEGV)

    def _exit(self, code, *_):
        sys.exit(int(code or 3))

    def _exit_at_once(self, code, *_):
        os._exit(int(code))

    def _allocate(self, megabytes, *_):
        if len(bytearray(int(megabytes) << 20)) == 0:
            raise RuntimeError("no memory")

    def _sleep(self, milliseconds, *_):
        _wait(int(milliseconds) / 1e3)

    def _fail_after(self, milliseconds, *_):
        _wait(int(milliseconds) / 1e3)
        raise RuntimeError("late, as the message asked")

    def _until(self, path, *_):
        while not os.path.exists(path):
            _wait(0.005)

    def _log(self, lines, *_):
        for number in range(int(lines)):
            logging.info("line %d %s", number, "." * 1_000)

    def _send(self, queue, _, message):
        context.send_message(queue, message)

    _orders = {
        "throw": _throw, "permanent": _permanent, "retry-after": _retry_after, "always-after": _always_after, "abort": _abort,
        "segv": _segv, "exit": _exit, "_exit": _exit_at_once, "allocate": _allocate, "sleep": _sleep, "fail-after": _fail_after,
        "until": _until, "log": _log, "send": _send,
    }  # fmt: skip
