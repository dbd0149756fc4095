# SPDX-License-Identifier: MIT
"""A wall clock that is set while hosts run: theirs alone, by a library in front of the C library's functions."""

import contextlib
import datetime
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


def started_by_a_fast_clock(service, clock, fast_by):
    """Runs twice with a clock that is fast, and is right from then on."""
    clock.set_by(fast_by)
    with service.start(**clock.environment) as host:
        wait_until(lambda: len(service.lines("end")) >= 2, 60)
        assert host.terminate() == 0
    clock.set_by(0)
    return len(service.lines())


@pytest.mark.parametrize("fast_by", [50 * HOUR, HOUR, 30 * SECOND], ids=["days", "an-hour", "half-a-minute"])
def test_a_clock_that_was_fast_at_the_first_start_silences_no_interval(make_cron, clock, fast_by):
    service = make_cron(every=0.5, STATE_DIR="state", CRON_OVERLAP="queue-all")
    before = started_by_a_fast_clock(service, clock, fast_by)
    with service.start(**clock.environment) as host:
        wait_until(lambda: len(service.lines()) >= before + 3, 60, host.log)
        assert host.terminate() == 0
        assert len(re.findall("The clock was set back by .* since the latest run on record", host.log())) == 1
    # And what it leaves behind is right.
    with service.start(**clock.environment) as host:
        wait_until(lambda: len(service.lines()) >= before + 6, 60, host.log)
        assert host.terminate() == 0
        assert "The clock was set" not in host.log()


def test_a_clock_that_was_fast_holds_back_no_expression_and_no_time_of_day(make_cron, clock):
    every_second = make_cron("cron", CRON_EXPRESSIONS="* * * * * *", STATE_DIR="state", CRON_OVERLAP="queue-all")
    before = started_by_a_fast_clock(every_second, clock, 50 * HOUR)
    with every_second.start(**clock.environment) as host:
        wait_until(lambda: len(every_second.lines()) >= before + 3, 60, host.log)
        assert host.terminate() == 0

    daily = {"CRON_TIME_AMOUNT": 1, "CRON_TIME_UNIT": "DAYS", "CRON_RUN_AT": "09:30", "CRON_TIMEZONE": "UTC"}
    by_time = make_cron("time", **daily, STATE_DIR="state", RUN_AT_STARTUP="true")
    clock.set_by(50 * HOUR)
    with by_time.start(**clock.environment) as host:
        wait_until(lambda: by_time.lines("end"), 60)
        assert host.terminate() == 0
    clock.set_by(0)
    with by_time.start(**clock.environment) as host:
        host.wait_for("Next run: ", 60)
        assert host.terminate() == 0
        due = datetime.datetime.fromisoformat(re.search(r"Next run: (\S+)", host.log()).group(1))
        assert due - datetime.datetime.now(datetime.timezone.utc) < datetime.timedelta(days=1)


@pytest.mark.parametrize("fast_by", [50 * HOUR, 30 * SECOND], ids=["days", "half-a-minute"])
def test_a_claim_of_a_clock_that_was_fast_silences_no_leader(make_cron, clock, fast_by):
    service = make_cron(every=0.5, CRON_LEADER="sqlite", SQLITE_PATH="queue.db", CRON_OVERLAP="queue-all")
    before = started_by_a_fast_clock(service, clock, fast_by)
    with service.start(**clock.environment) as host:
        wait_until(lambda: len(service.lines()) >= before + 3, 60, host.log)
        # Set back once more, by less than clocks of several machines may be apart.
        clock.set_by(-20 * SECOND)
        host.wait_for("The clock was set back by (20 s|19 s)", 60)
        again = len(service.lines())
        wait_until(lambda: len(service.lines()) >= again + 3, 60, host.log)
        assert host.terminate() == 0
        assert "left to another replica" not in host.log()


@pytest.mark.parametrize("by, word", [(HOUR, "forward"), (-HOUR, "back")])
def test_a_clock_that_is_set_by_an_hour(make_cron, clock, by, word):
    interval = make_cron("interval", every=0.5, CRON_OVERLAP="queue-all")
    calendar = make_cron("calendar", CRON_EXPRESSIONS="* * * * * *", CRON_OVERLAP="queue-all", CRON_MISFIRE_GRACE="30s")
    services = (interval, calendar)
    with contextlib.ExitStack() as stack:
        hosts = [stack.enter_context(service.start(**clock.environment)) for service in services]
        wait_until(lambda: all(len(service.lines()) >= 2 for service in services), 60)
        clock.set_by(by)
        before = [len(service.lines()) for service in services]
        wait_until(lambda: all(len(service.lines()) >= n + 5 for service, n in zip(services, before)), 60)
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
    assert abs(dues[jump + 1] - dues[jump] - by) <= 120 * SECOND
    assert {b - a for a, b in zip(dues[jump + 1 :], dues[jump + 2 :])} == {SECOND}
