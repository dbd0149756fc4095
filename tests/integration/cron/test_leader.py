# SPDX-License-Identifier: MIT
"""One of two replicas runs the schedule, over the embedded queue's file and over RabbitMQ.

CRON_LEADER_SECONDS says how long the test of a killed leader takes (20).
"""

import collections
import contextlib
import os
import re
import signal
import time

import pika
import pytest
from support.host import wait_until
from support.rabbitmq_node import RabbitMqNode

SECOND = 1_000_000
DURATION_S = float(os.environ.get("CRON_LEADER_SECONDS", "20"))
# What a busy machine may need to start a run, beyond what is promised.
TOLERANCE_S = 4
TAKEOVER_AFTER_DEATH_S = 1
QUEUE = "svchost.leader.nightly"


@pytest.fixture(scope="module")
def node():
    with RabbitMqNode() as running:
        yield running


@pytest.fixture
def connection(node):
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    yield connection
    if connection.is_open:
        connection.close()


@pytest.fixture
def channel(connection):
    channel = connection.channel()
    channel.queue_delete(QUEUE)
    return channel


@pytest.fixture
def make_replicas(make_cron, node):
    def make(kind, **settings):
        defaults = {
            "CRON_TIME_AMOUNT": 1,
            "CRON_TIME_UNIT": "SECONDS",
            "CRON_LEADER": kind,
            "CRON_LEADER_NAME": "nightly",
            # Late runs wait for each other instead of being left out.
            "CRON_OVERLAP": "queue-all",
            "CRON_MISFIRE_GRACE": "1m",
            "SQLITE_PATH": "queue.db",
            "RABBITMQ_HOST": "127.0.0.1",
            "RABBITMQ_PORT": node.port,
        }
        return make_cron(kind, **{**defaults, **settings})

    return make


class Pair:
    """Two replicas, which one leads, and what they did."""

    def __init__(self, service, stack):
        self.service = service
        self.hosts = [stack.enter_context(service.start()) for _ in range(2)]
        wait_until(lambda: len(service.lines()) >= 2)
        leader = service.lines()[-1].pid
        self.leader = next(host for host in self.hosts if host.pid == leader)
        self.follower = next(host for host in self.hosts if host.pid != leader)

    def runs_of(self, host):
        return [line for line in self.service.lines() if line.pid == host.pid]

    def check(self, most_missed):
        """No due time twice; how many between the first and the last have no run."""
        dues = self.service.dues()
        assert [due for due, times in collections.Counter(dues).items() if times > 1] == [], "no run twice"
        assert dues == sorted(dues)
        assert all((due - dues[0]) % SECOND == 0 for due in dues), "the next leader keeps the phase"
        missed = (dues[-1] - dues[0]) // SECOND + 1 - len(dues)
        assert missed <= most_missed, f"{missed} missed: {dues}"
        return missed


def test_the_leader_is_killed_halfway(make_replicas, channel):
    with contextlib.ExitStack() as stack:
        pairs = {kind: Pair(make_replicas(kind), stack) for kind in ("sqlite", "rabbitmq")}
        time.sleep(DURATION_S / 2)
        killed_at = {}
        for kind, pair in pairs.items():
            assert pair.runs_of(pair.follower) == [], "one of them runs the schedule"
            killed_at[kind] = time.time() * SECOND
            pair.leader.kill()
        time.sleep(DURATION_S / 2)
        for pair in pairs.values():
            wait_until(lambda: len(pair.runs_of(pair.follower)) >= 2)
            assert pair.follower.terminate() == 0

    for kind, pair in pairs.items():
        missed = pair.check(most_missed=1)
        leads_at = re.search(r"^(\S+ \S+).*This replica leads now", pair.follower.log(), re.MULTILINE)
        first = pair.runs_of(pair.follower)[0]
        after_s = (first.now - killed_at[kind]) / SECOND
        print(f"{kind}: {len(pair.service.dues())} runs, {missed} missed, the next one {after_s:.2f} s after the kill")
        assert leads_at
        assert after_s < TAKEOVER_AFTER_DEATH_S + 1 + TOLERANCE_S


def test_a_leader_that_is_stopped_is_succeeded_and_runs_nothing_when_it_wakes(make_replicas, channel):
    takeover_s = {"sqlite": 6, "rabbitmq": 7.5}
    with contextlib.ExitStack() as stack:
        pairs = {kind: Pair(make_replicas(kind), stack) for kind in takeover_s}
        stopped_at = time.monotonic()
        for pair in pairs.values():
            pair.leader.process.send_signal(signal.SIGSTOP)
        for kind, pair in pairs.items():
            wait_until(
                lambda: pair.runs_of(pair.follower),
                stopped_at + takeover_s[kind] + TOLERANCE_S - time.monotonic(),
                lambda: f"the other one leads ({kind})",
            )
        woken = {kind: len(pair.runs_of(pair.leader)) for kind, pair in pairs.items()}
        for pair in pairs.values():
            pair.leader.process.send_signal(signal.SIGCONT)
            pair.leader.wait_for("does not lead any more")
        for kind, pair in pairs.items():
            wait_until(lambda: len(pair.runs_of(pair.follower)) >= 3)
            assert len(pair.runs_of(pair.leader)) == woken[kind], kind
            # Handed over without waiting for a heartbeat or a lease.
            assert pair.follower.terminate() == 0
            wait_until(lambda: len(pair.runs_of(pair.leader)) > woken[kind], TAKEOVER_AFTER_DEATH_S + 1 + TOLERANCE_S)
            assert pair.leader.terminate() == 0
    for pair in pairs.values():
        pair.check(most_missed=1)


def tokens(channel):
    """What is in the queue; every message goes back."""
    bodies = []
    while True:
        method, _, body = channel.basic_get(QUEUE)
        if method is None:
            channel.basic_nack(0, multiple=True, requeue=True)
            return bodies
        bodies.append(int(body))


def test_the_token_is_the_latest_claim(make_replicas, channel):
    service = make_replicas("rabbitmq")
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 2)
        assert host.terminate() == 0
    assert tokens(channel) == [service.dues()[-1]]


def test_a_token_that_is_held_for_long_is_renewed_before_the_broker_loses_patience(make_replicas, channel):
    service = make_replicas("rabbitmq", CRON_TIME_AMOUNT=3, RABBITMQ_CONSUMER_TIMEOUT="1s")
    with service.start() as host:
        # Given back and taken again five times between two runs.
        wait_until(lambda: len(service.lines()) >= 2)
        assert host.terminate() == 0
        assert "does not lead" not in host.log()
    assert service.dues()[1] - service.dues()[0] == 3 * SECOND
    assert tokens(channel) == [service.dues()[-1]]


def test_of_two_tokens_the_later_counts(make_replicas, channel):
    # As a crash leaves them between publishing one and acknowledging the other.
    service = make_replicas("rabbitmq")
    last = int(time.time()) * SECOND
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "classic"})
    channel.confirm_delivery()
    for claim in (last - SECOND, last):
        channel.basic_publish("", QUEUE, str(claim), pika.BasicProperties(delivery_mode=2))
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 2)
        assert host.terminate() == 0
    assert service.dues()[0] == last + SECOND, "it goes on after the later claim"
    assert tokens(channel) == [service.dues()[-1]]


def test_a_queue_that_holds_something_else_is_refused(make_replicas, channel):
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "classic"})
    channel.basic_publish("", QUEUE, "an order")
    ended = make_replicas("rabbitmq").run(timeout=60)
    assert ended.returncode == 78
    assert QUEUE in ended.stdout + ended.stderr


def test_a_broker_that_goes_away_is_waited_for(make_replicas, channel, node):
    service = make_replicas("rabbitmq", CRON_MISFIRE_GRACE="10m")
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 2)
        channel.connection.close()
        node.kill()
        host.wait_for("does not lead any more")
        without = len(service.lines())
        time.sleep(1.5)
        assert len(service.lines()) == without, "nothing runs without a claim"
        node.start()
        wait_until(lambda: len(service.lines()) >= without + 3, 60)
        assert host.terminate() == 0
        assert host.log().count("Cannot reach RabbitMQ") == 1, "told once, not at every try"
    dues = service.dues()
    assert len(set(dues)) == len(dues)
    assert {b - a for a, b in zip(dues, dues[1:])} == {SECOND}
