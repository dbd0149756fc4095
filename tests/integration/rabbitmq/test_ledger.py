# SPDX-License-Identifier: MIT
"""Nothing is lost, whatever breaks; and the checker notices hosts that lose something."""

import os

import pytest
from support.ledger import LedgerRun
from support.ledger_books import Books
from support.ledger_rabbitmq import RabbitMqUnderTest

SEED = int(os.environ.get("LEDGER_SEED", "20261124"))


@pytest.fixture(scope="module")
def rabbitmq():
    queue = RabbitMqUnderTest()
    yield queue
    queue.close()


def test_nothing_is_lost_whatever_breaks(rabbitmq, make_service):
    rabbitmq.queue = "ledger.faults"
    run = LedgerRun(rabbitmq, make_service(), SEED)
    findings = run.run(["host killed", *rabbitmq.faults()])
    print(run.report())
    assert not findings, "\n".join([*findings, run.report()])


@pytest.mark.parametrize("mutant", ["ack-before-processing", "swallow-exception", "ack-before-confirm"])
def test_the_ledger_notices_a_host_that_loses_messages(rabbitmq, make_service, mutant):
    rabbitmq.queue = f"ledger.{mutant}"
    mix = {"sleep:20": 0.9, "throw": 0.05, "permanent": 0.05}
    run = LedgerRun(rabbitmq, make_service(), SEED, program="mutant_svchost", mix=mix, MUTANT=mutant)
    findings = run.run(["host killed"], seconds=8, drain_timeout=60)
    assert any("confirmed and lost" in finding for finding in findings), run.report()


def test_the_books_name_every_kind_of_fault():
    books = Books(orders={"a": "", "b": "throw", "c": "", "d": ""}, confirmed={"a", "b", "c"}, deleted={"d"})
    assert books.findings(["a", "c"], ["b"], 0, 0) == []
    assert "lost: c" in books.findings(["a"], ["b"], 0, 0)[0]
    assert "never sent: z" in books.findings(["a", "c", "z"], ["b"], 0, 0)[0]
    assert "without a reason: c" in books.findings(["a"], ["b", "c"], 0, 0)[0]
    assert books.findings(["a"], ["b", "c"], 0, 0, charged={"c"}) == []
    assert "done though they fail: b" in books.findings(["a", "b", "c"], [], 0, 0)[0]
    assert "still in the queues" in books.findings(["a", "c"], ["b"], 1, 0)[0]
    assert "duplicates" in books.findings(["a", "c", "c"], ["b"], 0, 0)[0]
