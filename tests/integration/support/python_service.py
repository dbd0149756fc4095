# SPDX-License-Identifier: MIT
"""Service folders with processors in Python."""

import contextlib
import pathlib
import shutil
import textwrap
import threading

import pika

from .host import ServiceFolder

# What a service writes for its test: an event, the message's number, the attempt, the process.
LEDGER = """
import json, os, time
def note(event, number, attempt=1):
    with open(os.environ["LEDGER_LOG"], "a") as ledger:
        ledger.write(f"{event} {number} {attempt} {os.getpid()} {int(time.time() * 1e6):016}\\n")
"""
PYTHON = {"PROCESSOR_PYTHON": "/usr/bin/python3"}


class PythonFolder(ServiceFolder):
    """A folder with a service in Python, as `svchost` finds it."""

    def __init__(self, path, source, **settings):
        super().__init__(path, library=None, **{**PYTHON, "OrderServiceProcessor_QUEUE_NAME": "orders", **settings})
        (self.path / "ledger.py").write_text(LEDGER)
        (self.path / "processor.py").write_text(textwrap.dedent(source))


class PythonLedgerFolder(ServiceFolder):
    """The ledger service in Python: it obeys the orders that `ledger_service` obeys.

    Its processes write their own numbers into the ledger, and which host is theirs into another file. `ledger` gives the hosts.
    """

    def __init__(self, path, **settings):
        super().__init__(path, library=None, **{**PYTHON, **settings})
        source = pathlib.Path(__file__).resolve().parents[2] / "services" / "python_ledger" / "processor.py"
        shutil.copy(source, self.path)
        self._hosts_log = self.path / "hosts.log"
        self.settings["LEDGER_HOSTS_LOG"] = str(self._hosts_log)

    def ledger(self, event="done"):
        hosts = _Hosts(self._hosts_log)
        return [(id, attempt, hosts.of(pid, at), at) for id, attempt, pid, at in self.ledger_by_process(event)]

    def host_of(self, pid, at):
        """The host of a process at that time, in microseconds."""
        return _Hosts(self._hosts_log).of(pid, at)


class _Hosts:
    """Which host a process had, from lines `PROCESS HOST MICROSECONDS`. Numbers of processes come again."""

    def __init__(self, path):
        self._known = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            fields = line.split()
            if len(fields) == 3:  # SIGKILL can cut a write
                process, host, at = map(int, fields)
                self._known.setdefault(process, []).append((at, host))

    def of(self, pid, at):
        return next((host for began, host in reversed(self._known.get(pid, ())) if began <= at), pid)


@contextlib.contextmanager
def send_by_pika(node, queue):
    """A function that sends a body to a queue of a RabbitMQ node, confirmed, from any thread."""
    connection = pika.BlockingConnection(pika.URLParameters(f"{node.url}?heartbeat=0"))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.queue_declare(queue, durable=True)
    lock = threading.Lock()

    def send(body):
        with lock:
            channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2), mandatory=True)

    try:
        yield send
    finally:
        connection.close()
