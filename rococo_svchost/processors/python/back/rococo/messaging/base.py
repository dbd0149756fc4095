# SPDX-License-Identifier: MIT
"""The classes that processors and adapters derive from."""

from __future__ import annotations

from typing import Any, Callable, Optional


class BaseServiceProcessor:
    """A processor of messages. Derive from it and override `process`."""

    def __init__(self) -> None:
        """Takes no arguments: the host makes the processor, once in each of its worker processes."""

    def process(self, message: Any) -> Any:
        """Processes one message: any JSON value, a dict as a rule. Returning, whatever it is, acknowledges the message."""


class MessageAdapter:
    """A connection to a queue, to be used in a `with` statement."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: Any) -> None:
        """Nothing is held."""

    def send_message(self, queue_name: str, message: Any) -> None:
        """Sends a message, as JSON."""
        raise NotImplementedError

    def consume_messages(self, queue_name: str, callback_function: Optional[Callable[..., Any]] = None, *more: Any) -> None:
        """Refuses: consuming is what svchost does."""
        raise NotImplementedError("svchost consumes the queue: a processor need not, and cannot without the package rococo[messaging]")
