# SPDX-License-Identifier: MIT
"""svchost top on a terminal: what it shows, what its keys do, and that the terminal is given back on every way out."""

import os
import signal
import termios

import pytest
from support.host import DEADLINE_S, wait_until
from support.stub_host import StubHost
from support.terminal import Terminal

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
KEYS = termios.ICANON | termios.ECHO


def top(service, **more):
    terminal = Terminal(service, "top", columns=100, rows=30, NO_COLOR="1", **more)
    terminal.wait_for(ENTER)
    return terminal


def ended(terminal):
    """How it ended; the terminal is as it was."""
    code = terminal.wait()
    assert LEAVE in terminal.shown and "\x1b[?25h" in terminal.shown, "the shell's lines, and a cursor"
    return code


def test_shows_hosts_messages_and_failures_until_q(service, host):
    terminal = top(service)
    terminal.wait_for("OrderServiceProcessor (1 host)")
    terminal.wait_for("web1-4711  running")
    terminal.wait_for("Queue orders: 12 ready")
    terminal.wait_for("order-17  for 3.2 s")
    terminal.wait_for("order-9  attempt 2, retry: no such customer")
    assert terminal.mode() & KEYS == 0, "keys come as they are pressed"
    terminal.press("q")
    wait_until(lambda: terminal.process.poll() is not None or terminal.mode() & KEYS == KEYS)
    assert ended(terminal) == 0


def test_a_pause_is_asked_for_twice(service, host):
    terminal = top(service)
    terminal.wait_for("web1-4711")
    terminal.press("p")
    terminal.wait_for("Pause 1 host?")
    terminal.press("n")
    terminal.wait_for("q quit")
    assert host.asked == []
    terminal.press("p")
    terminal.wait_for("Pause 1 host?")
    terminal.press("y")
    terminal.wait_for("1 host paused")
    assert [(action, body) for action, body, _ in host.asked] == [("pause", {"reason": "svchost top"})]
    terminal.wait_for("paused")
    terminal.press("r")
    terminal.wait_for("1 host resumed")
    terminal.press("q")
    assert ended(terminal) == 0
    assert host.status["paused"] is None


def test_a_refusal_is_shown(service, host):
    host.refuses["resume"] = (409, "PAUSED=1 is set.")
    terminal = top(service)
    terminal.wait_for("web1-4711")
    terminal.press("r")
    terminal.wait_for("0 hosts resumed; web1-4711: PAUSED=1 is set. (409)")
    terminal.press("q")
    assert ended(terminal) == 0


def test_goes_on_when_hosts_come_and_go(service, state):
    terminal = top(service)
    terminal.wait_for("no host runs here: looked in ")
    with StubHost(state):
        terminal.wait_for("web1-4711  running")
    terminal.wait_for("no host runs here")
    terminal.press("q")
    assert ended(terminal) == 0


def test_draws_anew_when_the_size_changes(service, host):
    terminal = top(service)
    terminal.wait_for("order-9")
    terminal.resize(rows=4, columns=40)
    terminal.process.send_signal(signal.SIGWINCH)  # the terminal is not that of its process group
    terminal.wait_for("HOST")
    terminal.shown = ""
    terminal.press("x")
    terminal.wait_for("HOST")
    terminal.press("q")
    assert ended(terminal) == 0
    assert "order-9" not in terminal.shown


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGSEGV", "SIGABRT"])
def test_every_signal_gives_the_terminal_back(service, host, name):
    number = getattr(signal, name)
    terminal = top(service)
    terminal.wait_for("web1-4711")
    terminal.process.send_signal(number)
    wait_until(lambda: terminal.process.poll() is not None or terminal.mode() & KEYS == KEYS)
    assert ended(terminal) == (0 if name == "SIGINT" else -number)


def test_ctrl_z_gives_the_terminal_back_for_as_long(service, host):
    terminal = top(service, own_session=False)
    terminal.wait_for("web1-4711")
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.wait_for(LEAVE)
    _, status = os.waitpid(terminal.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert terminal.mode() & KEYS == KEYS
    terminal.process.send_signal(signal.SIGCONT)
    terminal.wait_for(ENTER)
    terminal.wait_for("web1-4711")
    assert terminal.mode() & KEYS == 0
    terminal.press("q")
    assert ended(terminal) == 0


def test_without_a_terminal_there_is_status(service, host):
    result = service.run("top", timeout=DEADLINE_S)
    assert result.returncode == 64
    assert "svchost top needs a terminal; elsewhere there is svchost status --watch" in result.stderr
