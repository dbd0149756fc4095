# SPDX-License-Identifier: MIT
"""The root logger's handler: log records go to the host, which prints them in its own format.

Before the user's code is imported, the root logger has this handler and a level, so that `logging.basicConfig` in modules
changes nothing, as under the original. It is a StreamHandler with the original's formatter: code that looks for one finds it, and
once somebody gives it another formatter, its lines go to stderr as that formatter made them.
"""

from __future__ import annotations

import json.encoder
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Callable, Optional

from .calls import Calls
from .context import state

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler["SafeStream"]
else:
    _StreamHandler = logging.StreamHandler

FORMAT = "%(asctime)s [%(levelname)s] %(module)s:%(lineno)d - %(message)s"
_LONGEST_TEXT = 1024 * 1024  # bytes; the rest of a longer text is left out
_LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}

quoted: Callable[[str], str] = getattr(json.encoder, "encode_basestring_ascii")


def _json(text: object) -> str:
    """As a string of JSON, without halves of surrogate pairs."""
    name = str(text)
    return quoted(name if name.isascii() else name.encode("utf-8", "replace").decode("utf-8"))


_plain = logging.Formatter("%(message)s")


class SafeStream:
    """stderr, whatever has become of it: writing never raises."""

    def write(self, text: str) -> int:
        try:
            return sys.stderr.write(text)
        except Exception:
            return 0

    def flush(self) -> None:
        try:
            sys.stderr.flush()
        except Exception:
            pass


def level_of(name: str) -> int:
    """A level's number; INFO for names that nobody knows."""
    return _LEVELS.get(name.upper(), logging.INFO)


def _level_name(number: int) -> str:
    for name in ("CRITICAL", "ERROR", "WARNING", "INFO"):
        if number >= _LEVELS[name]:
            return name
    return "DEBUG"


def message_of(record: logging.LogRecord) -> str:
    """The record's text with its exception. Arguments that do not fit the text are appended: the line is worth more than order.

    `logger.exception("text", error)`, with a surplus argument, is common in processors of the original's users.
    """
    try:
        return _plain.format(record)
    except Exception:
        pass
    fitting = logging.makeLogRecord(record.__dict__)
    fitting.args = None
    try:
        fitting.msg = f"{record.msg} {record.args!r}"
        return _plain.format(fitting)
    except Exception as error:  # a broken __str__ or __repr__
        return f"a log record that cannot be formatted ({type(error).__name__}), logged in {record.pathname}:{record.lineno}"


class HostHandler(_StreamHandler):
    """Sends records to the host as frames. `emit` never raises.

    **Thread-safety**: as any handler's. In a forked child it writes to stderr: the sockets are its parent's.
    """

    def __init__(self, calls: Optional[Calls]) -> None:
        super().__init__(SafeStream())
        self.calls = calls
        self._original = logging.Formatter(FORMAT)
        self.setFormatter(self._original)

    def emit(self, record: logging.LogRecord) -> None:
        """Sends one record; where there is no host, or the formatter is somebody else's, writes it to stderr."""
        try:
            if self.calls is None or self.formatter is not self._original:
                super().emit(record)
            else:
                self._send(self.calls, record)
        except Exception:
            pass

    def handleError(self, record: logging.LogRecord) -> None:
        """What logging itself would complain about: written without its format, and without a traceback."""
        self.stream.write(message_of(record) + "\n")

    def _send(self, calls: Calls, record: logging.LogRecord) -> None:
        meta = (
            f'{{"time":{int(record.created * 1e6)},"level":"{_level_name(record.levelno)}","module":{_json(record.module)}'
            f',"line":{int(record.lineno or 0)},"logger":{_json(record.name)}}}'
        )
        text = message_of(record).encode("utf-8", "backslashreplace")
        if len(text) > _LONGEST_TEXT:
            text = text[:_LONGEST_TEXT] + b" ... (%d bytes more)" % (len(text) - _LONGEST_TEXT)
        calls.log(meta.encode("ascii"), text)


def install(calls: Calls, level: str) -> None:
    """Gives the root logger its level and its handler, which talks to the host."""
    root = logging.getLogger()
    root.setLevel(level_of(level))
    root.addHandler(HostHandler(calls))
    # In a forked child nothing may be written to the parent's socket, not even by handlers that were kept.
    os.register_at_fork(after_in_child=_detach)


def _detach() -> None:
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, HostHandler):
            handler.calls = None


def install_without_host() -> None:
    """The original's logging, for processes that are not run by svchost: an IDE, a child of multiprocessing."""
    root = logging.getLogger()
    if not root.handlers:
        root.setLevel(logging.INFO)
        root.addHandler(HostHandler(None))


def notice(level: str, text: str, line: int = 0) -> None:
    """A line of our own. It does not pass through `logging`, which the user's code may have set up anew."""
    if state.sender is None:
        SafeStream().write(f"{text}\n")
        return
    meta = f'{{"time":{time.time_ns() // 1000},"level":"{level}","module":"worker","line":{line},"logger":"rococo_svchost"}}'
    try:
        state.sender.log(meta.encode("ascii"), text.encode("utf-8", "backslashreplace"))
    except Exception:
        SafeStream().write(f"{text}\n")
