# SPDX-License-Identifier: MIT
"""A three-node cluster whose quorum queue loses its leader."""

import os

from support.ledger import LedgerRun
from support.ledger_rabbitmq import RabbitMqClusterUnderTest

SEED = int(os.environ.get("LEDGER_SEED", "20261124"))


def test_nothing_is_lost_with_the_leader_of_a_quorum_queue(make_service):
    cluster = RabbitMqClusterUnderTest()
    try:
        cluster.queue = "ledger.quorum"
        mix = {"": 0.9, "sleep:20": 0.07, "throw": 0.02, "permanent": 0.01}
        run = LedgerRun(cluster, make_service(), SEED, mix=mix, rate=80)
        findings = run.run(["leader lost"])
        print(run.report())
        assert not findings, "\n".join([*findings, run.report()])
    finally:
        cluster.close()
