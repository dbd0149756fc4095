# SPDX-License-Identifier: MIT
"""What can happen to the processes of a service in Python, and what it may cost. Faults are functions of the run, with a name in
PROCESS_FAULTS."""

import contextlib
import os
import pathlib
import re
import signal
import time

from .host import wait_until
from .ledger_books import charged_unbegun, some

# What messages ask for: crashes cost no host here, and `sleep:4000`, longer than PROCESS_TIMEOUT, cannot end but where that stands still.
PYTHON_MIX = {
    "": 0.80, "sleep:20": 0.15, "throw": 0.02, "permanent": 0.015, "retry-after:300": 0.01, "abort": 0.0015, "segv": 0.001,
    "exit": 0.001, "sleep:4000": 0.0005,
}  # fmt: skip
PYTHON_MAY_FAIL = {"sleep:4000"}
PYTHON_PREFETCH = 200  # so that there are windows

KILLED = "process killed"
STOPPED = "process stopped"
KILLS_AT_ONCE = 10


class LedgerProcesses:
    """The processes of all hosts of a run, and what was done to them."""

    def __init__(self, run):
        self._run = run
        self._done_to = {KILLED: 0, STOPPED: 0}

    def some(self):
        """One of those that run now, or none."""
        found = [pid for host in self._run.running_hosts() for pid in processes_of(host.pid)]
        return self._run.random.choice(found) if found else None

    def do_to(self, pid, what, number):
        """Sends a signal and notes it; false where there is no such process any more."""
        began = time.time()
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        self._done_to[what] += 1
        self._run.causes.add(what, began, pid=pid)
        return True

    def account(self, causes_of_duplicates, begins):
        """The findings about processes. `begins`: (id, attempt) of every run, in the order of time."""
        logs = [host.log() for host in self._run.hosts()]

        def said(pattern):
            return sum(len(re.findall(pattern, log)) for log in logs)

        ended, timed_out = said(r"The processor's process \d+ ended"), said(r"The processor's process \d+ was ended: timed out")
        violent = sum(self._done_to.values()) + sum(host.process.returncode == -signal.SIGKILL for host in self._run.hosts())
        findings = []
        for what, times in self._done_to.items():
            if causes_of_duplicates[what] > times:
                findings.append(f"{causes_of_duplicates[what]} duplicates by {times} times '{what}', each of which has one message in hand")
        unbegun = charged_unbegun(begins)
        # Who dies between beginning and the first line of `process` cannot write that it began.
        if unbegun.total() > 1 + violent // 50:
            findings.append(f"{unbegun.total()} attempts are charged to messages that were not begun: {some(unbegun)}")
        if odd := said(r"it sent what is no frame|out of turn|its page says what cannot be|it closed its connection"):
            findings.append(f"{odd} processes were ended for what they said")
        killed = sum(host.fate is not None and host.fate.what == "killed" for host in self._run.hosts())
        self._run.say(
            f"{self._done_to[KILLED]} processes killed, {self._done_to[STOPPED]} stopped, {killed} hosts killed; hosts saw {ended}"
            f" processes end and ended {timed_out} by PROCESS_TIMEOUT; {unbegun.total()} charged before they could note that they began"
        )
        return findings


def processes_of(host):
    """The processes that a host has started."""
    found = set()
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{host}/task").iterdir():
            with contextlib.suppress(OSError):
                found |= set(map(int, (task / "children").read_text().split()))
    return sorted(found)


def kill(run):
    """SIGKILL of one process after the other, whatever it does."""
    for _ in range(KILLS_AT_ONCE):
        time.sleep(run.random.uniform(0.02, 0.4))
        if (pid := run.processes.some()) is not None:
            run.processes.do_to(pid, KILLED, signal.SIGKILL)


def stop(run):
    """SIGSTOP: PROCESS_TIMEOUT ends what has a message in hand; what has none goes on afterwards."""
    if (pid := run.processes.some()) is None:
        return
    if run.processes.do_to(pid, STOPPED, signal.SIGSTOP):
        time.sleep(4)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def slow_among_fast(run):
    """Messages that take their time among many that take none: what waits behind them goes to others. A process dies over it."""
    with run.sending_paused():
        jobs = [id for _ in range(4) for id in run.send_orders(["sleep:1000" if number == 30 else "" for number in range(100)])]
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not set(jobs).isdisjoint(run.folder.ids("begin")), timeout=20)
    if (pid := run.processes.some()) is not None:
        run.processes.do_to(pid, KILLED, signal.SIGKILL)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: set(jobs) <= set(run.folder.ids()), timeout=20)


PROCESS_FAULTS = {
    "processes killed": kill,
    "process stopped": stop,
    "slow among fast": slow_among_fast,
}
