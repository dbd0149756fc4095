#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a host and its processes in Python must bear for long: `./dev soak-python [--only NAME,…] [--share 0.1]`.

- restarts: 10,000 messages that end their process; no zombies, no more descriptors, threads or memory than before
- messages: a million, some of which fail, log or look at their properties; memory of host and process stays flat
- bodies: of 100 MB, on the embedded queue and on RabbitMQ, each processed once; the memory goes back
- neighbours: healthy messages on four workers beside ones that hang, crash and leak, for a minute: they do not wait

`--share` does that part of it. Exit code 1 where one of these does not hold.
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from support import python_endurance  # noqa: E402
from support.python_service import send_by_pika  # noqa: E402
from support.rabbitmq_node import RabbitMqNode  # noqa: E402

MB = 1_000_000


def restarts(folder, share):
    yield python_endurance.restarts(folder, int(10_000 * share))


def messages(folder, share):
    yield python_endurance.many_messages(folder, int(1_000_000 * share))


def bodies(folder, share):
    size = int(100 * MB * share)
    yield python_endurance.large_bodies(folder / "embedded", size)
    with RabbitMqNode() as node, send_by_pika(node, "orders") as send:
        yield python_endurance.large_bodies(folder / "rabbitmq", size, send, {"MESSAGING_TYPE": "RabbitMqConnection", "RABBITMQ_URL": node.url})


def neighbours(folder, share):
    with RabbitMqNode() as node, send_by_pika(node, "orders") as send:
        settings = {"MESSAGING_TYPE": "RabbitMqConnection", "RABBITMQ_URL": node.url}
        yield python_endurance.neighbours(folder, 60 * share, send, settings)


ALL = {"restarts": restarts, "messages": messages, "bodies": bodies, "neighbours": neighbours}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,…", default=",".join(ALL), help="only these")
    parser.add_argument("--share", type=float, default=1.0, help="that part of everything (1.0)")
    arguments = parser.parse_args()
    names = [name.strip() for name in arguments.only.split(",")]
    if unknown := set(names) - set(ALL):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(ALL)}")
    failed = False
    for name in names:
        with tempfile.TemporaryDirectory(prefix="rococo-endurance-") as folder:
            began = time.monotonic()
            for findings, measured in ALL[name](pathlib.Path(folder) / name, arguments.share):
                print(f"{name}: {measured} ({time.monotonic() - began:.0f} s)", *findings, sep="\n  ", flush=True)
                failed = failed or bool(findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
