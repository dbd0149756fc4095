# SPDX-License-Identifier: MIT
"""The test kit's `isolated=True`: the processor in a worker process, as in production."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any, Dict, List

from .child import Child, Event
from .frames import (
    CANCELLED, DONE, FAILED, LOG, NOT_SENT, READY, REFUSED, RUN, SEND, SENT, STARTED, Frame, encode, encode_meta,
)  # fmt: skip
from .lazy import BACK, FRONT, LEGACY
from .signals import STACK_SIGNAL
from .testing import ACK, CRASHED, OUTCOMES, TIMED_OUT, LogLine, Result, Sent

_START_TIMEOUT_S = 120.0
_STACK_WAIT_S = 0.1


class IsolatedProcessor:
    """A worker process that is started again after a crash. The class must be one that the process can import by name."""

    def __init__(self, processor: type, env: Dict[str, str], queue: str, prefix: str, time_limit: float, log_level: str) -> None:
        if "<locals>" in processor.__qualname__ or processor.__module__ == "__main__":
            raise ValueError(f"isolated=True takes a class that another process can import, not {processor.__qualname__}")
        self._processor = processor
        self._env = {**os.environ, **env}
        self._queue, self._prefix, self._limit, self._log_level = queue, prefix, time_limit, log_level
        self._child: Any = None
        self._seq = 0

    def _start(self, work: str) -> Child:
        child = Child(env=self._env)
        try:
            child.hello(
                work=work,
                folder=os.getcwd(),
                module=self._processor.__module__,
                type=self._processor.__name__,
                path=":".join(entry for entry in sys.path if entry not in ("", FRONT, BACK, LEGACY)),
                log_level=self._log_level,
                queue_prefix=self._prefix,
                process_timeout_us=int(self._limit * 1e6),
                any_broker=True,
            )
            child.start(self._queue)
            for expected in (READY, STARTED):
                frame = child.wait_for_frame(expected, REFUSED, timeout=_START_TIMEOUT_S)
                if frame.kind == REFUSED:
                    raise RuntimeError(f"{frame.meta['text']}\n{frame.meta['traceback']}")
        except BaseException:
            child.__exit__()
            raise
        return child

    def process(self, body: bytes, meta: Dict[str, Any], send_error: str) -> Result:
        """One message."""
        child = self._started("messages")
        child.window(self._seq, [body], [meta])
        return self._outcome(child, send_error)

    def run(self, meta: Dict[str, Any], send_error: str) -> Result:
        """One run."""
        child = self._started("schedule")
        child.write(encode(RUN, self._seq, encode_meta(meta)))
        return self._outcome(child, send_error)

    def _started(self, work: str) -> Child:
        if self._child is None:
            self._child = self._start(work)
        self._seq += 1
        child: Child = self._child
        child.forget()
        child.page[CANCELLED] = 0
        return child

    def _outcome(self, child: Child, send_error: str) -> Result:
        """Plays the host until the message is done, the process has died, or its time is up."""
        sent: List[Sent] = []
        failed: List[Frame] = []
        deadline = time.monotonic() + self._limit if self._limit else float("inf")
        while True:
            left = deadline - time.monotonic()
            if self._limit and left < self._limit / 10:
                child.page[CANCELLED] = 1
            if left <= 0:
                return self._killed(child, sent)
            for event in child.read(min(left, 0.05)):
                self._answer(child, event, send_error, sent)
                if event.frame is not None and event.stream == "work":
                    if event.frame.kind == FAILED:
                        failed.append(event.frame)
                    if event.frame.kind == DONE:
                        return self._result(child, failed, sent)
            if child.process.poll() is not None:
                code = child.wait_for_exit()
                if failed := child.frames("work", FAILED):
                    result = self._result(child, failed, sent)
                else:
                    how = f"SIG{signal.Signals(-code).name[3:]}" if code < 0 else f"exited with {code} during process"
                    result = Result(CRASHED, f"crashed: {how}", 0.0, child.output("stderr"), sent, _lines(child))
                self._end()
                return result

    @staticmethod
    def _answer(child: Child, event: Event, send_error: str, sent: List[Sent]) -> None:
        frame = event.frame
        if event.stream != "calls" or frame is None or frame.kind != SEND:
            return
        if send_error:
            child.answer(NOT_SENT, frame.seq, error=send_error)
            return
        properties = dict(frame.meta)
        sent.append(Sent(properties.pop("queue"), frame.payload, properties))
        child.answer(SENT, frame.seq)

    def _killed(self, child: Child, sent: List[Sent]) -> Result:
        os.kill(child.process.pid, STACK_SIGNAL)
        until = time.monotonic() + _STACK_WAIT_S
        while time.monotonic() < until:
            child.read(0.02)
        result = Result(TIMED_OUT, f"timed out after {self._limit:g} s", 0.0, child.output("stderr"), sent, _lines(child))
        self._end()
        return result

    @staticmethod
    def _result(child: Child, failed: List[Frame], sent: List[Sent]) -> Result:
        while child.read(0.0):  # log lines that are still under way
            pass
        if not failed:
            return Result(ACK, sent=sent, logs=_lines(child))
        meta = failed[0].meta
        return Result(OUTCOMES[meta["outcome"]], meta["error"], meta["delay_us"] / 1e6, meta["traceback"], sent, _lines(child))

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.__exit__()

    def close(self) -> None:
        """Lets the worker end by itself, which calls the processor's `close()`."""
        if self._child is not None and self._child.process.poll() is None:
            self._child.stop()
            self._child.wait_for_exit()
        self._end()


def _lines(child: Child) -> List[LogLine]:
    return [LogLine(frame.meta["level"], frame.payload.decode("utf-8")) for frame in child.frames("calls", LOG)]
