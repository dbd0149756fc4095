# SPDX-License-Identifier: MIT
"""The scripted broker of the C++ tests as a process; see tests/rococo/messaging/rabbitmq/scripted_broker/broker_json.hpp."""

import json
import subprocess

from .host import executable, wait_until


class ScriptedBroker:
    """A RabbitMQ of its own port that does as it is told: options, queues and rules as keyword arguments."""

    def __init__(self, **script):
        self._process = subprocess.Popen(
            [executable("scripted_broker"), json.dumps(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())

    def tell(self, **command):
        """Runs a command and gives its answer."""
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def put(self, queue, body, **properties):
        self.tell(put=queue, body=body, **properties)

    def ready(self, queue):
        """Messages ready; -1 where there is no such queue."""
        return self.tell(ready=queue)

    def record(self):
        return self.tell(record=True)

    def wait(self, condition, timeout=240):
        """Until the condition holds of what the broker has received."""
        wait_until(lambda: condition(self.record()), timeout, lambda: json.dumps(self.record(), indent=1))

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
