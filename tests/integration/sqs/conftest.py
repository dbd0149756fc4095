# SPDX-License-Identifier: MIT
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_proxy import FaultProxy  # noqa: E402
from json_boto3 import sqs_client  # noqa: E402
from support.host import BUILD, ServiceFolder  # noqa: E402
from support.ports import free_port  # noqa: E402

EMULATOR = "fauxqs@1.9.2"
REGION = "eu-central-1"
KEY = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "the-secret-of-the-test"}


def emulator_script():
    """The emulator's program; installed into the build's folder the first time."""
    folder = pathlib.Path(os.environ.get("ROCOCO_FAUXQS_DIR", BUILD / EMULATOR.replace("@", "-")))
    script = folder / "node_modules" / "fauxqs" / "dist" / "server.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--prefix", str(folder), "--no-package-lock", "--no-save", "--no-audit", EMULATOR],
            check=True,
            capture_output=True,
        )
    return script


@pytest.fixture(scope="session")
def emulator():
    """The address of an SQS emulator of our own. It needs Node.js 20, and Debian 12 has 18."""
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    if int(re.match(r"v(\d+)", version or "v0")[1]) < 20:
        pytest.skip(f"the SQS emulator needs Node.js 20 or later, and this is {version.strip() or 'none'}")
    port = free_port()
    process = subprocess.Popen(
        ["node", str(emulator_script())],
        env={"PATH": os.environ["PATH"], "FAUXQS_HOST": "127.0.0.1", "FAUXQS_PORT": str(port), "FAUXQS_LOGGER": "false"},
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the emulator does not start"
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture
def fault_proxy(emulator):
    """A proxy before the emulator that answers wrongly now and then."""
    proxy = FaultProxy(emulator)
    yield proxy
    proxy.close()


class Queue:
    """One queue, seen by an independent client."""

    def __init__(self, client, name, attributes=None):
        self.client, self.name = client, name
        self.url = client.create_queue(QueueName=name, Attributes=attributes or {})["QueueUrl"]

    def send(self, *bodies, group=None, attributes=None):
        for start in range(0, len(bodies), 10):
            entries = []
            for index, body in enumerate(bodies[start : start + 10]):
                entry = {"Id": str(index), "MessageBody": body, "MessageAttributes": attributes or {}}
                if group is not None:
                    entry["MessageGroupId"] = group
                    entry["MessageDeduplicationId"] = f"{group}-{start + index}"
                entries.append(entry)
            answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
            assert not answer.get("Failed"), answer

    def receive(self, wait=5):
        """Up to ten messages."""
        return self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        ).get("Messages", [])

    def count(self):
        """Ready, hidden and delayed messages together."""
        attributes = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return sum(int(attributes[name]) for name in attributes if name.startswith("ApproximateNumberOfMessages"))


@pytest.fixture
def make_queue(emulator, request):
    """Makes queues whose names belong to this test alone."""
    client = sqs_client(emulator, REGION, *KEY.values(), retries={"max_attempts": 0})

    def make(name, **attributes):
        test = re.sub(r"[^A-Za-z0-9_-]", "-", request.node.name)[:50]
        return Queue(client, f"{test}-{name}", attributes)

    return make


@pytest.fixture
def sqs_service(tmp_path, emulator):
    """Makes ledger services that consume a queue of the emulator."""

    def make(queue, endpoint=emulator, **settings):
        settings = {
            "MESSAGING_TYPE": "SqsConnection",
            "LedgerServiceProcessor_QUEUE_NAME": queue,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": endpoint,
            "VISIBILITY_TIMEOUT": "2s",
            "LISTEN_INTERVAL": "1s",
            "AWS_EC2_METADATA_DISABLED": "true",
            **KEY,
            **settings,
        }
        return ServiceFolder(tmp_path / "service", **{k: v for k, v in settings.items() if v is not None})

    return make
