# SPDX-License-Identifier: MIT
"""The embedded queue under the ledger: one file, several hosts, `svchost send` as the sender."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from .embedded_queue import bodies_in, messages_in
from .host import ServiceFolder
from .ledger import QueueUnderTest

LEASE_S = 3
DISK_MIB = 96
DAY_S = 24 * 3600


class SqliteUnderTest(QueueUnderTest):
    """A queue's file, as root on a disk of its own that can be full."""

    batch = 20
    prefetch = 100
    frozen_s = LEASE_S + 3

    def __init__(self, own_disk=True):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="rococo-soak-queue-"))
        self._disk = self._folder / "disk"
        self._disk.mkdir()
        self._own_disk = own_disk and os.geteuid() == 0 and self._mount()
        self.path = self._disk / "queue.db"
        self._sender = ServiceFolder(self._folder / "sender")
        self._sender.settings["SQLITE_PATH"] = str(self.path)

    def _mount(self):
        options = f"size={DISK_MIB}m,mode=0700"
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", self._disk], capture_output=True).returncode == 0

    def settings(self):
        return {
            "MESSAGING_TYPE": "SqliteConnection",
            "SQLITE_PATH": str(self.path),
            "SQLITE_LEASE": f"{LEASE_S}s",
            "NUM_THREADS": "4",
        }

    def send(self, messages):
        sent = self._sender.run("send", self.queue, "-", input="".join(f"{body}\n" for _, body in messages))
        return [id for id, _ in messages] if sent.returncode == 0 else []

    def dead_letter_bodies(self):
        return bodies_in(self.path, f"{self.queue}.dead-letter")

    def waiting(self):
        return messages_in(self.path, self.queue)

    def faults(self):
        return {"clock a day fast": self._fast_clock, **({"disk full": self._full_disk} if self._own_disk else {})}

    def _fast_clock(self, run):
        """One host's clock is a day fast for a while: what fails there is due in a moment, not in a day."""
        _, slot = run.some_host()
        ahead = {"LD_PRELOAD": _libfaketime(), "FAKETIME": f"+{DAY_S}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                 "DONT_FAKE_MONOTONIC": "1"}
        run.replace_host(slot, clock_ahead_s=DAY_S, **ahead)
        time.sleep(4)
        run.replace_host(slot)

    _fast_clock.excuses = False  # no reason to process anything twice

    def _full_disk(self, run):
        """No room for some seconds: what was accepted stays, what is not is said."""
        filler = self._disk / "filler"
        try:
            with filler.open("wb") as file:
                while True:
                    file.write(b"x" * (1 << 16))
                    file.flush()
        except OSError:
            pass
        time.sleep(run.random.uniform(2, 6))
        filler.unlink()

    def close(self):
        if self._own_disk:
            subprocess.run(["umount", "--lazy", self._disk], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)


def _libfaketime():
    return str(next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")))
