# SPDX-License-Identifier: MIT
"""SqsConnection, which cannot be had without boto3."""

from __future__ import annotations

from typing import Any

from .base import MessageAdapter


class SqsConnection(MessageAdapter):
    """Says which packages to install when somebody connects or sends."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        pass

    def __enter__(self) -> SqsConnection:
        raise _missing()

    def send_message(self, queue_name: str, message: Any) -> None:
        """Raises ConnectionError."""
        raise _missing()


def _missing() -> ConnectionError:
    return ConnectionError(
        "SQS takes the packages rococo and boto3: install rococo[messaging]. To a queue of the host's own broker,"
        " rococo_svchost.context.send_message sends without them"
    )
