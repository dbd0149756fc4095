# SPDX-License-Identifier: MIT
"""Why a message was processed twice, and why a host ended: by what broke at that time."""

import collections
import dataclasses
import time

# How long after something broke a host may not have noticed.
SLACK_S = 3
FROZEN = "frozen"


@dataclasses.dataclass
class Event:
    cause: str
    begin: float
    end: float
    pid: int | None = None  # the host or process that it happened to; None: the queue, so to all

    def concerns(self, pid):
        return self.pid is None or self.pid == pid or (isinstance(pid, tuple) and self.pid in pid)


class Causes:
    """What broke, when and to whom. Times are seconds since 1970, as the services' ledger has them."""

    def __init__(self):
        self.events = []

    def add(self, cause, begin, end=None, pid=None):
        self.events.append(Event(cause, begin, end if end is not None else time.time(), pid))

    def of_queue(self, at):
        """What was wrong with the queue at that time, if anything."""
        return next((e.cause for e in self.events if e.pid is None and e.begin <= at <= e.end + SLACK_S), None)

    def explain(self, done):
        """Counts of causes of duplicates, and the ids of those that have none. `done`: (id, pid, begun) of each run that
        came to its end; where processes of a host did them, `pid` is a tuple of the process and its host."""
        last, counts, unexplained = {}, collections.Counter(), set()
        for id, pid, begun in sorted(done, key=lambda entry: entry[2]):
            if id in last:
                cause = self._between(*last[id], begun) or self._slept_on_it(pid, last[id][1], begun)
                counts[cause or "none"] += 1
                if cause is None:
                    unexplained.add(id)
            last[id] = (pid, begun)
        return counts, unexplained

    def _between(self, pid, first, second):
        # The first was not settled, by its host's fault or by that of what lies between host and queue.
        fitting = [e for e in self.events if e.begin <= second and e.end + SLACK_S >= first and e.concerns(pid)]
        return min(fitting, key=lambda e: (e.pid is None, abs(e.begin - first))).cause if fitting else None

    def _slept_on_it(self, pid, first, second):
        # The second had it in hand all the time, and did not know that another got it meanwhile. It may go on a moment
        # before whoever woke it looks at the clock.
        return next((f"{e.cause}, and its lease was over" for e in self.events
                     if e.pid is not None and e.concerns(pid) and e.cause == FROZEN and e.begin <= first <= e.end and second <= e.end + SLACK_S), None)


@dataclasses.dataclass
class Fate:
    """What was done to a host on purpose, and the exit codes that may come of it."""

    what: str
    codes: tuple


KILLED = Fate("killed", (-9,))
STOPPED = Fate("stopped", (0,))

# What a message may ask for, and how a host ends by it. Where nobody reads what a crash has to say, an alarm ends the wait.
CRASHES = {"abort": (-6, -14), "segv": (-11, -14), "exit": (70, -14)}
UNAVAILABLE = 69


def why_it_ended(host, code, at, begun, orders, causes):
    """(cause, whether that was to be expected). `begun`: ids that it began and did not end."""
    asked = {orders.get(id) for id in begun}
    for order, codes in CRASHES.items():
        if order in asked and code in codes:
            return f"a message asks for {order}, {code}", True
    if host.fate is not None:
        return f"{host.fate.what}, {code}", code in host.fate.codes
    if code == UNAVAILABLE and (cause := causes.of_queue(at)):
        return f"unavailable: {cause}", True
    return f"code {code}", False
