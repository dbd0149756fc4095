# SPDX-License-Identifier: MIT
"""A service in Python on RabbitMQ, and what breaks: its processes, the broker, the connection, the time."""

import json
import re
import threading

import pika
import pytest
from python_orders import ORDERS
from support.host import wait_until
from support.rabbitmq_node import RabbitMqNode
from support.tcp_proxy import TcpProxy


class Broker:
    """A node and a proxy before it, of a module's own: it may be stopped, and connections may be cut."""

    def __init__(self):
        self.node = RabbitMqNode().start()
        self.proxy = TcpProxy(self.node.port)

    def publish(self, queue, messages, **declaration):
        connection = pika.BlockingConnection(pika.URLParameters(self.node.url))
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True, **declaration)
        for message in messages:
            channel.basic_publish("", queue, json.dumps(message), pika.BasicProperties(delivery_mode=2), mandatory=True)
        connection.close()

    def ready(self, queue):
        """How many messages wait in the queue and are with no consumer."""
        connection = pika.BlockingConnection(pika.URLParameters(self.node.url))
        count = connection.channel().queue_declare(queue, passive=True).method.message_count
        connection.close()
        return count

    def dead_letters(self, queue):
        connection = pika.BlockingConnection(pika.URLParameters(self.node.url))
        channel, found = connection.channel(), []
        while (got := channel.basic_get(f"{queue}.dead-letter"))[0] is not None:
            found.append((json.loads(got[2])["id"], got[1].headers))
        connection.close()
        return found

    def close(self):
        self.proxy.close()
        self.node.close()


@pytest.fixture(scope="module")
def broker():
    broker = Broker()
    yield broker
    broker.close()


@pytest.fixture
def queue(request):
    return request.node.name


@pytest.fixture
def make(make_python_service, broker):
    def make(**settings):
        return make_python_service(ORDERS, **{"RABBITMQ_PORT": broker.proxy.port, "RABBITMQ_HEARTBEAT": "5s", **settings})

    return make


def finish(service, **more):
    ended = service.run(EXIT_WHEN_FINISHED=1, **more)
    assert ended.returncode == 0, ended.stderr
    return ended.stderr


def numbers(ids):
    return sorted(map(int, ids))


def attempts(service):
    return {attempt for _, attempt, *_ in service.ledger("begin")}


@pytest.mark.parametrize("how, words", [("crash", "crashed: SIGSEGV"), ("leave", "exit code 3"), ("hang", "timed out after 2 s")])
def test_the_end_of_a_process_in_a_window_is_charged_to_one_message(make, broker, queue, how, words):
    messages = [{"id": n} for n in range(2_000)]
    messages[1_000]["do"] = how
    broker.publish(queue, messages)
    service = make(MAX_ATTEMPTS=1, PROCESS_TIMEOUT="2s")
    log = finish(service)
    assert numbers(service.ids("begin")) == list(range(2_000)), "each was begun, and none twice"
    assert numbers(service.ids()) == [n for n in range(2_000) if n != 1_000]
    assert len({pid for _, _, pid, _ in service.ledger()}) == 2
    [(id, headers)] = broker.dead_letters(queue)
    assert id == 1_000 and words in headers["x-rococo-error"]
    assert words in log


def test_a_crash_that_comes_again_costs_its_attempts_and_others_none(make, broker, queue):
    messages = [{"id": n} for n in range(600)]
    messages[300]["do"] = "crash"
    broker.publish(queue, messages)
    service = make(MAX_ATTEMPTS=3, RETRY_DELAY="100ms")
    finish(service)
    assert [attempt for id, attempt, *_ in service.ledger("begin") if id == "300"] == [1, 2, 3]
    assert {attempt for id, attempt, *_ in service.ledger("begin") if id != "300"} == {1}
    assert numbers(service.ids()) == [n for n in range(600) if n != 300]


def test_four_workers_take_over_what_waits_behind_a_slow_message(make, broker, queue):
    messages = [{"id": n} for n in range(3_000)]
    messages[1_500].update(do="sleep", s=3)
    broker.publish(queue, messages)
    service = make(RABBITMQ_NUM_THREADS=4)
    finish(service)
    assert numbers(service.ids("begin")) == list(range(3_000))
    ends = {int(id): at for id, *_, at in service.ledger()}
    assert max(at for id, at in ends.items() if id != 1_500) < ends[1_500], "nobody waited for it"


def test_a_drain_in_the_middle_of_windows_charges_nobody_and_doubles_nothing(make, broker, queue):
    count = 30_000
    broker.publish(queue, ({"id": n} for n in range(count)))
    service = make()
    while len(service.ids()) < count:
        before = len(service.ids())
        with service.start() as host:
            wait_until(lambda: len(service.ids()) > min(before + 2_000, count - 1), what=host.log)
            assert host.terminate() == 0, host.log()
        assert service.ids("begin") == service.ids(), "what was begun was ended"
    assert numbers(service.ids()) == list(range(count)), "none twice, none missing"
    assert attempts(service) == {1}


def test_a_drain_beside_a_slow_message_returns_what_waits(make, broker, queue, tmp_path):
    go_on = tmp_path / "go-on"
    messages = [{"id": n} for n in range(700)]
    messages[500].update(do="until", file=str(go_on))
    broker.publish(queue, messages)
    service = make()
    with service.start() as host:
        wait_until(lambda: "500" in service.ids("begin"), what=host.log)
        stopper = threading.Thread(target=lambda: codes.append(host.terminate()))
        codes = []
        stopper.start()
        # Not the word in the log: between it and the process's answer, the next message might still be begun.
        wait_until(lambda: broker.ready(queue) == 199, what=host.log)
        go_on.touch()
        stopper.join()
        assert codes == [0], host.log()
    assert numbers(service.ids()) == list(range(501))
    finish(service)
    assert numbers(service.ids("begin")) == list(range(700)) and attempts(service) == {1}


def test_the_end_of_drain_timeout_kills_and_charges_nobody(make, broker, queue):
    broker.publish(queue, [{"id": 1, "do": "hang"}, *({"id": n} for n in range(2, 100))])
    service = make(DRAIN_TIMEOUT="2s", MAX_ATTEMPTS=2)
    for _ in range(3):
        with service.start() as host:
            begun = len(service.ids("begin"))
            wait_until(lambda: len(service.ids("begin")) > begun, what=host.log)
            assert host.terminate() == 75, host.log()
    assert {attempt for id, attempt, *_ in service.ledger("begin") if id == "1"} == {1}
    finish(service, PROCESS_TIMEOUT="1s")
    assert [id for id, _ in broker.dead_letters(queue)] == [1]
    assert numbers(service.ids()) == list(range(2, 100)), "the others once"


def break_in_the_middle(service, host, count, break_it, times):
    """Breaks something every few hundred messages, and waits for the end."""
    for number in range(1, times + 1):
        wait_until(lambda: len(set(service.ids())) > number * count // (times + 2), what=host.log)
        break_it()
    wait_until(lambda: len(set(service.ids())) == count, what=host.log)
    assert host.terminate() == 0, host.log()


def test_a_broker_that_starts_again_in_mid_window_loses_nothing(make, broker, queue):
    count = 3_000
    broker.publish(queue, ({"id": n, "do": "sleep", "s": 0.001} for n in range(count)))
    service = make(NUM_THREADS=2, PREFETCH=300)

    def restart():
        broker.node.stop()
        broker.node.start()

    with service.start() as host:
        break_in_the_middle(service, host, count, restart, 2)
    assert len(service.ids()) - count <= 2 * 300, "doubled only what was in hand"
    assert attempts(service) == {1}


def test_a_connection_that_is_cut_in_mid_window_loses_nothing(make, broker, queue):
    count = 5_000
    broker.publish(queue, ({"id": n, "do": "sleep", "s": 0.001} for n in range(count)))
    service = make(NUM_THREADS=2, PREFETCH=300)
    with service.start() as host:
        break_in_the_middle(service, host, count, broker.proxy.reset, 6)
    assert len(service.ids()) - count <= 6 * 300, "doubled only what was in hand"
    assert attempts(service) == {1}
    assert len(re.findall("Consuming", host.log())) > 3


def test_a_quorum_queue_with_a_delivery_limit_loses_nothing_to_returns(make, broker, queue):
    broker.node.ctl("set_policy", "limit", f"^{queue}$", '{"delivery-limit":3}', "--apply-to", "queues")
    count = 1_200
    # Slow ones between: what is behind them is retracted, and each stop returns what is fetched.
    broker.publish(queue, ({"id": n, **({"do": "sleep", "s": 0.3} if n % 100 == 50 else {})} for n in range(count)),
                   arguments={"x-queue-type": "quorum"})
    service = make(RABBITMQ_NUM_THREADS=4, RABBITMQ_QUEUE_TYPE="quorum", PREFETCH=200)
    for _ in range(8):
        if len(service.ids()) == count:
            break
        before = len(service.ids())
        with service.start() as host:
            wait_until(lambda: len(service.ids()) > min(before + 20, count - 1), what=host.log)
            assert host.terminate() == 0, host.log()
    finish(service)
    assert numbers(service.ids()) == list(range(count)), "none dropped at the limit, none twice"
    assert attempts(service) == {1}
    assert broker.dead_letters(queue) == []
