#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Messages that always fail, with retries in every delay queue of RabbitMQ: `./dev soak-retries [MINUTES]`.

500 messages ask for retries with delays of all 34 steps, from 100 ms to seven days. At the end each of them must be in one
of the queues: nothing may go while it waits. Version 1.0.0 lost all that waited in a queue eleven minutes old.

--expire SECONDS   gives the delay queues an expiry, by a policy, as those of 1.0.0 had one: then messages must be missing, or
                   this measures nothing (exit code 1 where they are not)
--before PROGRAM   lets that `svchost`, of version 1.0.0, fail the messages first, and the built one take over: an upgrade
"""

import argparse
import contextlib
import json
import pathlib
import sys
import tempfile
import time

import pika

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from support.host import ServiceFolder, executable, wait_until  # noqa: E402
from support.rabbitmq_node import RabbitMqNode  # noqa: E402

STEPS_MS = [
    *(100, 200, 300, 500, 750, 1000, 1500, 2000, 3000, 5000, 7000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000),
    *(120_000, 180_000, 300_000, 420_000, 600_000, 900_000, 1_200_000, 1_800_000, 2_700_000, 3_600_000, 7_200_000, 10_800_000),
    *(21_600_000, 43_200_000, 86_400_000, 604_800_000),
]
QUEUE = "failing"
# In the order in which a message may move on while they are looked at.
NAMES = [*(f"{QUEUE}.{word}.{ms}" for word in ("retry", "delay") for ms in STEPS_MS), f"{QUEUE}.dead-letter", QUEUE]


def publish(node, count):
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(QUEUE, durable=True)
    for number in range(count):
        body = json.dumps({"id": f"f{number}", "do": f"always-after:{STEPS_MS[number % len(STEPS_MS)]}"})
        channel.basic_publish("", QUEUE, body.encode(), pika.BasicProperties(delivery_mode=2, message_id=f"f{number}"))
    connection.close()


def ids_by_queue(node):
    """What is in each queue; the messages go back when the connection ends."""
    found = {}
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    for name in NAMES:
        channel = connection.channel()
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            channel.queue_declare(name, passive=True)
            while (got := channel.basic_get(name))[0] is not None:
                found.setdefault(name, set()).add(got[1].message_id)
    connection.close()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=float, default=12)
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--expire", type=int)
    parser.add_argument("--before", type=pathlib.Path)
    options = parser.parse_args()
    with RabbitMqNode() as node, tempfile.TemporaryDirectory() as folder:
        if options.expire:
            node.ctl("set_policy", "expiry", r"\.delay\.", json.dumps({"expires": options.expire * 1000}), "--apply-to", "queues")
        publish(node, options.messages)
        service = ServiceFolder(
            folder, MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT=node.port,
            LedgerServiceProcessor_QUEUE_NAME=QUEUE, MAX_ATTEMPTS=1000,
        )
        if options.before:
            with service.start(program=options.before) as host:
                wait_until(lambda: len(set(service.ids("begin"))) == options.messages)
                assert host.terminate() == 0
        with service.start() as host:
            end = time.monotonic() + options.minutes * 60
            while time.monotonic() < end and host.process.poll() is None:
                time.sleep(1)
            code = host.terminate()
        attempts = len(service.ids("begin"))
        found = ids_by_queue(node)
    sent = {f"f{number}" for number in range(options.messages)}
    missing = sent - set().union(*found.values())
    old = sum(len(ids) for name, ids in found.items() if ".retry." in name)
    print(f"{options.messages} messages after {options.minutes:g} min in {len(found)} queues, {attempts} attempts:"
          f" {len(missing)} missing, {old} in old delay queues, exit code {code}")
    for id in sorted(missing):
        print(f"  missing: {id}")
    if options.expire:
        return 0 if missing else 1
    return 1 if missing or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
