#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The ledger over one kind of queue for as long as asked: `./dev soak MINUTES [SEED] --on sqlite|sqs|rabbitmq`.

Hosts and queue break in the seed's order, first each fault once, then at random. Exit code 1 and the findings where
anything was lost, done twice without a cause, given up without a reason, or where a host ended by itself; the seed repeats
the run, and the folder with all logs stays. `--faults` chooses some of them, and of two names the one that is there twice breaks
twice as often; `--list` shows their names. With `--processor python` the service is in Python: its processes are killed and stopped
too, and nobody may be charged but who was begun.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from support.host import ServiceFolder  # noqa: E402
from support.ledger import LedgerRun  # noqa: E402
from support.ledger_host_faults import HOST_FAULTS  # noqa: E402
from support.ledger_processes import PROCESS_FAULTS, PYTHON_MAY_FAIL, PYTHON_MIX, PYTHON_PREFETCH  # noqa: E402
from support.ledger_rabbitmq import RabbitMqClusterUnderTest, RabbitMqUnderTest  # noqa: E402
from support.ledger_sqlite import SqliteUnderTest  # noqa: E402
from support.ledger_sqs import SqsUnderTest  # noqa: E402
from support.python_service import PythonLedgerFolder  # noqa: E402

# What messages ask for. A crash ends a host, MAX_ATTEMPTS times; `sleep:4000` is longer than PROCESS_TIMEOUT.
MIX = {
    "": 0.80, "sleep:20": 0.154, "throw": 0.02, "permanent": 0.015, "retry-after:300": 0.01,
    "abort": 0.0003, "segv": 0.0002, "exit": 0.0002, "sleep:4000": 0.0003,
}
SETTINGS = {"MAX_ATTEMPTS": 5, "PROCESS_TIMEOUT": "2s", "DRAIN_TIMEOUT": "60s"}
QUEUES = {
    "rabbitmq": lambda arguments: RabbitMqUnderTest(arguments.queue_type),
    "rabbitmq-cluster": lambda arguments: RabbitMqClusterUnderTest(),
    "sqlite": lambda arguments: SqliteUnderTest(),
    "sqs": lambda arguments: SqsUnderTest(arguments.seed),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", type=float, nargs="?", default=60)
    parser.add_argument("seed", type=int, nargs="?", default=20261124)
    parser.add_argument("--on", choices=sorted(QUEUES), default="rabbitmq", help="the queue (rabbitmq)")
    parser.add_argument("--processor", choices=["library", "python"], default="library", help="what the service is written in (library)")
    parser.add_argument("--hosts", type=int, default=2, help="how many at once (2)")
    parser.add_argument("--rate", type=int, default=150, help="messages a second (150)")
    parser.add_argument("--faults", metavar="NAME,…", help="only these")
    parser.add_argument("--drain", type=int, default=300, metavar="SECONDS", help="how long all may take in the end (300)")
    parser.add_argument("--list", action="store_true", help="names of all faults of that queue, and nothing else")
    parser.add_argument("--queue-type", choices=["classic", "quorum"], default="classic", help="RabbitMQ's")
    parser.add_argument("--tuned", action="store_true", help="let hosts tune their prefetch, as they do by default")
    return parser.parse_args()


def chosen(arguments, known):
    if not arguments.faults:
        return sorted(known)
    names = [name.strip() for name in arguments.faults.split(",")]
    if unknown := set(names) - set(known):
        sys.exit(f"no such fault: {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    return names


def main():
    arguments = parse()
    python = arguments.processor == "python"
    queue = QUEUES[arguments.on](arguments)
    if arguments.tuned:
        queue.tuned, queue.prefetch = True, 2_000  # the most that it takes by itself
    elif python:
        queue.prefetch = PYTHON_PREFETCH
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rococo-soak-"))
    try:
        known = {**HOST_FAULTS, **(PROCESS_FAULTS if python else {}), **queue.faults(), **queue.soak_faults()}
        if arguments.list:
            print("\n".join(sorted(known)))
            return 0
        faults = chosen(arguments, known)
        service, mix, may_fail = (PythonLedgerFolder(folder), PYTHON_MIX, PYTHON_MAY_FAIL) if python else (ServiceFolder(folder), MIX, ())
        run = LedgerRun(queue, service, arguments.seed, mix=mix, rate=arguments.rate, hosts=arguments.hosts, strict=True,
                        may_fail=may_fail, **SETTINGS)
        findings = run.run(faults, seconds=arguments.minutes * 60, drain_timeout=arguments.drain)
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
