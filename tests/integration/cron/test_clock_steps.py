# SPDX-License-Identifier: MIT
"""A wall clock that is set while hosts run: theirs alone, by a library in front of the C library's functions."""

import contextlib
import mmap
import os
import pathlib
import re
import struct
import subprocess

import pytest
from support.host import wait_until

MS = 1000
SECOND = 1000 * MS
HOUR = 3600 * SECOND


class Clock:
    """The wall clock of the hosts that are started with `environment`."""

    def __init__(self, folder):
        self._library = folder / "clock_shim.so"
        source = pathlib.Path(__file__).parent / "clock_shim.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", self._library], check=True)
        self._file = folder / "clock_offset"
        self._file.write_bytes(bytes(8))
        with self._file.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), 8)

    @property
    def environment(self):
        # A sanitizer's library would be the first one otherwise.
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return {"LD_PRELOAD": str(self._library), "CLOCK_SHIM_FILE": str(self._file), "ASAN_OPTIONS": asan}

    def set_by(self, microseconds):
        self._offset[:] = struct.pack("q", microseconds)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.mark.parametrize("by, word", [(HOUR, "forward"), (-HOUR, "back")])
def test_a_clock_that_is_set_by_an_hour(make_cron, clock, by, word):
    interval = make_cron("interval", every=0.5, CRON_OVERLAP="queue-all")
    calendar = make_cron("calendar", CRON_EXPRESSIONS="* * * * * *", CRON_OVERLAP="queue-all", CRON_MISFIRE_GRACE="1s")
    services = (interval, calendar)
    with contextlib.ExitStack() as stack:
        hosts = [stack.enter_context(service.start(**clock.environment)) for service in services]
        wait_until(lambda: all(len(service.lines()) >= 2 for service in services))
        clock.set_by(by)
        before = [len(service.lines()) for service in services]
        wait_until(lambda: all(len(service.lines()) >= n + 5 for service, n in zip(services, before)))
        for host in hosts:
            assert host.terminate() == 0
            # To the microsecond, between two readings of two clocks.
            assert re.search(f"The clock was set {word} by (1 h|59 min 59)", host.log()), host.log()

    # Intervals keep their distance: one step is an hour longer or shorter, within what a wait takes.
    dues = interval.dues()
    jumps = [b - a for a, b in zip(dues, dues[1:]) if b - a != 500 * MS]
    assert len(jumps) == 1 and abs(jumps[0] - by - 500 * MS) < 50 * MS, jumps

    # What fires every second goes by the new time, and leaves no second out from then on.
    dues = calendar.dues()
    jump = next(n for n, (a, b) in enumerate(zip(dues, dues[1:])) if b - a != SECOND)
    assert abs(dues[jump + 1] - dues[jump] - by) <= 3 * SECOND
    assert {b - a for a, b in zip(dues[jump + 1 :], dues[jump + 2 :])} == {SECOND}
