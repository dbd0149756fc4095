# SPDX-License-Identifier: MIT
import json
import textwrap

import pytest
from support.embedded_queue import bodies_in
from support.host import ServiceFolder


class ProgramFolder(ServiceFolder):
    """A folder whose service is a program, `processor`, that consumes the queue `orders`."""

    def __init__(self, path, source, **settings):
        settings = {
            "PROCESSOR_COMMAND": "./processor",
            "PROCESSOR_TYPE": "OrderServiceProcessor",
            "OrderServiceProcessor_QUEUE_NAME": "orders",
            **settings,
        }
        super().__init__(path, library=None, **settings)
        self.program = self.path / "processor"
        if source is not None:
            self.write("processor", source)

    def write(self, name, source):
        """Writes a file that can be executed."""
        path = self.path / name
        path.write_text(textwrap.dedent(source).lstrip())
        path.chmod(0o755)

    def send_each(self, messages):
        self.send("orders", *(json.dumps(message) for message in messages))

    def run_to_the_end(self, code=0, **more):
        """Processes all that is in the queue; the log."""
        ended = self.run(EXIT_WHEN_FINISHED=1, **more)
        assert ended.returncode == code, ended.stderr
        return ended.stderr

    def process(self, messages, **more):
        self.send_each(messages)
        return self.run_to_the_end(**more)

    def dead_letters(self):
        listed = self.run("dead-letters", "list", "--queue", "orders", "--json")
        assert listed.returncode == 0, listed.stderr
        return json.loads(listed.stdout)

    def lines(self, name):
        """The lines of a file that the program writes in its folder."""
        path = self.path / name
        return path.read_text().splitlines() if path.exists() else []

    def queued(self, queue):
        """The bodies of the messages that wait in a queue."""
        [path] = self.path.rglob("*.db")
        return [bytes(body).decode() if isinstance(body, bytes) else body for body in bodies_in(path, queue)]


@pytest.fixture
def make_service(tmp_path):
    def make(source, **settings):
        return ProgramFolder(tmp_path / "service", source, **settings)

    return make
