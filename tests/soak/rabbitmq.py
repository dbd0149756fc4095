#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The ledger over RabbitMQ for as long as asked: `tests/soak/rabbitmq.py --minutes 60 --seed 7`.

Everything that breaks is in the seed's order. Exit code 1 and the findings where something was
lost; the folder with all logs stays then. `--cluster`: a three-node cluster that loses leaders.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from support.host import ServiceFolder  # noqa: E402
from support.ledger import LedgerRun  # noqa: E402
from support.ledger_rabbitmq import RabbitMqClusterUnderTest, RabbitMqUnderTest  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--queue-type", choices=["classic", "quorum"], default="classic")
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--tuned", action="store_true", help="let the host tune its prefetch, as it does by default")
    arguments = parser.parse_args()
    queue = RabbitMqClusterUnderTest() if arguments.cluster else RabbitMqUnderTest(arguments.queue_type)
    if arguments.tuned:
        queue.tuned, queue.prefetch = True, 2_000  # the most that it takes by itself
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rococo-soak-"))
    try:
        run = LedgerRun(queue, ServiceFolder(folder), arguments.seed)
        faults = [*queue.faults()] if arguments.cluster else ["host killed", *queue.faults()]
        findings = run.run(faults, seconds=arguments.minutes * 60, drain_timeout=300)
    finally:
        queue.close()
    print(run.report())
    if findings:
        print("\n".join(["", f"Seed {arguments.seed}; logs in {folder}:", *findings]))
        return 1
    shutil.rmtree(folder)
    print("Nothing lost.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
