# SPDX-License-Identifier: MIT
"""The headings that ./dev and the scripts of packaging/ print: bold on terminals, plain anywhere else."""

import os
import pathlib
import pty
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES = ["dev", "packaging/common.sh"]


def script(file):
    """The part of the file that says things."""
    return re.search(r"^bold=.*?^say\(\).*?$", (ROOT / file).read_text(), re.MULTILINE | re.DOTALL)[0] + "\nsay Hello"


def on_a_terminal(file, **more):
    host_side, terminal = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **more}
    subprocess.run(["bash", "-euc", script(file)], stdout=terminal, env=environment, check=True)
    os.close(terminal)
    shown = os.read(host_side, 1000).decode()
    os.close(host_side)
    return shown


@pytest.mark.parametrize("file", FILES)
def test_headings_are_bold_on_terminals_only(file):
    assert on_a_terminal(file) == "\r\n\x1b[1mHello\x1b[0m\r\n"
    assert on_a_terminal(file, NO_COLOR="1") == "\r\nHello\r\n"
    assert on_a_terminal(file, TERM="dumb") == "\r\nHello\r\n"
    assert subprocess.run(["bash", "-euc", script(file)], capture_output=True, check=True).stdout == b"\nHello\n"
