#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Large messages with little memory: `./dev soak-memory [--on sqlite,rabbitmq,sqs] [--limit MIB]`.

A host in a cgroup of 128 MiB handles 4,000 messages of 100 KiB, and 40 of 16 MiB where the queue takes such (SQS does not).
It must not die, nothing may be lost, and each is processed once; beside it, what the same takes without a limit, one after
the other in the same session. As root. Exit code 1 where one of these does not hold.
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from support.host import ServiceFolder  # noqa: E402
from support.ledger_rabbitmq import RabbitMqUnderTest  # noqa: E402
from support.ledger_sqlite import SqliteUnderTest  # noqa: E402
from support.ledger_sqs import SqsUnderTest  # noqa: E402
from support.memory_limit import MemoryLimit  # noqa: E402

MIB = 1 << 20
LOADS = {"4000 of 100 KiB": (4_000, 100 << 10), "40 of 16 MiB": (40, 16 * MIB)}
# The queue, how many of its messages go in one request, and the settings by which the host reaches it without a proxy.
QUEUES = {
    "sqlite": (lambda: SqliteUnderTest(own_disk=False), 20, lambda queue: {}, LOADS),
    "rabbitmq": (RabbitMqUnderTest, 20, lambda queue: {"RABBITMQ_PORT": str(queue.node.port), "RABBITMQ_HEARTBEAT": "30s"}, LOADS),
    "sqs": (lambda: SqsUnderTest(1), 2, lambda queue: {"AWS_ENDPOINT_URL": queue.url, "VISIBILITY_TIMEOUT": "30s"},
            {"4000 of 100 KiB": LOADS["4000 of 100 KiB"]}),
}


def fill(queue, batch, count, size):
    ids = [f"m{number}" for number in range(count)]
    padding = "x" * (size - 40)
    per_request = max(1, min(batch, 16 * MIB // size))
    for start in range(0, count, per_request):
        messages = [(id, json.dumps({"id": id, "padding": padding})) for id in ids[start : start + per_request]]
        sent = queue.send(messages)
        assert len(sent) == len(messages), "the queue did not take all messages"
    return set(ids)


def handle(queue, folder, settings, ids, limit_bytes, patience_s):
    """Lets one host handle them all; gives (messages a second, peak of memory, findings)."""
    service = ServiceFolder(folder, **settings)
    limit = MemoryLimit("rococo-soak-memory", limit_bytes)
    findings = []
    try:
        with service.start(before=limit.before) as host:
            give_up_at = time.monotonic() + patience_s
            while host.process.poll() is None and not (set(service.ids()) >= ids and queue.waiting() == 0):
                if time.monotonic() > give_up_at:
                    findings.append(f"not done within {patience_s} s")
                    break
                time.sleep(0.5)  # looking costs what the host could use
            code = host.terminate(timeout=120) if host.process.poll() is None else host.process.returncode
            if code != 0:
                findings.append(f"the host ended with {code}; the kernel killed for want of memory {limit.kills()} times")
        done = service.ledger()
        if lost := ids - {id for id, *_ in done}:
            findings.append(f"{len(lost)} of {len(ids)} were not processed")
        if len(done) > len(ids):
            findings.append(f"{len(done) - len(ids)} were processed twice")
        begun = min((at for *_, at in service.ledger("begin")), default=0)
        seconds = (max((at for *_, at in done), default=0) - begun) / 1e6
        return len(done) / seconds if seconds > 0 else 0.0, limit.peak_bytes(), findings
    finally:
        limit.close()


def measure(name, limit_bytes, patience_s, folder):
    make, batch, direct, loads = QUEUES[name]
    queue = make()
    findings = []
    try:
        for load, (count, size) in loads.items():
            figures = {}
            for how, limit in (("limited", limit_bytes), ("unlimited", None)):
                queue.queue = f"{how}-{size}"
                settings = {**queue.settings(), **direct(queue), "LedgerServiceProcessor_QUEUE_NAME": queue.queue, "NUM_THREADS": "1"}
                queue.make()
                ids = fill(queue, batch, count, size)
                speed, peak, found = handle(queue, folder / f"{name}-{queue.queue}", settings, ids, limit, patience_s)
                figures[how] = speed
                print(f"{name:<9} {load:<16} {how:<10} {speed:9.1f}/s  peak {peak / MIB:6.0f} MiB  {'; '.join(found) or 'all well'}",
                      flush=True)
                findings += [f"{name}, {load}, {how}: {each}" for each in found] if limit is not None else []
            if figures["unlimited"]:
                print(f"{name:<9} {load:<16} {figures['limited'] / figures['unlimited']:.2f} of the unlimited speed", flush=True)
    finally:
        queue.close()
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", default=",".join(QUEUES), metavar="QUEUE,…", help=f"of {', '.join(QUEUES)} (all)")
    parser.add_argument("--limit", type=int, default=128, metavar="MIB", help="what the host may have (128)")
    parser.add_argument("--patience", type=int, default=300, metavar="SECONDS", help="for each load (300)")
    arguments = parser.parse_args()
    if unknown := set(arguments.on.split(",")) - set(QUEUES):
        parser.error(f"no such queue: {', '.join(unknown)}")
    began = time.monotonic()
    findings = []
    with tempfile.TemporaryDirectory(prefix="rococo-soak-memory-") as folder:
        for name in arguments.on.split(","):
            findings += measure(name, arguments.limit * MIB, arguments.patience, pathlib.Path(folder))
    print(f"{time.monotonic() - began:.0f} s")
    print("\n".join(findings) or "Nothing lost, nobody died.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
