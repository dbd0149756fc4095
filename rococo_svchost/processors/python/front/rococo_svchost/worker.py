# SPDX-License-Identifier: MIT
"""The worker: takes windows of messages from the host, calls the processor, and notes in the page what is begun.

The page is how the host knows after a crash which message was in hand, and how it takes back what is not begun: `begun` is stored
before the retraction is read, and the host waits between writing the retraction and reading `begun` again, so one of the two sees
the other's word. FAILED and RETURNED are sent before `done` is stored.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import time
import traceback
from typing import Any, Awaitable, Dict, List, NoReturn, Optional, Tuple

from . import logs
from .calls import Calls
from .context import Metadata, state
from .frames import (
    BEGUN,
    DONE,
    DONE_UP_TO,
    FAILED,
    HEADER,
    KIND_MASK,
    LAST,
    MESSAGE,
    OPTIONAL,
    RECYCLE,
    RETRACT_ABOVE,
    RETRACT_UP_TO,
    RETURNED,
    RUN,
    START,
    STOP,
    FrameReader,
    ProtocolError,
    decode_meta,
    encode,
    encode_meta,
)
from .judging import decode_body, failure_of

EXIT_REFUSED = 70  # EX_SOFTWARE
_EMPTY = bytearray()
_EMPTY_VIEW = memoryview(_EMPTY)
EXIT_GRACE_S = 5.0  # what threads and exit handlers get at the end


class Leave(BaseException):
    """Ends the loop: with 0 after STOP, with 70 after a processor that left by SystemExit and the like."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Worker:
    """One processor and the sockets to its host. **Thread-safety**: the main thread only."""

    def __init__(self, work: socket.socket, calls: Calls, page: memoryview) -> None:
        self._work = work
        self._calls = calls
        self._page = page
        self._reader = FrameReader(work)
        self._loop: Any = None
        self.instance: Any = None
        self.batches = False
        self._batch: List[Tuple[int, Any, Metadata]] = []  # seq, body (or what is wrong with it), properties
        self._batch_size = 0
        self._skip_to = 0
        self.forked = False
        os.register_at_fork(after_in_child=self._after_fork)

    # What the host and we say before and after.

    def receive(self) -> Any:
        """The next frame. Raises EOFError when the host has gone."""
        return self._reader.next()

    def send(self, kind: int, seq: int = 0, meta: Optional[Dict[str, Any]] = None) -> None:
        """Sends a frame on the work socket."""
        self._work.sendall(encode(kind, seq, encode_meta(meta) if meta else b""))

    def wait_for_start(self) -> Optional[str]:
        """Waits for START and returns the queue's name; None if the host wants the child to stop."""
        while True:
            try:
                frame = self.receive()
            except EOFError:
                return None
            if frame.kind == START:
                return str(frame.meta.get("queue", ""))
            if frame.kind == STOP:
                return None
            if not frame.flags & OPTIONAL:
                raise ProtocolError(f"a frame of kind {frame.kind} instead of START")

    def _after_fork(self) -> None:
        """In a child that the user's code forked: it must neither write nor hold what is the host's and ours.

        With the page released, a child that returns out of `process` into the loop ends there; see `run`.
        """
        self.forked = True
        self._page.release()
        state.page = None
        self._work.close()
        self._calls.close("a process that was forked in the processor cannot send: send from the processor itself")

    # The loop.

    def run(self) -> int:
        """Serves the host until STOP or the end of its socket; returns the exit code."""
        try:
            self._serve()
        except Leave as leave:
            return leave.code
        except SystemExit:  # only in a forked child does one come so far
            raise
        except (EOFError, BrokenPipeError, ConnectionResetError):
            if not self.forked:
                return 0  # the host has gone
            _end_forked(None)
        except BaseException:
            if not self.forked:
                raise
            _end_forked(None)

    def _serve(self) -> NoReturn:
        """Frame by frame, for ever. What is done for each message is here, and nothing else is."""
        reader, page, unpack = self._reader, self._page, HEADER.unpack_from
        current, instance, single, limited = state, self.instance, not self.batches, state.time_limit_s > 0
        buffer, view, at, fill = reader.buffer, reader.view, reader.at, reader.fill
        value: Any = None
        while True:
            end = at + 16
            if end <= fill:
                size, kind, seq = unpack(buffer, at)
                start = end
                body = start + (kind >> 8)
                end += size
            if end > fill:
                buffer, view = _EMPTY, _EMPTY_VIEW  # a large buffer may go while we wait
                at, fill = reader.more(at)
                buffer, view = reader.buffer, reader.view
                continue
            at = end
            if kind & (KIND_MASK | OPTIONAL) != MESSAGE or body > end:
                self._other(kind, seq, bytes(view[start:body]), body > end)
                continue
            if seq <= self._skip_to:
                pass
            elif single:
                page[BEGUN] = seq
                if page[RETRACT_ABOVE] < seq <= page[RETRACT_UP_TO]:
                    self._returned(seq, 1)
                else:
                    current.raw = buffer[start:body]
                    if limited:
                        current.began_s = time.monotonic()
                    try:
                        value = instance.process(decode_body(view[body:end]))
                        if value is not None and hasattr(value, "__await__"):
                            self._await(value)
                    except BaseException as error:
                        self._failed(seq, error)
                    page[DONE_UP_TO] = seq
            else:
                self._collect(seq, bytes(view[start:body]), view[body:end])
            if kind & LAST:
                value = None  # what is big does not outlive its window
                self._end_of_window(seq)

    def _other(self, kind: int, seq: int, meta: bytes, malformed: bool) -> None:
        number = kind & KIND_MASK
        if malformed:
            raise ProtocolError(f"frame {seq} has more metadata than bytes")
        if number == RUN and not kind & OPTIONAL:
            self._run_schedule(seq, meta)
        elif number == STOP and not kind & OPTIONAL:
            raise Leave(0)
        elif not kind & OPTIONAL:
            raise ProtocolError(f"a frame of unknown kind {number}")

    def _end_of_window(self, seq: int) -> None:
        if self._batch:
            raise ProtocolError(f"the window ends with {seq}, within a batch")
        if seq <= self._skip_to:
            # What was passed over is behind us: a page that says so keeps up with the numbers of the next window. The host has
            # read RETURNED, which was sent before, when it sees this.
            self._page[BEGUN] = seq
            self._page[DONE_UP_TO] = seq
        self.send(DONE, seq)
        if self._page[RECYCLE]:
            raise Leave(0)

    def _returned(self, last: int, count: int) -> None:
        """The retraction has reached what was to begin: so it has all that follows in the window."""
        self._skip_to = self._page[RETRACT_UP_TO]
        for seq in range(last - count + 1, last + 1):
            self.send(RETURNED, seq)

    def _failed(self, seq: int, error: BaseException, count: int = 1) -> None:
        if self.forked:
            _end_forked(error)
        failure = failure_of(error)
        meta = {"outcome": failure.outcome, "delay_us": failure.delay_us, "error": failure.error, "traceback": failure.traceback}
        if count > 1:
            meta["count"] = count
        self.send(FAILED, seq, meta)
        if failure.outcome == "left":
            self._page[DONE_UP_TO] = seq
            raise Leave(EXIT_REFUSED) from None

    def _run_schedule(self, seq: int, meta: bytes) -> None:
        self._page[BEGUN] = seq
        state.raw, state.began_s = meta, time.monotonic()
        try:
            result = self.instance.process()
            if result is not None and hasattr(result, "__await__"):
                self._await(result)
        except BaseException as error:
            self._failed(seq, error)
        self._page[DONE_UP_TO] = seq
        self._end_of_window(seq)

    # Batches.

    def _collect(self, seq: int, meta: bytes, body: memoryview) -> None:
        """Adds a message to its batch, and processes the batch when it is complete."""
        if not self._batch:
            self._batch_size = int(decode_meta(meta).get("batch", 1))
        try:
            value = decode_body(body)
        except BaseException as error:
            value = _Unreadable(error)
        self._batch.append((seq, value, Metadata(meta)))
        if len(self._batch) >= self._batch_size:
            batch, self._batch = self._batch, []
            self._process_batch(batch)

    def _process_batch(self, batch: List[Tuple[int, Any, Metadata]]) -> None:
        page, last = self._page, batch[-1][0]
        page[BEGUN] = last
        if page[RETRACT_ABOVE] < last <= page[RETRACT_UP_TO]:
            self._returned(last, len(batch))
            return
        readable = [item for item in batch if not isinstance(item[1], _Unreadable)]
        state.batch = [metadata for _, _, metadata in readable]
        state.raw = state.batch[0]._raw if readable else b""
        state.began_s = time.monotonic()
        raised: Optional[BaseException] = None
        try:
            result = self.instance.process_batch([value for _, value, _ in readable]) if readable else None
            if result is not None and hasattr(result, "__await__"):
                self._await(result)
        except BaseException as error:
            if self.forked:
                _end_forked(error)
            raised = error
        self._report_batch(batch, raised)
        page[DONE_UP_TO] = last

    def _report_batch(self, batch: List[Tuple[int, Any, Metadata]], raised: Optional[BaseException]) -> None:
        """Sends FAILED for what failed: messages by themselves, and what shares an exception in as few frames as can be."""
        leave: Optional[Leave] = None
        shared = 0
        for index, (seq, value, metadata) in enumerate(batch):
            own = value.error if isinstance(value, _Unreadable) else metadata.failure
            shared = shared + 1 if own is None and raised is not None else 0
            following = batch[index + 1] if index + 1 < len(batch) else None
            ends = following is None or isinstance(following[1], _Unreadable) or following[2].failure is not None
            try:
                if own is not None:
                    self._failed(seq, own)
                elif raised is not None and ends:
                    self._failed(seq, raised, shared)
            except Leave as error:
                leave = error
        if leave is not None:
            self._page[DONE_UP_TO] = batch[-1][0]
            raise leave

    # asyncio.

    def use_event_loop(self) -> Any:
        """The event loop that awaitable results run on: made once, and the thread's own, so that what a constructor makes fits."""
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def _await(self, result: Awaitable[Any]) -> Any:
        return self.use_event_loop().run_until_complete(_awaited(result))

    # The end.

    def close(self) -> None:
        """Calls the processor's `close()`, if it has one, and lets go of the processor, so that `__del__` runs."""
        instance, self.instance = self.instance, None
        try:
            close = getattr(instance, "close", None)
            result = close() if callable(close) else None
            if result is not None and hasattr(result, "__await__"):
                self._await(result)
        except BaseException:
            logs.notice("ERROR", f"close() of the processor has failed:\n{traceback.format_exc()}")
        del instance
        if self._loop is not None:
            self._close_loop()
        gc.unfreeze()
        gc.collect()

    def _close_loop(self) -> None:
        try:
            import asyncio

            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
        except BaseException:
            logs.notice("WARNING", f"the event loop could not be closed:\n{traceback.format_exc()}")


class _Unreadable:
    """In place of a message's value in a batch: what is wrong with its body."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _end_forked(error: Optional[BaseException]) -> NoReturn:
    """Ends a forked child that came out of the processor, by returning (None) or by raising, without a word to the host."""
    if isinstance(error, SystemExit):
        raise error
    if error is not None:
        traceback.print_exception(type(error), error, error.__traceback__)
    flush_streams()
    os._exit(0 if error is None else 1)


def flush_streams() -> None:
    """Writes out what was printed, without complaint where a stream is closed."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def end_in_time(code: int) -> NoReturn:
    """Lets the interpreter end, which waits for threads that are no daemons and runs exit handlers, but not for ever."""

    def watch() -> None:
        time.sleep(EXIT_GRACE_S)
        names = sorted(t.name for t in threading.enumerate() if not t.daemon and t is not threading.main_thread())
        left = f": threads {', '.join(names)}" if names else ""
        logs.notice("WARNING", f"ending with work left after {EXIT_GRACE_S:g} s{left}. Threads that should not hold the end are daemons")
        flush_streams()
        os._exit(code)

    threading.Thread(target=watch, name="rococo-end", daemon=True).start()
    flush_streams()
    sys.exit(code)
