# SPDX-License-Identifier: MIT
"""The most common mistakes, and all that is said of each, word for word, with the exit code: common_errors.txt.

Each says what, which value, what is allowed and what to do, once, and guesses nothing beside it. Whoever changes a text
reads it there, as a stranger would.
"""

import contextlib
import dataclasses
import http.server
import pathlib
import re
import threading

import pytest
from support.host import service_library
from support.ports import free_port
from support.scripted_broker import ScriptedBroker

CRON = {"EXECUTION_TYPE": "CRON"}
RABBITMQ = {
    "MESSAGING_TYPE": "RabbitMqConnection",
    "RABBITMQ_HOST": "127.0.0.1",
    "RABBITMQ_PORT": "{port}",
    "RABBITMQ_USER": "guest",
    "RABBITMQ_PASSWORD": "guest",
    "RABBITMQ_VIRTUAL_HOST": "/",
    "RABBITMQ_NUM_THREADS": "1",
}
SQS = {
    "MESSAGING_TYPE": "SqsConnection",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "HOME": "{folder}",
}


def unused_port():
    return contextlib.nullcontext(free_port())


@contextlib.contextmanager
def broker():
    with ScriptedBroker() as scripted:
        yield scripted.port


@contextlib.contextmanager
def broker_without_rights():
    with ScriptedBroker(no_configure=[".*"]) as scripted:
        yield scripted.port


@contextlib.contextmanager
def broker_of_reserved_names():
    said = "ACCESS_REFUSED - queue name 'amq.orders' contains reserved prefix 'amq.*'"
    rule = {"method": "queue.declare", "queue": "amq.orders", "times": 2, "steps": [["close_channel", 403, said]]}
    with ScriptedBroker(rules=[rule]) as scripted:
        yield scripted.port


class QuietHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


class QuietServer(http.server.HTTPServer):
    def handle_error(self, *_):
        """The client goes away, as it should."""


@contextlib.contextmanager
def web_server():
    server = QuietServer(("127.0.0.1", 0), QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@dataclasses.dataclass
class Case:
    """A mistake. Values may hold {folder} and {port}."""

    settings: dict = dataclasses.field(default_factory=dict)  # None: not set
    arguments: tuple = ()
    library: str = "ledger_service"
    files: dict = dataclasses.field(default_factory=dict)
    peer: object = contextlib.nullcontext


CASES = {
    # Values
    "a misspelt choice": Case({"EXECUTION_TYPE": "corn"}),
    "an unknown kind of queue": Case({"MESSAGING_TYPE": "Redis"}),
    "a port that is not a number": Case({"RABBITMQ_PORT": "5672x"}),
    "a broken line of .env": Case(files={".env": "MAX_ATTEMPTS: 3\n"}),
    "no queue": Case({"LedgerServiceProcessor_QUEUE_NAME": None}),
    "the queue of a misspelt processor": Case(
        {"LedgerServiceProcessor_QUEUE_NAME": None, "LedgerServiceProcesor_QUEUE_NAME": "orders"}
    ),
    "a bad consume file": Case(
        {"CONSUME_CONFIG_FILE_PATH": "consume.env"},
        files={"consume.env": "EXIT_WHEN_FINISHED=maybe\n"},
    ),
    "a blank behind a value": Case({"RETRY_DELAY": "5m "}),
    "a body in Python's quotes": Case(arguments=("send", "orders", "{'id': 7}")),
    # Services
    "no service here": Case({"SERVICE_LIBRARY": None}),
    "a service of another SDK": Case(library="wrong_abi"),
    "a service without a processor": Case(library="no_processors"),
    "several processors": Case(library="three_processors"),
    "an unknown processor": Case({"PROCESSOR_TYPE": "GrayServiceProcessor"}, library="three_processors"),
    "a processor of the other kind": Case({**CRON, "CRON_TIME_AMOUNT": "10", "CRON_TIME_UNIT": "SECONDS"}),
    "a constructor that throws": Case({"LEDGER_LOG": None}),
    # Schedules
    "no schedule": Case(CRON, library="cron_ledger"),
    "everything about a schedule wrong": Case(
        {
            **CRON,
            "CRON_TIME_AMOUNT": "-3",
            "CRON_TIME_UNIT": "FORTNIGHTS",
            "CRON_RUN_AT": "25:00",
            "CRON_TIMEZONE": "Europe/Berln",
            "CRON_OVERLAP": "wait",
        },
        library="cron_ledger",
    ),
    "a time of day without days": Case(
        {**CRON, "CRON_TIME_AMOUNT": "10", "CRON_TIME_UNIT": "SECONDS", "CRON_RUN_AT": "09:30"}, library="cron_ledger"
    ),
    "a cron expression of four fields": Case({**CRON, "CRON_EXPRESSIONS": "0 9 * *"}, library="cron_ledger"),
    # Queues
    "a queue file in a missing folder": Case({"SQLITE_PATH": "{folder}/typo/queue.db"}),
    "a text file as the queue file": Case(
        {"SQLITE_PATH": "{folder}/notes.txt"}, files={"notes.txt": "Buy milk.\n" * 1000}
    ),
    "no broker": Case({**RABBITMQ, "RABBITMQ_CONNECT_ATTEMPTS": "1"}, peer=unused_port),
    "check without a broker": Case(RABBITMQ, ("check",), peer=unused_port),
    "send without a broker": Case(RABBITMQ, ("send", "orders", "{}"), peer=unused_port),
    "an unknown host": Case({**RABBITMQ, "RABBITMQ_HOST": "no-such-host.invalid"}, ("check",), peer=unused_port),
    "a wrong password": Case({**RABBITMQ, "RABBITMQ_PASSWORD": "wrong"}, peer=broker),
    "send with a wrong password": Case({**RABBITMQ, "RABBITMQ_PASSWORD": "wrong"}, ("send", "orders", "{}"), peer=broker),
    "a missing permission": Case(RABBITMQ, peer=broker_without_rights),
    "the management's port": Case(RABBITMQ, ("check",), peer=web_server),
    "a queue name that is reserved": Case(
        {**RABBITMQ, "LedgerServiceProcessor_QUEUE_NAME": "amq.orders"}, peer=broker_of_reserved_names
    ),
    "no region": Case({**SQS, "AWS_REGION": None}),
    "a region that is none": Case({**SQS, "AWS_REGION": "eu central"}),
    "no credentials": Case({**SQS, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}),
}


def said_of(result, words):
    """The lines of level WARNING and above, and what a command says on standard error; places and times taken out."""
    lines = []
    for line in result.stderr.splitlines():
        logged = re.fullmatch(r"\S+ \S+ \[(\w+)\] \w+:\d+ - (.*)", line)
        if logged is None:
            lines.append(line)
        elif logged[1] not in ("DEBUG", "INFO"):
            lines.append(f"{logged[1]}: {logged[2]}")
    text = "\n".join(lines)
    for word, value in words.items():
        text = text.replace(str(value), "{" + word + "}")
    return text


def expected():
    """The sections of common_errors.txt: a line `== NAME: exit CODE`, and what is said below it."""
    sections = (pathlib.Path(__file__).parent / "common_errors.txt").read_text().split("\n== ")[1:]
    heads = (section.partition("\n") for section in sections)
    return {head.rpartition(": exit ")[0]: (int(head.rpartition(" ")[2]), text.strip("\n")) for head, _, text in heads}


def run(service, case, port):
    """What is said, and the exit code."""
    words = {"folder": service.path, "library": service_library(case.library)}
    if port is not None:
        words["port"] = port
    service.settings.update(EXECUTION_TYPE="MESSAGING", TZ="UTC")
    for variable, value in case.settings.items():
        service.settings.pop(variable, None)
        if value is not None:
            service.settings[variable] = value.format(**words)
    for path, text in case.files.items():
        (service.path / path).write_text(text)
    result = service.run(*case.arguments, timeout=180)
    return result.returncode, said_of(result, words)


@pytest.mark.parametrize("name", CASES)
def test_a_common_mistake_is_told_in_these_words(make_service, name):
    case = CASES[name]
    with case.peer() as port:
        assert run(make_service(library=case.library), case, port) == expected()[name]


def test_every_text_has_its_mistake():
    assert list(expected()) == list(CASES)
