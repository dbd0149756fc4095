# SPDX-License-Identifier: MIT
"""svchost on a terminal of the test's own."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from support.host import DEADLINE_S, executable


class Terminal:
    """svchost on a terminal of so many columns. Without a session of its own it is a job of the test's, which can be stopped."""

    def __init__(self, service, *arguments, columns=80, rows=25, own_session=True, **more):
        self._host_side, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = service.environment(**{"TERM": "xterm", **more})
        self.process = subprocess.Popen(
            [executable("svchost"), *arguments], cwd=service.path, env=environment, stdin=terminal, stdout=terminal,
            stderr=terminal, start_new_session=own_session, process_group=None if own_session else 0,
        )
        os.close(terminal)
        self.shown = ""

    def _read(self, deadline):
        """More of what is shown; False at the end."""
        ready, _, _ = select.select([self._host_side], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"nothing more within {DEADLINE_S} s: {self.shown}"
        try:
            data = os.read(self._host_side, 65536)
        except OSError:  # nobody has the terminal open any more
            data = b""
        self.shown += data.decode().replace("\r\n", "\n")
        return bool(data)

    def wait_for(self, text):
        """Waits until the text is shown, and forgets what was shown up to it."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.shown:
            assert self._read(deadline), self.shown
        self.shown = self.shown.partition(text)[2]

    def press(self, keys):
        os.write(self._host_side, keys.encode())

    def answer(self, question, text):
        deadline = time.monotonic() + DEADLINE_S
        while question not in self.shown:
            assert self._read(deadline), self.shown
        self.press(text)

    def resize(self, rows, columns):
        fcntl.ioctl(self._host_side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def mode(self):
        """The terminal's local modes."""
        return termios.tcgetattr(self._host_side)[3]

    def wait(self):
        """The exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            pass
        os.close(self._host_side)
        return self.process.wait(DEADLINE_S)
