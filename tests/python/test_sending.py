# SPDX-License-Identifier: MIT
"""`context.send_message`: what is sent, confirmations, errors, threads."""

import json

import pytest
from fake_host import MINUTES
from rococo_svchost import frames

pytestmark = pytest.mark.all_pythons

SENDER = """
import concurrent.futures, logging, signal, threading
from rococo_svchost import SendError, context
from rococo.messaging import BaseServiceProcessor, RabbitMqConnection

class SenderServiceProcessor(BaseServiceProcessor):
    def process(self, message):
        getattr(self, message["how"])(message)

    def plain(self, message):
        context.send_message("q", {"a": "ü"}, {"tenant": "t"}, message_id="i", correlation_id="c", priority=0)
        context.send_message("q", b"\\x00raw", [("n", "1"), ("n", "2")])
        logging.info("both confirmed")

    def caught(self, message):
        try:
            context.send_message("missing", 1)
        except SendError as error:
            logging.info("not sent: %s", error)

    uncaught = lambda self, message: context.send_message("missing", 1)
    no_json = lambda self, message: context.send_message("q", object())
    no_priority = lambda self, message: context.send_message("q", 1, priority=256)

    def threads(self, message):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda n: context.send_message("q", n), range(message["count"])))
        logging.info("%d confirmed", len(done))

    def adapter(self, message):
        with RabbitMqConnection(message["host"], message.get("port", 5672), "u", "p", message.get("vhost", "/")) as connection:
            connection.send_message("q", {"by": "adapter"})

    def consume(self, message):
        RabbitMqConnection("h", 1, "u", "p").consume_messages("q", print)
"""


def ask(worker, how, **more):
    worker.send(json.dumps({"how": how, **more}))


def next_send(host):
    return host.child.wait_for(lambda event: event.frame is not None and event.frame.kind == frames.SEND, MINUTES).frame


def test_a_message_is_sent_whole_and_waits_for_its_confirmation(serve):
    host = serve(SENDER)
    ask(host, "plain")
    first = next_send(host)
    assert json.loads(first.payload) == {"a": "ü"}
    assert first.meta == {
        "queue": "q", "id": "i", "correlation_id": "c", "content_type": "application/json", "priority": 0, "headers": [["tenant", "t"]],
    }  # fmt: skip
    host.child.read(0.05)
    assert not host.child.frames("work", frames.DONE)
    host.child.answer(frames.SENT, first.seq)
    second = next_send(host)
    assert second.payload == b"\x00raw"
    assert second.meta == {"queue": "q", "content_type": "application/octet-stream", "headers": [["n", "1"], ["n", "2"]]}
    host.child.answer(frames.SENT, second.seq)
    assert host.wait_done() == {}
    assert host.logged("both") == ["both confirmed"]


def test_what_is_not_confirmed_is_an_error_in_the_processor(serve):
    host = serve(SENDER)
    ask(host, "caught")
    host.child.answer(frames.NOT_SENT, next_send(host).seq, error="there is no queue missing")
    assert host.wait_done() == {}
    assert host.logged("not sent") == ["not sent: there is no queue missing"]
    ask(host, "uncaught")
    host.child.answer(frames.NOT_SENT, next_send(host).seq, error="the broker is away")
    assert host.wait_done()[2]["error"] == "SendError: the broker is away"
    ask(host, "no_json")
    assert host.wait_done()[3]["error"].startswith("TypeError")


def test_a_priority_that_no_message_can_have_is_an_error_and_sends_nothing(serve):
    host = serve(SENDER)
    ask(host, "no_priority")
    assert host.wait_done()[1]["error"] == "ValueError: the priority is 256, and must be 0 to 255"
    assert not [event for event in host.child.events if event.frame is not None and event.frame.kind == frames.SEND]


def test_many_threads_send_and_answers_come_in_any_order(serve):
    host = serve(SENDER)
    ask(host, "threads", count=400)
    held, payloads = [], []
    while len(payloads) < 400:
        for event in host.child.read(0.02) or [None]:
            if event is not None and event.frame is not None and event.frame.kind == frames.SEND:
                held.append(event.frame.seq)
                payloads.append(event.frame.payload)
        while held:
            host.child.answer(frames.SENT, held.pop())
    assert host.wait_done() == {}
    assert sorted(int(payload) for payload in payloads) == list(range(400))
    assert host.logged("400 confirmed")


BROKER = {"host": "rabbit-1:5672,rabbit-2:5674,127.0.0.1:5675,[fe80::1]:5676", "port": 5672, "virtual_host": "/", "user": "u"}


@pytest.mark.parametrize("host_name, port, vhost", [
    ("rabbit-1", 5672, "/"), ("RABBIT-2", 5674, ""), ("rabbit-9,rabbit-2:5674", "5672", "/"), ("localhost", 5675, "/"), ("fe80::1", 5676, "/"),
])  # fmt: skip
def test_the_stand_in_for_rabbitmq_sends_through_the_host(serve, host_name, port, vhost):
    host = serve(SENDER, rabbitmq=BROKER)
    ask(host, "adapter", host=host_name, port=port, vhost=vhost)
    sent = next_send(host)
    assert json.loads(sent.payload) == {"by": "adapter"} and sent.meta["queue"] == "q"
    host.child.answer(frames.SENT, sent.seq)
    assert host.wait_done() == {}


def test_the_stand_in_for_rabbitmq_names_what_to_install(serve):
    host = serve(SENDER, rabbitmq=BROKER)
    ask(host, "adapter", host="elsewhere")
    error = host.wait_done()[1]["error"]
    assert "elsewhere:5672/:" in error and "rabbit-1:5672,rabbit-2:5674" in error and "Install rococo[messaging]" in error
    ask(host, "adapter", host="rabbit-1", port=5674)
    assert "Install rococo[messaging]" in host.wait_done()[2]["error"]
    ask(host, "adapter", host="rabbit-1", vhost="shop")
    assert "rabbit-1:5672/shop: svchost is connected to" in host.wait_done()[3]["error"]
    ask(host, "consume")
    assert host.wait_done()[4]["error"].startswith("NotImplementedError: svchost consumes")


def test_a_host_that_goes_away_while_a_send_waits(serve):
    host = serve(SENDER)
    ask(host, "caught")
    next_send(host)
    host.child._selector.unregister(host.child._calls)
    host.child._calls.close()
    host.wait_done()
    host.child.close_work()
    assert host.child.wait_for_exit(MINUTES) == 0
    assert "Traceback" not in host.child.output("stderr")
