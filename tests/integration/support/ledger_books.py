# SPDX-License-Identifier: MIT
"""The ledger's books: what was sent, what became of it, and which rules that breaks."""

import collections
import dataclasses

from .ledger_causes import CRASHES

FAILING = ("throw", "permanent", *CRASHES)  # What a message may ask for that ends it among the dead letters.


@dataclasses.dataclass
class Books:
    """What was sent, and what is known of it."""

    orders: dict = dataclasses.field(default_factory=dict)  # id -> what the message asks for
    confirmed: set = dataclasses.field(default_factory=set)
    deleted: set = dataclasses.field(default_factory=set)  # may have been in a queue that was deleted
    may_fail: frozenset = frozenset()  # what messages may ask for that ends them one way or the other

    def findings(self, done, dead, waiting, allowed_duplicates, charged=frozenset()):
        """Every rule that is broken, as text. `done`: ids in the order of the service's log;
        `dead`: ids of the dead letters; `charged`: ids that were in hand whenever MAX_ATTEMPTS
        hosts died, which are given up, guilty or not."""
        findings = []
        times = collections.Counter(done)
        settled = set(times) | set(dead)
        failing = {id for id, order in self.orders.items() if order in FAILING}
        may_fail = {id for id, order in self.orders.items() if order in self.may_fail}

        def report(what, ids):
            if ids:
                findings.append(f"{len(ids)} {what}: {some(ids)}")

        report("confirmed and lost", self.confirmed - settled - self.deleted)
        report("processed or given up, and never sent", settled - set(self.orders))
        report("dead letters without a reason", set(dead) - failing - may_fail - charged)
        report("done though they fail", set(times) & failing)
        if waiting:
            findings.append(f"{waiting} messages are still in the queues")
        duplicates = sum(times.values()) - len(times)
        if duplicates > allowed_duplicates:
            findings.append(f"{duplicates} duplicates, {allowed_duplicates} can be explained")
        return findings


def charged_unbegun(begins):
    """How many attempts were charged to messages that nobody had begun. `begins`: (id, attempt) in the order of time. Whoever is
    begun for the third time is in the third attempt at most, whatever became of the others."""
    times, excess = collections.Counter(), collections.Counter()
    for id, attempt in begins:
        times[id] += 1
        excess[id] = max(excess[id], attempt - times[id])
    return +excess


def some(ids):
    return ", ".join(map(str, sorted(ids, key=str)[:10]))
