# SPDX-License-Identifier: MIT
"""RabbitMqConnection by way of the host."""

from __future__ import annotations

from typing import Any, Optional, Set, Tuple

from rococo_svchost.context import context, state

from .base import MessageAdapter

_LOOPBACK = {"127.0.0.1", "::1"}


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
        its_own = f"svchost is connected to {ours['host']}{_slash(ours.get('virtual_host'))}" if ours else "svchost uses no RabbitMQ"
        raise ConnectionError(
            f"cannot connect to RabbitMQ at {self._host}:{self._port}{_slash(self._virtual_host)}: {its_own}, and another broker takes"
            " the packages rococo and pika. Install rococo[messaging]"
        )

    def _is(self, broker: Any) -> bool:
        if self._virtual_host != (broker.get("virtual_host") or "/"):
            return False
        return bool(_addresses(self._host, self._port) & _addresses(str(broker.get("host", "")), int(broker.get("port", 0))))


def _slash(virtual_host: Optional[str]) -> str:
    return "/" if virtual_host in (None, "", "/") else f"/{virtual_host}"


def _addresses(hosts: str, port: int) -> Set[Tuple[str, int]]:
    """Hosts and ports of a list such as `one,two:5673,[::1]:5672`. The names of this machine are one."""
    found = set()
    for entry in hosts.split(","):
        name, own_port = entry.strip().casefold(), ""
        if name.startswith("["):
            name, _, own_port = name[1:].partition("]")
        elif name.count(":") == 1:
            name, _, own_port = name.partition(":")
        own_port = own_port.lstrip(":")
        found.add(("localhost" if name in _LOOPBACK else name, int(own_port) if own_port.isdigit() else port))
    return found
