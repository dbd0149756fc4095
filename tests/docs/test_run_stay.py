# SPDX-License-Identifier: MIT
"""`./dev run --stay` shows an example in the browser until Ctrl-C."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

LIMIT_S = 300


@pytest.fixture
def running(make_session, prefix):
    """The command in a copy of the repository, and the address that it prints."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = subprocess.Popen(["./dev", "run", "--stay"], cwd=make_session(["release"]).root, text=True, start_new_session=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "ADMIN_PORT": str(port)})
    lines = []
    for line in command.stdout:
        lines.append(line)
        if found := re.search(r"http://localhost:(\d+)/", line):
            break
    assert found and int(found[1]) == port, "".join(lines)
    yield command, found[0]
    if command.poll() is None:
        os.killpg(command.pid, signal.SIGKILL)
    command.wait()


def get(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


def test_it_shows_the_page_of_a_service_that_has_processed_what_was_sent(running):
    command, address = running
    deadline = time.monotonic() + LIMIT_S
    acknowledged = 0
    while acknowledged < 300:
        assert command.poll() is None and time.monotonic() < deadline, acknowledged
        try:
            acknowledged = json.loads(get(address + "api/v1/status"))["totals"]["acknowledged"]
        except urllib.error.URLError:  # not yet
            time.sleep(0.1)
    assert "<script" in get(address)
    os.killpg(command.pid, signal.SIGINT)
    remaining, _ = command.communicate(timeout=LIMIT_S)
    assert command.returncode == 0, remaining
