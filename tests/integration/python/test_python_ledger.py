# SPDX-License-Identifier: MIT
"""Nothing is lost and nobody is charged for another, whatever becomes of processes and hosts. `./dev soak --processor python` goes
on for longer."""

import os

import pytest
from support.ledger import LedgerRun
from support.ledger_books import charged_unbegun
from support.ledger_processes import PROCESS_FAULTS, PYTHON_MAY_FAIL, PYTHON_MIX, PYTHON_PREFETCH
from support.ledger_rabbitmq import RabbitMqUnderTest
from support.ledger_sqlite import SqliteUnderTest
from support.python_service import PythonLedgerFolder

SEED = int(os.environ.get("LEDGER_SEED", "20261201"))
QUEUES = {
    "sqlite": (lambda: SqliteUnderTest(own_disk=False), []),
    "rabbitmq": (RabbitMqUnderTest, ["broker stopped and started", "connection reset in the middle of a frame"]),
}


@pytest.mark.parametrize("kind", QUEUES)
def test_nothing_is_lost_and_only_who_was_begun_is_charged(tmp_path, kind):
    make, faults_of_queue = QUEUES[kind]
    queue = make()
    queue.prefetch = PYTHON_PREFETCH
    try:
        run = LedgerRun(queue, PythonLedgerFolder(tmp_path / "service"), SEED, mix=PYTHON_MIX, hosts=2, strict=True,
                        may_fail=PYTHON_MAY_FAIL, MAX_ATTEMPTS=5, PROCESS_TIMEOUT="2s", DRAIN_TIMEOUT="60s")
        findings = run.run([*PROCESS_FAULTS, *PROCESS_FAULTS, "host killed", "host killed", "host stopped by two signals", *faults_of_queue])
    finally:
        queue.close()
    print(run.report())
    assert not findings, "\n".join([*findings, run.report()])


def test_the_books_notice_who_is_charged_without_having_begun():
    assert not charged_unbegun([("a", 1), ("b", 1), ("a", 2), ("a", 2), ("a", 3)])
    assert charged_unbegun([("a", 1), ("b", 2), ("a", 3), ("a", 4), ("c", 1)]) == {"a": 1, "b": 1}
