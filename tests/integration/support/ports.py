# SPDX-License-Identifier: MIT
"""Ports for servers that the tests start."""

import pathlib
import random
import socket

LOWEST = 10_000


def free_port():
    """A port of loopback that nobody listens on now, and that no connection gets by chance until it is used."""
    ephemeral = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(LOWEST, ephemeral)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
