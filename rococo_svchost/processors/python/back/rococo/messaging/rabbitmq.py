# SPDX-License-Identifier: MIT
"""RabbitMqConnection by way of the host."""

from __future__ import annotations

from typing import Any, Optional

from rococo_svchost.context import context, state

from .base import MessageAdapter

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class RabbitMqConnection(MessageAdapter):
    """Sends through the host's own connection, confirmed by the broker.

    That is possible where host, port and virtual host are those of the host. **Errors**: ConnectionError for another broker, which
    takes the packages rococo and pika; `rococo_svchost.SendError` where the broker does not confirm.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str = "",
        password: str = "",
        virtual_host: str = "",
        consume_config_file_path: Optional[str] = None,
    ) -> None:
        self._host = str(host)
        self._port = int(port)
        self._virtual_host = virtual_host or "/"

    def __enter__(self) -> RabbitMqConnection:
        self._check()
        return self

    def send_message(self, queue_name: str, message: Any) -> None:
        """Sends a message as JSON, and returns once the broker has confirmed it."""
        self._check()
        context.send_message(queue_name, message)

    def _check(self) -> None:
        ours = state.rabbitmq
        if state.any_broker or (ours is not None and self._is(ours)):
            return
        its_own = f"svchost is connected to {ours['host']}:{ours['port']}" if ours else "svchost uses no RabbitMQ"
        raise ConnectionError(
            f"cannot connect to RabbitMQ at {self._host}:{self._port}{self._virtual_host}: {its_own}, and another broker takes the"
            " packages rococo and pika. Install rococo[messaging]"
        )

    def _is(self, broker: Any) -> bool:
        hosts = {name.strip().casefold().partition(":")[0] for name in str(broker.get("host", "")).split(",")}
        mine = self._host.casefold()
        same_host = mine in hosts or self._host == broker.get("host") or (mine in _LOOPBACK and bool(hosts & _LOOPBACK))
        return same_host and self._port == int(broker.get("port", 0)) and self._virtual_host == (broker.get("virtual_host") or "/")
