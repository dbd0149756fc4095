# SPDX-License-Identifier: MIT
"""Runs a process with so much memory and no more: in a cgroup of its own, of version 2 or 1."""

import contextlib
import os
import pathlib
import time

ROOT = pathlib.Path("/sys/fs/cgroup")


class MemoryLimit:
    """A cgroup below our own. `before` is the command that joins it and becomes what follows."""

    def __init__(self, name, limit_bytes=None):
        self._two = (ROOT / "cgroup.controllers").exists()
        self._folder = self._own() / f"{name}-{os.getpid()}"
        self._folder.mkdir()
        try:
            if limit_bytes is not None:
                self._write("memory.max" if self._two else "memory.limit_in_bytes", limit_bytes)
                if self._two:
                    with contextlib.suppress(OSError):  # without swap there is no such file
                        self._write("memory.swap.max", 0)
        except OSError:
            self._folder.rmdir()
            raise
        self.before = ["sh", "-c", f'echo $$ >{self._folder}/cgroup.procs && exec "$@"', "sh"]

    def _own(self):
        """Our own cgroup that may have children with a limit."""
        lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
        if self._two:
            # Only where no process lies directly can children have controllers; the root always can.
            return ROOT
        own = next(line.split(":", 2)[2] for line in lines if "memory" in line.split(":")[1].split(","))
        inside = ROOT / "memory" / own.lstrip("/")
        return inside if inside.exists() else ROOT / "memory"

    def _write(self, name, value):
        (self._folder / name).write_text(str(value))

    def _read(self, *names):
        for name in names:
            with contextlib.suppress(OSError):
                return (self._folder / name).read_text()
        return ""

    def peak_bytes(self):
        """The most that was in use, page cache included."""
        return int(self._read("memory.peak", "memory.max_usage_in_bytes") or 0)

    def kills(self):
        """How often the kernel ended a process for want of memory."""
        text = self._read("memory.events", "memory.oom_control")
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill "))

    def close(self):
        for _ in range(100):
            with contextlib.suppress(OSError):
                self._folder.rmdir()
                return
            time.sleep(0.05)
