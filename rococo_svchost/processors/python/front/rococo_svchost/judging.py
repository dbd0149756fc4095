# SPDX-License-Identifier: MIT
"""From what `process` was given and raised to what the host is told: one place for the worker and the test kit."""

from __future__ import annotations

import json
import traceback
from types import TracebackType
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, Type

from .errors import PermanentError, RetryAfter

_LONGEST_TRACEBACK = 64 * 1024  # characters
_LONGEST_ERROR = 4096

_scan: Callable[[str, int], Tuple[Any, int]] = getattr(json.JSONDecoder(), "scan_once")


class Failure(NamedTuple):
    """What a FAILED frame says: `outcome` is failed, retry_after, permanent or left; `delay_us` is for retry_after."""

    outcome: str
    error: str
    traceback: str = ""
    delay_us: int = 0


class BodyError(PermanentError):
    """A body that is not JSON in UTF-8. It never will be, so the message becomes a dead letter."""


def decode_body(body: Any) -> Any:
    """What a body says: any JSON value. A byte order mark is passed over. Raises BodyError.

    `body` is bytes or a part of the loop's buffer. NaN and Infinity are taken, as `json.loads` takes them.
    """
    try:
        text = str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise BodyError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    try:
        # `json.loads` without its checks and its search for white space: a third of the time for a small message.
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except (StopIteration, ValueError, RecursionError):
        pass
    try:
        return json.loads(text[1:] if text.startswith("\ufeff") else text)
    except ValueError as error:
        raise BodyError(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise BodyError("the body is JSON that is nested too deeply") from None


def failure_of(error: BaseException) -> Failure:
    """What is to be said of an exception that came out of the user's code."""
    if isinstance(error, BodyError):
        return Failure("permanent", _first_line(str(error)))
    text = formatted(type(error), error, error.__traceback__)
    if isinstance(error, PermanentError):
        return Failure("permanent", _own_text(error), text)
    if isinstance(error, RetryAfter):
        return Failure("retry_after", _own_text(error), text, round(error.delay * 1e6))
    if isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)):
        return Failure("left", f"left by {error_line(error)}", text)
    return Failure("failed", error_line(error), text)


def error_line(error: BaseException) -> str:
    """`ValueError: text`, the first line of it."""
    name = type(error).__name__
    text = _text_of(error)
    return _first_line(f"{name}: {text}" if text else name)


def _own_text(error: BaseException) -> str:
    return _first_line(_text_of(error)) or type(error).__name__


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the user's __str__
        return "(its text cannot be read)"


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0][:_LONGEST_ERROR] if lines else ""


def formatted(kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]) -> str:
    """The traceback as Python prints it, without the frames that lead to the user's code, at most 64 Ki characters of it."""
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(("rococo_svchost.", "asyncio.")):
        trace = trace.tb_next
    try:
        lines: List[str] = traceback.format_exception(kind, error, trace)
        text = "".join(lines)
    except Exception:
        text = f"{kind.__name__} (its traceback cannot be shown)\n"
    if len(text) > _LONGEST_TRACEBACK:
        half = _LONGEST_TRACEBACK // 2
        text = text[:half] + "\n... \n" + text[-half:]
    return text
