# SPDX-License-Identifier: MIT
"""SQS under the ledger: the emulator, and a proxy before it that answers wrongly."""

import pathlib
import sys
import time

from .ledger import QueueUnderTest
from .sqs_emulator import KEY, REGION, start_emulator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "sqs"))

from fault_proxy import FAULTS, FaultProxy  # noqa: E402
from json_boto3 import sqs_client  # noqa: E402

VISIBILITY_S = 4
MOST_PER_REQUEST = 10  # SQS, SendMessageBatch


class SqsUnderTest(QueueUnderTest):
    """One queue of an emulator; the hosts reach it through the proxy, the harness directly."""

    batch = 10
    prefetch = 40
    frozen_s = VISIBILITY_S + 3

    def __init__(self, seed):
        self._emulator, self.url = start_emulator()
        self.proxy = FaultProxy(self.url, seed)
        self._client = sqs_client(self.url, REGION, *KEY.values(), retries={"max_attempts": 0})
        self._queues = {}

    def settings(self):
        return {
            "MESSAGING_TYPE": "SqsConnection",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.proxy.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "VISIBILITY_TIMEOUT": f"{VISIBILITY_S}s",
            "LISTEN_INTERVAL": "1s",
            "NUM_THREADS": "4",
            "RETRY_DELAY": "1s",
            **KEY,
        }

    def _queue_url(self, name):
        if name not in self._queues:
            self._queues[name] = self._client.create_queue(QueueName=name)["QueueUrl"]
        return self._queues[name]

    def send(self, messages):
        sent = []
        for start in range(0, len(messages), MOST_PER_REQUEST):
            batch = messages[start : start + MOST_PER_REQUEST]
            entries = [{"Id": str(number), "MessageBody": body} for number, (_, body) in enumerate(batch)]
            answer = self._client.send_message_batch(QueueUrl=self._queue_url(self.queue), Entries=entries)
            sent += [batch[int(entry["Id"])][0] for entry in answer.get("Successful", [])]
        return sent

    def dead_letter_bodies(self):
        bodies = []
        url = self._queue_url(f"{self.queue}-dead-letter")
        while messages := self._client.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600, WaitTimeSeconds=0
        ).get("Messages"):
            bodies += [message["Body"] for message in messages]
        return bodies

    def waiting(self):
        answer = self._client.get_queue_attributes(QueueUrl=self._queue_url(self.queue), AttributeNames=["All"])
        attributes = answer["Attributes"]
        return sum(int(attributes[name]) for name in attributes if name.startswith("ApproximateNumberOfMessages"))

    def faults(self):
        return {f"answers: {fault}": self._answers([fault]) for fault in FAULTS} | {"answers: all of them": self._answers(FAULTS)}

    def _answers(self, faults):
        def fault(run):
            self.proxy.faults, self.proxy.share = faults, run.random.uniform(0.1, 0.4)
            time.sleep(run.random.uniform(2, 5))
            self.proxy.share = 0

        return fault

    def close(self):
        self.proxy.close()
        self._emulator.terminate()
        self._emulator.wait(30)
