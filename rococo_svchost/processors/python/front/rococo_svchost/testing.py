# SPDX-License-Identifier: MIT
"""For tests of processors, without a broker and without svchost, in any test framework:

    from rococo_svchost.testing import Host

    with Host(OrderProcessor) as host:
        result = host.process({"id": 7}, attempt=2, headers={"tenant": "a"})
    assert result.outcome == "ack"
    assert result.sent[0].queue == "invoices"

Import this module before those of processors: it provides `rococo` where that is not installed.

The processor is called through the worker's own code, so exceptions have the same outcome as under svchost. With `isolated=True`
it runs in a worker process as in production: a crash and a time limit are then outcomes too.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import sys
import time
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Union

from . import lazy, logs
from .context import Headers, HeaderSource, Metadata, state
from .errors import SendError
from .frames import CANCELLED, PAGE_SIZE, encode_meta
from .judging import Failure, decode_body, failure_of

ACK, RETRY, RETRY_AFTER, DEAD_LETTER = "ack", "retry", "retry_after", "dead_letter"
CRASHED, TIMED_OUT = "crashed", "timed_out"
# What stands in for rococo, if the tests' interpreter has none: as in a worker, last.
sys.path += [entry for entry in (lazy.BACK, lazy.LEGACY) if entry not in sys.path]
lazy.install()

OUTCOMES = {"failed": RETRY, "left": RETRY, "retry_after": RETRY_AFTER, "permanent": DEAD_LETTER}


class Sent(NamedTuple):
    """A message that the processor sent."""

    queue: str
    body: bytes
    properties: Dict[str, Any]  # id, correlation_id, content_type, …: what was given

    @property
    def headers(self) -> Headers:
        """The message's headers."""
        return Headers(self.properties.get("headers", ()))

    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body.decode("utf-8"))


class LogLine(NamedTuple):
    """A line that the processor logged: the level's name, and the text with its exception."""

    level: str
    text: str


class Result(NamedTuple):
    """What would become of a message or a run under svchost.

    `outcome` is ack, retry, retry_after or dead_letter; with `isolated=True` crashed and timed_out too, which are retried.
    """

    outcome: str
    error: str = ""  # the exception in one line; empty for ack
    delay: float = 0.0  # seconds, for retry_after
    traceback: str = ""
    sent: Sequence[Sent] = ()
    logs: Sequence[LogLine] = ()


def meta_of(properties: Mapping[str, Any]) -> Dict[str, Any]:
    """A frame's metadata from the properties that a test gives."""
    meta = {key: value for key, value in properties.items() if value is not None}
    if "message_id" in meta:
        meta["id"] = meta.pop("message_id")
    headers: Optional[HeaderSource] = meta.get("headers")
    if headers is not None:
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        meta["headers"] = [[str(name), str(value)] for name, value in pairs]
    for key in ("sent_at", "scheduled_at"):
        if isinstance(meta.get(key), datetime.datetime):
            meta[key] = round(meta[key].timestamp() * 1e6)
    return meta


def body_of(body: Any) -> bytes:
    """Bytes as they are, anything else as JSON."""
    return bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else json.dumps(body).encode("utf-8")


class Host:
    """One instance of a processor, with a host that is played.

    `env` is added to the environment, from before the constructor is called until `close`. `queue` and `queue_prefix` are what the
    context says; `time_limit` is PROCESS_TIMEOUT in seconds, 0 for none. Set `send_error` to a text to let sending fail.
    Properties of a message are keywords of `process`: message_id, attempt, headers, correlation_id, content_type, sent_at, and so on.

    **Thread-safety**: one thread, and one host at a time without `isolated`; the processor may log and send from several.
    **Errors**: what the constructor raises comes out of `Host(...)`, with `isolated=True` out of the first call, as RuntimeError.
    """

    def __init__(
        self,
        processor: type,
        *,
        env: Optional[Mapping[str, str]] = None,
        queue: str = "test-queue",
        queue_prefix: str = "",
        time_limit: float = 0.0,
        log_level: str = "INFO",
        isolated: bool = False,
    ) -> None:
        self.send_error = ""
        self._isolated: Any = None
        self._sender = _Recorder(self)
        self._log_level = log_level
        if isolated:
            from .isolated import IsolatedProcessor

            self._isolated = IsolatedProcessor(processor, dict(env or {}), queue, queue_prefix, time_limit, log_level)
            return
        self._environment = _changed(env or {})
        self._loop: Any = None
        self._page = memoryview(bytearray(PAGE_SIZE)).cast("Q")
        self._limit = time_limit
        self._names = (queue, queue_prefix)
        try:
            with self._playing():
                self.processor = processor()
        except BaseException:
            _restore(self._environment)
            raise

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def process(self, body: Any, **properties: Any) -> Result:
        """Processes one message: bytes as they are, anything else as JSON."""
        meta = meta_of(properties)
        if self._isolated:
            return self._isolated.process(body_of(body), meta, self.send_error)  # type: ignore[no-any-return]
        state.raw = encode_meta(meta)
        data = body_of(body)
        return self._called(lambda: self.processor.process(decode_body(data)))

    def process_batch(self, bodies: Sequence[Any], properties: Sequence[Mapping[str, Any]] = ()) -> List[Result]:
        """Processes several messages in one call of `process_batch`; a result for each. What was sent and logged is the call's."""
        metas = [encode_meta(meta_of(properties[i] if i < len(properties) else {})) for i in range(len(bodies))]
        if self._isolated:
            raise NotImplementedError("batches are not played with isolated=True")
        values: List[Any] = []
        failures: List[Optional[BaseException]] = []
        readable: List[Metadata] = []
        for body, raw in zip(bodies, metas):
            try:
                values.append(decode_body(body_of(body)))
                readable.append(Metadata(raw))
                failures.append(None)
            except Exception as error:
                failures.append(error)
        state.batch, state.raw = readable, metas[0] if metas else b""
        common = self._called(lambda: self.processor.process_batch(values) if values else None)
        own = iter(readable)
        results = []
        for failure in failures:
            failed = failure or next(own).failure
            results.append(common if failed is None else self._result(failure_of(failed), common.sent, common.logs))
        return results

    def run(self, scheduled_at: Optional[datetime.datetime] = None, attempt: int = 1) -> Result:
        """One run of a cron processor, due at `scheduled_at`, by default now."""
        due = scheduled_at or datetime.datetime.now(datetime.timezone.utc)
        meta = meta_of({"scheduled_at": due, "attempt": attempt})
        if self._isolated:
            return self._isolated.run(meta, self.send_error)  # type: ignore[no-any-return]
        state.raw = encode_meta(meta)
        return self._called(lambda: self.processor.process())

    def cancel(self) -> None:
        """`context.cancelled()` is true from now on, until the next call of `process` or `run` has returned."""
        if not self._isolated:
            self._page[CANCELLED] = 1

    def close(self) -> None:
        """Calls the processor's `close()`, if it has one, and puts the environment back."""
        if self._isolated:
            self._isolated.close()
            return
        try:
            close = getattr(self.processor, "close", None)
            if callable(close):
                with self._playing():
                    self._await(close())
        finally:
            _restore(self._environment)
            if self._loop is not None:
                self._loop.close()
                self._loop = None

    def _called(self, call: Any) -> Result:
        self._sender.start()
        failure: Optional[Failure] = None
        with self._playing():
            state.began_s = time.monotonic()
            try:
                self._await(call())
            except BaseException as error:
                failure = failure_of(error)
        self._page[CANCELLED] = 0
        return self._result(failure, list(self._sender.sent), list(self._sender.lines))

    def _await(self, result: Any) -> None:
        if result is None or not hasattr(result, "__await__"):
            return
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(_awaited(result))

    @staticmethod
    def _result(failure: Optional[Failure], sent: Sequence[Sent], lines: Sequence[LogLine]) -> Result:
        if failure is None:
            return Result(ACK, sent=sent, logs=lines)
        return Result(OUTCOMES[failure.outcome], failure.error, failure.delay_us / 1e6, failure.traceback, sent, lines)

    @contextlib.contextmanager
    def _playing(self) -> Iterator[None]:
        """For the time of a call, `context` and the root logger are those of this host."""
        kept = {name: getattr(state, name) for name in ("page", "sender", "queue", "queue_prefix", "time_limit_s", "any_broker")}
        state.page, state.sender, state.any_broker = self._page, self._sender, True
        state.queue, state.queue_prefix = self._names
        state.time_limit_s = self._limit
        root, level = logging.getLogger(), logging.getLogger().level
        root.addHandler(self._sender.handler)
        root.setLevel(logs.level_of(self._log_level))
        try:
            yield
        finally:
            root.removeHandler(self._sender.handler)
            root.setLevel(level)
            for name, value in kept.items():
                setattr(state, name, value)


class _Recorder:
    """In place of the calls socket: keeps what is sent and logged."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.sent: List[Sent] = []
        self.lines: List[LogLine] = []
        self.handler = logs.HostHandler(self)  # type: ignore[arg-type]

    def start(self) -> None:
        self.sent.clear()
        self.lines.clear()

    def send(self, body: bytes, meta: Dict[str, Any]) -> None:
        if self._host.send_error:
            raise SendError(self._host.send_error)
        properties = dict(meta)
        self.sent.append(Sent(properties.pop("queue"), body, properties))

    def log(self, meta: bytes, text: bytes) -> None:
        self.lines.append(LogLine(json.loads(meta.decode("ascii"))["level"], text.decode("utf-8")))


async def _awaited(result: Any) -> Any:
    return await result


def _changed(env: Mapping[str, str]) -> Dict[str, Optional[str]]:
    before = {name: os.environ.get(name) for name in env}
    os.environ.update(env)
    return before


def _restore(before: Mapping[str, Optional[str]]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
