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
import pika.exceptions
import pytest
from support.host import wait_until
from support.rabbitmq_node import RabbitMqNode

SECOND = 1_000_000
DURATION_S = float(os.environ.get("CRON_LEADER_SECONDS", "20"))
# However busy the machine is; what it took is printed.
PATIENCE_S = 60
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
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
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
            wait_until(lambda: len(pair.runs_of(pair.follower)) >= 2, PATIENCE_S)
            assert pair.follower.terminate() == 0

    for kind, pair in pairs.items():
        missed = pair.check(most_missed=1)
        leads_at = re.search(r"^(\S+ \S+).*This replica leads now", pair.follower.log(), re.MULTILINE)
        first = pair.runs_of(pair.follower)[0]
        after_s = (first.now - killed_at[kind]) / SECOND
        print(f"{kind}: {len(pair.service.dues())} runs, {missed} missed, the next one {after_s:.2f} s after the kill")
        assert leads_at


def test_a_leader_that_is_stopped_is_succeeded_and_runs_nothing_when_it_wakes(make_replicas, channel):
    with contextlib.ExitStack() as stack:
        pairs = {kind: Pair(make_replicas(kind), stack) for kind in ("sqlite", "rabbitmq")}
        for pair in pairs.values():
            pair.leader.process.send_signal(signal.SIGSTOP)
        for kind, pair in pairs.items():
            wait_until(lambda: pair.runs_of(pair.follower), PATIENCE_S, lambda: f"the other one leads ({kind})")
        woken = {kind: len(pair.runs_of(pair.leader)) for kind, pair in pairs.items()}
        for pair in pairs.values():
            pair.leader.process.send_signal(signal.SIGCONT)
            pair.leader.wait_for("no longer leads")
        for kind, pair in pairs.items():
            wait_until(lambda: len(pair.runs_of(pair.follower)) >= 3, PATIENCE_S)
            assert len(pair.runs_of(pair.leader)) == woken[kind], kind
            # Handed over without waiting for a heartbeat or a lease.
            assert pair.follower.terminate() == 0
            wait_until(lambda: len(pair.runs_of(pair.leader)) > woken[kind], PATIENCE_S)
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
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
        assert host.terminate() == 0
    assert tokens(channel) == [service.dues()[-1]]


def test_a_token_that_is_held_for_long_is_renewed_before_the_broker_loses_patience(make_replicas, channel):
    service = make_replicas("rabbitmq", CRON_TIME_AMOUNT=3, RABBITMQ_CONSUMER_TIMEOUT="1s")
    with service.start() as host:
        # Given back and taken again five times between two runs.
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
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
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
        assert host.terminate() == 0
    assert service.dues()[0] == last + SECOND, "it goes on after the later claim"
    assert tokens(channel) == [service.dues()[-1]]


def test_a_queue_that_holds_something_else_is_refused(make_replicas, channel):
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "classic"})
    channel.basic_publish("", QUEUE, "an order")
    ended = make_replicas("rabbitmq").run(timeout=180)
    assert ended.returncode == 78
    assert QUEUE in ended.stdout + ended.stderr


def test_a_broker_that_goes_away_is_waited_for(make_replicas, channel, node):
    service = make_replicas("rabbitmq", CRON_MISFIRE_GRACE="10m")
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
        channel.connection.close()
        node.kill()
        away_since = time.monotonic()
        host.wait_for("no longer leads", PATIENCE_S)
        without = len(service.lines())
        time.sleep(1.5)
        assert len(service.lines()) == without, "nothing runs without a claim"
        node.start()
        wait_until(lambda: len(service.lines()) >= without + 3, 120)
        assert host.terminate() == 0
        waited_s = time.monotonic() - away_since
        assert 1 <= host.log().count("Cannot reach RabbitMQ") <= 1 + waited_s // 60, "once a minute, not at every try"
    dues = service.dues()
    assert len(set(dues)) == len(dues)
    assert {b - a for a, b in zip(dues, dues[1:])} == {SECOND}


def test_a_draining_leader_leads_until_its_run_has_ended(make_replicas, channel):
    """Longer than a lease and than the broker's patience: nobody begins a run beside it."""
    with contextlib.ExitStack() as stack:
        services = {kind: make_replicas(kind, CRON_DO="sleep:9000", DRAIN_TIMEOUT="5m") for kind in ("sqlite", "rabbitmq")}
        hosts = {kind: [stack.enter_context(service.start()) for _ in range(2)] for kind, service in services.items()}
        leaders = {}
        for kind, service in services.items():
            wait_until(service.lines, PATIENCE_S)
            leaders[kind] = next(host for host in hosts[kind] if host.pid == service.lines()[0].pid)
            leaders[kind].process.send_signal(signal.SIGTERM)
        for kind, service in services.items():
            assert leaders[kind].wait() == 0, leaders[kind].log()
            wait_until(lambda: [line for line in service.lines() if line.pid != leaders[kind].pid], PATIENCE_S)
    for kind, service in services.items():
        ended = service.lines("end")[0]
        assert ended.pid == leaders[kind].pid
        other = next(line for line in service.lines() if line.pid != leaders[kind].pid)
        assert other.now >= ended.now, f"{kind}: two runs at once"


def lacking(node, configure=".*", write=".*", read=".*"):
    """A user who may do so much; its settings."""
    if "nightly" not in node.ctl("list_users"):
        node.ctl("add_user", "nightly", "secret")
    node.ctl("set_permissions", "nightly", configure, write, read)
    return {"RABBITMQ_USER": "nightly", "RABBITMQ_PASSWORD": "secret"}


@pytest.mark.parametrize("right", ["configure", "write", "read"])
def test_a_right_that_is_missing_is_told_at_the_start(make_replicas, channel, node, right):
    channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "classic"})
    service = make_replicas("rabbitmq", **lacking(node, **{right: "^$"}))
    for arguments in (("check",), ()):
        ended = service.run(*arguments, timeout=PATIENCE_S)
        assert ended.returncode == 78, ended.stderr
        told = [line for line in ended.stderr.splitlines() if "[CRITICAL]" in line]
        assert len(told) == 1 and "ACCESS_REFUSED" in told[0], told
        assert QUEUE in told[0]
    assert service.lines() == []


def test_a_right_that_is_taken_away_ends_no_host_and_fills_no_log(make_replicas, channel, node):
    service = make_replicas("rabbitmq", CRON_MISFIRE_GRACE="10m", **lacking(node))
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
        lacking(node, write="^$")
        # A channel remembers what it was allowed.
        channel.connection.close()
        node.ctl("close_all_connections", "by the test")
        host.wait_for("no longer leads", PATIENCE_S)
        host.wait_for("ACCESS_REFUSED", PATIENCE_S)
        without = len(service.lines())
        time.sleep(10)
        assert host.process.poll() is None, host.log()
        assert len(service.lines()) == without, "nothing runs without a claim"
        assert len(re.findall("ACCESS_REFUSED", host.log())) <= 3, host.log()
        lacking(node)
        wait_until(lambda: len(service.lines()) >= without + 3, 120, host.log)
        assert host.terminate() == 0
    dues = service.dues()
    assert {b - a for a, b in zip(dues, dues[1:])} == {SECOND}, "none twice, none missed"


def test_a_queue_that_is_deleted_is_made_anew_and_nothing_runs_twice(make_replicas, channel):
    with contextlib.ExitStack() as stack:
        pair = Pair(make_replicas("rabbitmq", CRON_MISFIRE_GRACE="10m"), stack)
        pair.follower.kill()  # Alone, so that only its own memory of the position counts.
        channel.queue_delete(QUEUE)
        pair.leader.wait_for("no longer leads", PATIENCE_S)
        before = len(pair.service.lines())
        wait_until(lambda: len(pair.service.lines()) >= before + 3, PATIENCE_S)
        assert pair.leader.terminate() == 0
    pair.check(most_missed=0)


def test_a_check_makes_no_queue_and_takes_no_token(make_replicas, channel, connection):
    service = make_replicas("rabbitmq")
    assert service.run("check").returncode == 0
    probe = connection.channel()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        probe.queue_declare(QUEUE, passive=True)
    with service.start() as host:
        wait_until(lambda: len(service.lines()) >= 2, PATIENCE_S)
        for _ in range(3):
            checked = service.run("check")
            assert checked.returncode == 0, checked.stderr
        assert host.terminate() == 0
        assert "does not lead" not in host.log()
    assert tokens(channel) == [service.dues()[-1]]
    assert service.run("check").returncode == 0
    assert tokens(channel) == [service.dues()[-1]]
