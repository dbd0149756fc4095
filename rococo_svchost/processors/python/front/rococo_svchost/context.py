# SPDX-License-Identifier: MIT
"""`context`: what the host offers to a processor beside the message's body.

The loop stores the raw metadata of the message in hand in `state`; nothing of it is parsed before a processor asks.
"""

from __future__ import annotations

import datetime
import json
import math
import time
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import SendError
from .frames import CANCELLED, decode_meta

HeaderSource = Union[Mapping[str, str], Iterable[Tuple[str, str]]]


class Headers(Dict[str, str]):
    """Headers by name. Of a name that occurs several times the first value counts; `get_all` has the others."""

    def __init__(self, pairs: Iterable[Sequence[str]] = ()) -> None:
        super().__init__()
        self.pairs: List[Tuple[str, str]] = [(pair[0], pair[1]) for pair in pairs]
        """All headers in the order of the message."""
        for name, value in self.pairs:
            self.setdefault(name, value)

    def get_all(self, name: str) -> List[str]:
        """Every value of this name, in the order of the message."""
        return [value for key, value in self.pairs if key == name]


class Metadata:
    """The properties of one message, parsed when they are first asked for."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._values: Optional[Dict[str, Any]] = None
        self._headers: Optional[Headers] = None
        self._failure: Optional[BaseException] = None

    def _get(self, name: str, default: Any = "") -> Any:
        if self._values is None:
            self._values = decode_meta(self._raw)
        return self._values.get(name, default)

    def _time(self, name: str) -> Optional[datetime.datetime]:
        microseconds = self._get(name, None)
        if microseconds is None:
            return None
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        try:
            return epoch + datetime.timedelta(microseconds=microseconds)
        except OverflowError:  # some sender's clock stands in the year 10000
            return None

    @property
    def message_id(self) -> str:
        """The message's id; empty if its sender gave none."""
        return str(self._get("id"))

    @property
    def queue(self) -> str:
        """The full name of the queue that the message came from."""
        return str(self._get("queue") or state.queue)

    @property
    def attempt(self) -> int:
        """The number of this attempt, starting at 1."""
        return int(self._get("attempt", 1))

    @property
    def redelivered(self) -> bool:
        """Whether the broker may have delivered the message before."""
        return bool(self._get("redelivered", False))

    @property
    def headers(self) -> Headers:
        """The message's headers, as text."""
        if self._headers is None:
            self._headers = Headers(self._get("headers", ()))
        return self._headers

    @property
    def correlation_id(self) -> str:
        """What the sender correlates answers by; empty if nothing."""
        return str(self._get("correlation_id"))

    @property
    def content_type(self) -> str:
        """Such as `application/json`; empty if the sender gave none."""
        return str(self._get("content_type"))

    @property
    def content_encoding(self) -> str:
        """Such as `gzip`; empty if the sender gave none."""
        return str(self._get("content_encoding"))

    @property
    def reply_to(self) -> str:
        """The queue that wants an answer; empty if none does."""
        return str(self._get("reply_to"))

    @property
    def type(self) -> str:
        """The kind of message, such as `order.created`; empty if the sender gave none."""
        return str(self._get("type"))

    @property
    def app_id(self) -> str:
        """The name of the sending program; empty if it gave none."""
        return str(self._get("app_id"))

    @property
    def priority(self) -> Optional[int]:
        """0 to 255, or None."""
        priority = self._get("priority", None)
        return None if priority is None else int(priority)

    @property
    def sent_at(self) -> Optional[datetime.datetime]:
        """When it was sent, in UTC, or None if nobody noted it."""
        return self._time("sent_at")

    def fail(self, error: Union[str, BaseException]) -> None:
        """In `process_batch`: this message alone fails. An exception has the outcome that it would have if it were raised."""
        self._failure = Exception(error) if isinstance(error, str) else error

    @property
    def failure(self) -> Optional[BaseException]:
        """What `fail` was given."""
        return self._failure


class State:
    """What the loop and `context` share. One for the process."""

    def __init__(self) -> None:
        self.raw: bytes = b""  # metadata of the message or run in hand
        self.batch: List[Metadata] = []
        self.page: Optional[memoryview] = None
        self.sender: Any = None  # has send(queue, body, meta) -> None, raises SendError
        self.queue = ""
        self.queue_prefix = ""
        self.time_limit_s = 0.0  # PROCESS_TIMEOUT; 0: none
        self.began_s = 0.0  # time.monotonic() of the call in hand, kept only where there is a limit
        self.rabbitmq: Optional[Dict[str, Any]] = None  # host, port, virtual_host of the host's own broker
        self.any_broker = False  # the test kit takes what is sent to whatever broker
        self._parsed: Tuple[bytes, Metadata] = (self.raw, Metadata(self.raw))

    def metadata(self) -> Metadata:
        """The properties of what is in hand, or all defaults if nothing ever was."""
        raw = self.raw
        parsed = self._parsed  # one tuple: threads see both of it or neither
        if parsed[0] is not raw:
            self._parsed = parsed = (raw, Metadata(raw))
        return parsed[1]


state = State()


class Context:
    """What the host offers during a call of `process`.

    **Thread-safety**: everything may be called from any thread. Properties speak of the message that `process` has in hand;
    before the first message they are empty.
    """

    @property
    def message_id(self) -> str:
        """The message's id; empty if its sender gave none."""
        return state.metadata().message_id

    @property
    def queue(self) -> str:
        """The full name of the queue that this service consumes."""
        return state.metadata().queue

    @property
    def attempt(self) -> int:
        """The number of this attempt, starting at 1."""
        return state.metadata().attempt

    @property
    def headers(self) -> Headers:
        """The message's headers, as text."""
        return state.metadata().headers

    @property
    def correlation_id(self) -> str:
        """What the sender correlates answers by; empty if nothing."""
        return state.metadata().correlation_id

    @property
    def sent_at(self) -> Optional[datetime.datetime]:
        """When the message was sent, in UTC, or None if nobody noted it."""
        return state.metadata().sent_at

    @property
    def scheduled_at(self) -> Optional[datetime.datetime]:
        """When this run of a cron processor was due, in UTC. None when handling messages."""
        return state.metadata()._time("scheduled_at")

    @property
    def message(self) -> Metadata:
        """All properties of the message in hand, the rarer ones too."""
        return state.metadata()

    @property
    def batch(self) -> List[Metadata]:
        """In `process_batch`: the properties of each message, in the order of the messages."""
        return state.batch

    def cancelled(self) -> bool:
        """Whether to end early: the time limit is nearly over, or the host is stopping. Ask now and then in long loops."""
        page = state.page
        return page is not None and page[CANCELLED] != 0

    def time_left(self) -> float:
        """Seconds of PROCESS_TIMEOUT that are left, 0 when it has passed; `math.inf` if there is no limit."""
        if not state.time_limit_s:
            return math.inf
        return max(0.0, state.began_s + state.time_limit_s - time.monotonic())

    def queue_name(self, name: str) -> str:
        """A queue's full name: QUEUE_NAME_PREFIX followed by `name`."""
        return state.queue_prefix + name

    def send_message(
        self,
        queue: str,
        message: Any,
        headers: Optional[HeaderSource] = None,
        *,
        message_id: str = "",
        correlation_id: str = "",
        content_type: str = "",
        content_encoding: str = "",
        reply_to: str = "",
        type: str = "",
        app_id: str = "",
        priority: Optional[int] = None,
    ) -> None:
        """Sends to any queue of the host's broker, and returns once the broker has confirmed the message.

        `queue` is the full name. `message` is bytes, sent as they are, or anything that `json.dumps` takes. From any thread.
        Raises SendError if the broker did not confirm; TypeError for what is no JSON; ValueError for a priority beyond 0 to 255.
        """
        if priority is not None and not 0 <= int(priority) <= 255:
            raise ValueError(f"the priority is {priority}, and must be 0 to 255")
        body, default_type = _body_of(message)
        properties = {
            "id": message_id,
            "correlation_id": correlation_id,
            "content_type": content_type or default_type,
            "content_encoding": content_encoding,
            "reply_to": reply_to,
            "type": type,
            "app_id": app_id,
        }
        meta: Dict[str, Any] = {"queue": str(queue)}
        meta.update((name, value) for name, value in properties.items() if value)
        if priority is not None:
            meta["priority"] = int(priority)
        if headers:
            pairs = headers.items() if isinstance(headers, Mapping) else headers
            meta["headers"] = [[str(name), str(value)] for name, value in pairs]
        if state.sender is None:
            raise SendError("nothing can be sent here: this process is not run by svchost (in tests: rococo_svchost.testing.Host)")
        state.sender.send(body, meta)


def _body_of(message: Any) -> Tuple[bytes, str]:
    if isinstance(message, (bytes, bytearray, memoryview)):
        return bytes(message), "application/octet-stream"
    return json.dumps(message).encode("utf-8"), "application/json"


context = Context()
