# SPDX-License-Identifier: MIT
import collections

import pytest
from support.host import ServiceFolder

Line = collections.namedtuple("Line", "event due pid now attempt")


class CronFolder(ServiceFolder):
    """A folder of the service `cron_ledger`; times of its ledger are microseconds since 1970."""

    def __init__(self, path, **settings):
        super().__init__(path, "cron_ledger", EXECUTION_TYPE="CRON", **settings)

    def lines(self, event="begin"):
        if not self.ledger_log.exists():
            return []
        split = [line.split() for line in self.ledger_log.read_text().splitlines()]
        lines = [Line(what, int(due), int(pid), int(now), int(attempt)) for what, due, pid, now, attempt in split]
        return [line for line in lines if line.event == event]

    def dues(self, event="begin"):
        return [line.due for line in self.lines(event)]


@pytest.fixture
def make_cron(tmp_path):
    """Makes such services; `every` is their interval in seconds."""

    def make(name="service", every=None, **settings):
        if every is not None:
            settings = {"CRON_TIME_AMOUNT": every, "CRON_TIME_UNIT": "SECONDS", **settings}
        return CronFolder(tmp_path / name, **settings)

    return make
