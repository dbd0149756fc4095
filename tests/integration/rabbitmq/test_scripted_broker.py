# SPDX-License-Identifier: MIT
"""The scripted broker against the real one: the same client script must see the same. And the host against what only
the scripted one does."""

import json
import time

import pika
import pytest
from support.host import DEADLINE_S
from support.scripted_broker import ScriptedBroker


@pytest.fixture
def both(node):
    with ScriptedBroker() as scripted:
        yield {"real": node.port, "scripted": scripted.port}


def connect(port):
    return pika.BlockingConnection(
        pika.URLParameters(f"amqp://guest:guest@127.0.0.1:{port}/%2F?heartbeat=30&blocked_connection_timeout=30")
    )


def refused(action):
    """Code and text of what closes the channel."""
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        action()
    return closed.value.reply_code, closed.value.reply_text


def same(both, script):
    """What the script sees of each broker, if it is the same."""
    seen = {name: script(port) for name, port in both.items()}
    assert seen["scripted"] == seen["real"]
    return seen["real"]


def drain(channel, queue):
    """Bodies and redelivery marks of all that is ready."""
    messages = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return messages
        messages.append((body.decode(), method.redelivered, (properties.headers or {}).get("x-delivery-count")))


def test_refusals_have_rabbitmqs_words(both):
    def script(port):
        connection = connect(port)
        answers = []
        connection.channel().queue_declare("words", durable=True)
        connection.channel().queue_declare(
            "words.args", durable=True, arguments={"x-message-ttl": 1000, "x-queue-type": "quorum"}
        )
        for action in (
            lambda: connection.channel().queue_declare("words.none", passive=True),
            lambda: connection.channel().queue_declare("words", durable=False),
            lambda: connection.channel().queue_declare("words", durable=True, arguments={"x-queue-type": "quorum"}),
            lambda: connection.channel().queue_declare("words", durable=True, arguments={"x-message-ttl": 5}),
            lambda: connection.channel().queue_declare("words.args", durable=True),
            lambda: connection.channel().basic_get("words.none"),
        ):
            answers.append(refused(action))

        def unknown_tag():
            channel = connection.channel()
            channel.basic_ack(99)
            channel.queue_declare("words", passive=True)

        answers.append(refused(unknown_tag))
        connection.close()
        return answers

    assert len(same(both, script)) == 7


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_is_given_back_comes_in_its_order_and_marked(both, kind):
    queue = f"back.{kind}"

    def script(port):
        connection = connect(port)
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True, arguments={"x-queue-type": kind})
        for number in range(6):
            channel.basic_publish("", queue, str(number).encode(), mandatory=True)
        taking = connection.channel()
        tags = [taking.basic_get(queue)[0].delivery_tag for _ in range(4)]
        taking.basic_ack(tags[1])
        taking.basic_nack(tags[0], requeue=True)
        taking.close()
        seen = drain(connection.channel(), queue)
        connection.close()
        # What a quorum queue takes back stands before the rest, in an order of its own.
        return sorted(seen)

    assert len(same(both, script)) == 5


def test_prefetch_consume_and_cancel(both):
    def script(port):
        connection = connect(port)
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("flow", durable=True)
        for number in range(10):
            channel.basic_publish("", "flow", str(number).encode(), mandatory=True)
        taking = connection.channel()
        taking.basic_qos(prefetch_count=3)
        seen = []
        for method, _, body in taking.consume("flow", inactivity_timeout=1):
            if method is None:
                break
            seen.append((method.delivery_tag, body.decode()))
            if len(seen) == 3:
                taking.basic_ack(3, multiple=True)
        count_before = channel.queue_declare("flow", passive=True).method
        taking.cancel()
        count_after = channel.queue_declare("flow", passive=True).method
        connection.close()
        return seen, count_before.message_count, count_before.consumer_count, count_after.consumer_count

    assert same(both, script)[0][-1] == (6, "5")


def test_dead_letters_of_a_delay_queue_come_back(both):
    def script(port):
        connection = connect(port)
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("home", durable=True)
        channel.queue_declare(
            "home.delay",
            durable=True,
            arguments={"x-message-ttl": 100, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "home"},
        )
        channel.basic_publish("", "home.delay", b"x", pika.BasicProperties(headers={"a": 1}), mandatory=True)
        method, properties, body = next(channel.consume("home", inactivity_timeout=30))
        channel.basic_ack(method.delivery_tag)
        channel.cancel()
        connection.close()
        death = properties.headers["x-death"][0]
        return (
            body,
            method.redelivered,
            properties.headers["a"],
            sorted(name for name in properties.headers),
            {name: value for name, value in death.items() if name != "time"},
        )

    assert same(both, script)[4]["reason"] == "expired"


def test_unroutable_and_refused_publications(both):
    def script(port):
        connection = connect(port)
        channel = connection.channel()
        channel.confirm_delivery()
        seen = []
        try:
            channel.basic_publish("", "nowhere.at.all", b"x", mandatory=True)
        except pika.exceptions.UnroutableError as error:
            seen.append((error.messages[0].method.reply_code, error.messages[0].method.reply_text))
        channel.basic_publish("", "nowhere.at.all", b"x")
        channel.queue_declare("full", durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
        for _ in range(3):
            try:
                channel.basic_publish("", "full", b"x", mandatory=True)
                seen.append("taken")
            except pika.exceptions.NackError:
                seen.append("nacked")
        connection.close()
        return seen

    assert same(both, script)[0] == (312, "NO_ROUTE")


def test_an_auto_delete_queue_and_a_deleted_one(both):
    def script(port):
        connection = connect(port)
        channel = connection.channel()
        channel.queue_declare("brief", durable=True, auto_delete=True)
        tag = channel.basic_consume("brief", lambda *_: None)
        channel.basic_cancel(tag)
        seen = [refused(lambda: connection.channel().queue_declare("brief", passive=True))]
        cancelled = []
        channel.queue_declare("gone", durable=True)
        channel.add_on_cancel_callback(lambda frame: cancelled.append(True))
        channel.basic_consume("gone", lambda *_: None)
        connection.channel().queue_delete("gone")
        deadline = time.monotonic() + DEADLINE_S
        while not cancelled and time.monotonic() < deadline:
            connection.process_data_events(0.1)
        connection.close()
        return seen, cancelled

    assert same(both, script)[1] == [True]


def test_a_host_works_with_the_scripted_broker(make_service):
    with ScriptedBroker(queues=[{"name": "ledger", "messages": [json.dumps({"id": id}) for id in "123"]}]) as broker:
        service = make_service(MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT=broker.port)
        with service.start() as host:
            broker.wait(lambda seen: len(seen["settled"]) == 3)
            assert host.terminate() == 0, host.log()
        assert sorted(service.ids()) == ["1", "2", "3"]
        assert broker.ready("ledger") == 0


def test_a_job_beyond_the_consumer_timeout_is_not_run_for_ever(make_service):
    job = json.dumps({"id": "slow", "do": "sleep:1500"})
    with ScriptedBroker(consumer_timeout_ms=400, queues=[{"name": "ledger", "messages": [job]}]) as broker:
        service = make_service(
            MESSAGING_TYPE="RabbitMqConnection",
            RABBITMQ_HOST="127.0.0.1",
            RABBITMQ_PORT=broker.port,
            MAX_ATTEMPTS=2,
        )
        with service.start() as host:
            # Its verdict is carried out when it returns, or it is a dead letter after its attempts.
            broker.wait(lambda seen: any(each["ack"] for each in seen["settled"]))
            assert host.terminate() == 0, host.log()
        assert broker.ready("ledger") == 0
        assert 1 <= len(service.ids("begin")) <= 2


def test_a_dead_letter_has_the_name_that_the_log_gave_its_message(make_service):
    bad = [{"body": json.dumps({"id": id, "do": "permanent"}), "id": f"order-{id}"} for id in "78"]
    with ScriptedBroker(queues=[{"name": "ledger", "messages": bad}]) as broker:
        service = make_service(MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT=broker.port)
        with service.start() as host:
            host.wait_for(r"Message order-7 goes to the dead letters(.|\n)*Message order-8 goes to the dead letters")
            broker.wait(lambda seen: len(seen["settled"]) == 2)
            assert host.terminate() == 0, host.log()

        listed = service.run("dead-letters", "list", "--json")
        own = {letter["message"]: letter["id"] for letter in json.loads(listed.stdout)}
        assert set(own) == {"order-7", "order-8"} and own["order-7"] != "order-7"
        unknown = service.run("dead-letters", "requeue", "order-7", "order-9")
        assert unknown.returncode == 64
        assert unknown.stdout == "1 requeued\n"
        assert "no dead letter is called order-9" in unknown.stderr
        assert service.run("dead-letters", "delete", "--yes", own["order-8"]).stdout == "1 deleted\n"
        assert broker.ready("ledger") == 1 and broker.ready("ledger.dead-letter") == 0
