# SPDX-License-Identifier: MIT
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_proxy import FaultProxy  # noqa: E402
from json_boto3 import sqs_client  # noqa: E402
from support.host import ServiceFolder  # noqa: E402
from support.sqs_emulator import KEY, REGION, start_emulator, why_not  # noqa: E402


@pytest.fixture(scope="session")
def emulator():
    """The address of an SQS emulator of our own."""
    if reason := why_not():
        pytest.skip(reason)
    process, url = start_emulator()
    yield url
    process.terminate()
    process.wait(30)


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
            "VISIBILITY_TIMEOUT": "5s",
            "LISTEN_INTERVAL": "1s",
            "AWS_EC2_METADATA_DISABLED": "true",
            **KEY,
            **settings,
        }
        return ServiceFolder(tmp_path / "service", **{k: v for k, v in settings.items() if v is not None})

    return make
