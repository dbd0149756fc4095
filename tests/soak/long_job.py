#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One job of three minutes with a heartbeat of five seconds: `tests/soak/long_job.py [--minutes 3] [--heartbeat 5]`.

Exit code 1 where the host lost its connection meanwhile, or began the job twice.
"""

import argparse
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

import pika  # noqa: E402
from support.host import ServiceFolder, wait_until  # noqa: E402
from support.rabbitmq_node import RabbitMqNode  # noqa: E402

QUEUE = "long-jobs"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--heartbeat", type=int, default=5, metavar="SECONDS")
    arguments = parser.parse_args()
    milliseconds = int(arguments.minutes * 60_000)

    with RabbitMqNode() as node, tempfile.TemporaryDirectory(prefix="rococo-long-job-") as folder:
        connection = pika.BlockingConnection(pika.URLParameters(node.url))
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        channel.basic_publish("", QUEUE, json.dumps({"id": "long", "do": f"sleep:{milliseconds}"}))
        connection.close()
        service = ServiceFolder(
            pathlib.Path(folder) / "service",
            MESSAGING_TYPE="RabbitMqConnection",
            RABBITMQ_URL=node.url,
            RABBITMQ_HEARTBEAT=f"{arguments.heartbeat}s",
            LedgerServiceProcessor_QUEUE_NAME=QUEUE,
        )
        with service.start() as host:
            wait_until(lambda: service.ids() == ["long"], timeout=milliseconds / 1000 + 60, what=host.log)
            code = host.terminate()
            lost = host.log().count("Lost the connection")
        begun, ended = service.ledger("begin"), service.ledger()
        print(f"begun {len(begun)} times, {(ended[0][-1] - begun[0][-1]) / 1e6:.1f} s, {lost} connections lost, exit code {code}")
        return 0 if (len(begun), lost, code) == (1, 0, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
