# SPDX-License-Identifier: MIT
"""A service in Python on a real RabbitMQ: what becomes of messages, what it sees of them, what it sends."""

import datetime
import decimal
import json
import re
import struct
import time

import pika
import pika.data
import pytest
from python_orders import ORDERS
from support.host import wait_until

STEPS_TO_SEE_NOTHING = 50


def publish(channel, queue, *messages, **properties):
    for message in messages:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2, **properties), mandatory=True)


@pytest.fixture
def queue(channel, request):
    channel.queue_declare(request.node.name, durable=True)
    return request.node.name


@pytest.fixture
def handle(make_python_service, channel, queue):
    """Sends messages, has a host handle them until the queue is empty, and gives the service and the host's log."""

    def handle(*messages, settings=None, **properties):
        service = make_python_service(ORDERS, RETRY_DELAY="100ms", **(settings or {}))
        publish(channel, queue, *messages, **properties)
        ended = service.run(EXIT_WHEN_FINISHED=1)
        assert ended.returncode == 0, ended.stderr
        assert waiting(channel, queue) == 0
        return service, ended.stderr

    return handle


def waiting(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def dead_letter(channel, queue):
    _, properties, body = channel.basic_get(f"{queue}.dead-letter", auto_ack=True)
    return json.loads(body), properties


def test_a_false_result_is_an_ack(handle):
    service, log = handle(*({"id": n} for n in range(500)))
    assert service.ids() == [str(n) for n in range(500)]
    assert "500 acknowledged, 0 retried, 0 dead-lettered" in log


def test_what_raises_goes_through_the_delay_queue_and_ends_as_a_dead_letter(handle, channel, queue):
    service, log = handle({"id": 1, "do": "fail"}, {"id": 2}, settings={"MAX_ATTEMPTS": 3}, headers={"trace": "abc"}, message_id="x")
    assert [attempt for id, attempt, *_ in service.ledger("begin") if id == "1"] == [1, 2, 3]
    assert service.ids() == ["2"]
    channel.queue_declare(f"{queue}.delay.100", passive=True)  # there is one
    body, properties = dead_letter(channel, queue)
    assert body["id"] == 1 and properties.message_id == "x" and properties.headers["trace"] == "abc"
    assert properties.headers["x-rococo-error"] == "ValueError: no good"
    assert properties.headers["x-rococo-reason"] == "max-attempts"
    assert properties.headers["x-rococo-attempts"] == 3
    assert 'raise ValueError("no good")' in log, "the traceback tells where"


def test_permanent_error_and_what_is_no_json_are_dead_letters_at_once(handle, channel, queue):
    service, _ = handle({"id": 1, "do": "give_up"}, b"{no json", b"\xff")
    assert service.ids("begin") == ["1"]
    found = {}
    for _ in range(3):
        _, properties, body = channel.basic_get(f"{queue}.dead-letter", auto_ack=True)
        found[body] = properties.headers["x-rococo-reason"], properties.headers["x-rococo-error"]
    assert {reason for reason, _ in found.values()} == {"permanent-error"}
    assert found[b'{"id": 1, "do": "give_up"}'][1] == "an order without a customer"
    assert "not JSON" in found[b"{no json"][1] and "not UTF-8" in found[b"\xff"][1]


def test_retry_after_comes_again_after_its_delay(handle):
    service, log = handle({"id": 1, "do": "later", "s": 1.5})
    (_, first, _, began), (_, second, _, again) = service.ledger("begin")
    assert (first, second) == (1, 2) and again - began >= 1_500_000
    assert "the warehouse is closed" in log


def shown(log):
    return json.loads(re.search("SHOWN (.*)", log)[1])


class Encoded(bytes):
    """A value as it goes over the wire, of a type that pika does not write."""


def test_headers_of_every_type_are_text(handle, monkeypatch):
    encode_value = pika.data.encode_value

    def encode(pieces, value):
        if not isinstance(value, Encoded):
            return encode_value(pieces, value)
        pieces.append(bytes(value))
        return len(value)

    monkeypatch.setattr(pika.data, "encode_value", encode)
    when = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)
    sent = {
        "i8": Encoded(b"b\xfb"), "u8": Encoded(b"B\xfb"), "i16": Encoded(struct.pack(">ch", b"s", -300)),
        "u16": Encoded(struct.pack(">cH", b"u", 60_000)), "u32": Encoded(struct.pack(">cI", b"i", 4_000_000_000)),
        "f32": Encoded(struct.pack(">cf", b"f", 0.1)), "f64": Encoded(struct.pack(">cd", b"d", -1.5e300)),
        "text": "grün ☃", "empty": "", "bytes": b"raw", "yes": True, "no": False, "i32": -5, "i64": 2**40, "smallest": -(2**62),
        "decimal": decimal.Decimal("12.25"), "time": when, "nothing": None, "list": [1, "two", None, [3]], "table": {"a": {"b": 1}, "c": "d"},
    }  # fmt: skip
    _, log = handle({"id": 1, "do": "show"}, headers=sent)
    headers = shown(log)["headers"]
    assert json.loads(headers.pop("list")) == [1, "two", None, [3]] and json.loads(headers.pop("table")) == {"a": {"b": 1}, "c": "d"}
    assert headers == {
        "i8": "-5", "u8": "251", "i16": "-300", "u16": "60000", "u32": "4000000000", "f32": "0.1", "f64": "-1.5e+300",
        "text": "grün ☃", "empty": "", "bytes": "raw", "yes": "true", "no": "false", "i32": "-5", "i64": str(2**40),
        "smallest": str(-(2**62)), "decimal": "12.25", "time": str(int(when.timestamp())), "nothing": "",
    }  # fmt: skip


def test_properties_are_as_the_sender_gave_them(handle, queue):
    _, log = handle(
        {"id": 1, "do": "show"}, message_id="m", correlation_id="c", content_type="application/json", content_encoding="utf-8", reply_to="answers",
        type="order.created", app_id="shop", priority=7, timestamp=1_764_550_000,
    )  # fmt: skip
    assert shown(log) == {
        "headers": {}, "id": "m", "queue": queue, "correlation_id": "c", "content_type": "application/json", "reply_to": "answers", "type": "order.created",
        "app_id": "shop", "priority": 7, "content_encoding": "utf-8", "sent_at": "2025-12-01 00:46:40+00:00", "redelivered": False,
    }  # fmt: skip


def test_what_it_sends_arrives_with_its_properties(handle, channel, queue):
    handle({"id": 1, "do": "send", "to": f"{queue}.out"})
    _, properties, body = channel.basic_get(f"{queue}.out", auto_ack=True)
    assert json.loads(body) == {"order": 1}
    assert properties.headers["tenant"] == "blue" and properties.correlation_id == "c-1" and properties.message_id == "m-1"
    assert properties.content_type == "application/json" and properties.delivery_mode == 2


def test_what_it_sends_is_confirmed_before_its_message_is_acknowledged(make_python_service, channel, queue, node):
    out = f"{queue}.out"
    channel.queue_declare(out, durable=True)
    service = make_python_service(ORDERS)
    publish(channel, queue, {"id": 1, "do": "send", "to": out})
    node.ctl("set_vm_memory_high_watermark", "0.00000001")  # publishers are no longer read
    try:
        with service.start() as host:
            wait_until(lambda: service.ids("begin"), what=host.log)
            wait_until(lambda: re.search(r"sender.*\bblock(ed|ing)\b", node.ctl("list_connections", "client_properties", "state")))
            for _ in range(STEPS_TO_SEE_NOTHING):
                assert service.ids() == []
                time.sleep(0.02)
            assert f"{queue}\t1" in node.ctl("list_queues", "name", "messages_unacknowledged")
            node.ctl("set_vm_memory_high_watermark", "0.6")
            wait_until(lambda: service.ids() == ["1"], what=host.log)
            wait_until(lambda: waiting(channel, out) == 1, what=host.log)
            assert host.terminate() == 0
    finally:
        node.ctl("set_vm_memory_high_watermark", "0.6")
    assert waiting(channel, queue) == 0


def test_a_refused_send_is_an_error_in_the_processor(handle, channel, queue):
    full = f"{queue}.full"
    channel.queue_declare(full, durable=True, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    service, log = handle({"id": 1, "do": "send_or_say", "to": full}, {"id": 2, "do": "send", "to": full}, settings={"MAX_ATTEMPTS": 1})
    assert service.ids() == ["1"], "what is not caught is a failure"
    assert "NOT SENT: " in log and "SendError: " in log


def test_the_built_in_connection_sends_by_the_host(handle, channel, queue, node):
    channel.queue_declare(f"{queue}.out", durable=True)
    _, log = handle({"id": 1, "do": "connect", "host": "localhost", "port": node.port, "to": f"{queue}.out"})
    assert "back/rococo/messaging/rabbitmq.py" in log
    _, properties, body = channel.basic_get(f"{queue}.out", auto_ack=True)
    assert json.loads(body) == {"by": "connection"} and properties.content_type == "application/json"


@pytest.mark.parametrize("other", [{"port": 1}, {"host": "elsewhere"}, {"vhost": "shop"}])
def test_the_built_in_connection_to_another_broker_names_what_to_install(handle, node, other):
    connection = {"host": "127.0.0.1", "port": node.port, "to": "q", **other}
    service, log = handle({"id": 1, "do": "connect", **connection}, settings={"MAX_ATTEMPTS": 1})
    assert service.ids() == []
    assert f"cannot connect to RabbitMQ at {connection['host']}:{connection['port']}" in log
    assert f"svchost is connected to 127.0.0.1:{node.port}/" in log and "Install rococo[messaging]" in log


def test_the_built_in_connection_knows_the_broker_of_a_url(handle, channel, queue, node):
    channel.queue_declare(f"{queue}.out", durable=True)
    url = f"amqp://guest:guest@127.0.0.1:1,127.0.0.1:{node.port}/%2F"
    _, log = handle(
        {"id": 1, "do": "connect", "host": "127.0.0.1", "port": node.port, "to": f"{queue}.out"},
        settings={"RABBITMQ_URL": url, "RABBITMQ_HOST": "elsewhere", "RABBITMQ_PORT": 1},
    )
    assert waiting(channel, f"{queue}.out") == 1, log


# In the shape of the package of that name, version 1.3.1.
ROCOCO = {
    "rococo/__init__.py": "",
    "rococo/messaging/__init__.py": """
from .base import BaseServiceProcessor, MessageAdapter
from .rabbitmq import RabbitMqConnection
from .sqs import SqsConnection
""",
    "rococo/messaging/base.py": """
from abc import ABC, abstractmethod

class MessageAdapter(ABC):
    @abstractmethod
    def send_message(self, queue_name, message): ...

class BaseServiceProcessor(ABC):
    OF_THE_PACKAGE = True
    def __init__(self): pass
    @abstractmethod
    def process(self, message): ...
""",
    "rococo/messaging/rabbitmq.py": """
import json
import pika
from . import MessageAdapter

class RabbitMqConnection(MessageAdapter):
    def __init__(self, host, port, username, password, virtual_host, consume_config_file_path=None):
        login = pika.PlainCredentials(username, password)
        self._parameters = pika.ConnectionParameters(host, port, virtual_host, login)
    def __enter__(self):
        self._connection = pika.BlockingConnection(self._parameters)
        self._channel = self._connection.channel()
        return self
    def __exit__(self, *_):
        self._connection.close()
    def send_message(self, queue_name, message):
        self._channel.queue_declare(queue_name, durable=True)
        self._channel.basic_publish("", queue_name, json.dumps(message), pika.BasicProperties(delivery_mode=2))
""",
    "rococo/messaging/sqs.py": "raise ImportError('nobody asked for SQS')\n",
    "rococo-1.3.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: rococo\nVersion: 1.3.1\n",
}


def test_an_installed_rococo_gives_base_class_and_connection(make_python_service, channel, queue, node, tmp_path):
    site = tmp_path / "site-packages"
    for name, text in ROCOCO.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    # No import of the adapter at the top: it comes, with pika, when somebody sends.
    source = ORDERS.replace("BaseServiceProcessor, RabbitMqConnection", "BaseServiceProcessor").replace(
        "def connect(self, message):",
        """def connect(self, message):
            assert "pika" not in sys.modules and BaseServiceProcessor.OF_THE_PACKAGE
            from rococo.messaging import RabbitMqConnection""",
    )
    service = make_python_service(source, PYTHONPATH=site)
    # A password that the host does not have: the connection is the package's own.
    node.ctl("add_user", "other", "guest")
    node.ctl("set_permissions", "other", ".*", ".*", ".*")
    publish(channel, queue, {"id": 1}, {"id": 2, "do": "connect", "host": "127.0.0.1", "port": node.port, "user": "other", "to": f"{queue}.out"})
    ended = service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=1, LOG_LEVEL="DEBUG")
    assert ended.returncode == 0 and service.ids() == ["1", "2"], ended.stderr
    assert "rococo 1.3.1" in ended.stderr and f"SENT BY {site}/rococo/messaging/rabbitmq.py" in ended.stderr
    assert waiting(channel, f"{queue}.out") == 1
