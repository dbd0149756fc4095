# SPDX-License-Identifier: MIT
"""Hosts on RabbitMQ that are watched and steered: what probes, numbers and actions do when the broker goes and comes."""

import json

import pytest
from support.admin import Admin
from support.host import wait_until
from support.ports import free_port
from support.tcp_proxy import TcpProxy


@pytest.fixture
def admin():
    return Admin(free_port())


@pytest.fixture
def proxy(node):
    proxy = TcpProxy(node.port)
    yield proxy
    proxy.close()


def publish(channel, queue, bodies):
    for body in bodies:
        channel.basic_publish("", queue, json.dumps(body))


def test_a_broker_that_is_away_makes_a_host_unready_and_never_dead(make_rabbitmq_service, admin, proxy, channel, request):
    queue = request.node.name
    service = make_rabbitmq_service(RABBITMQ_PORT=proxy.port, ADMIN_PORT=admin.port, METRICS_QUEUE_INTERVAL="200ms")
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        publish(channel, queue, [{"id": f"before{number}"} for number in range(100)])
        wait_until(lambda: len(set(service.ids())) == 100)

        proxy.refuse()
        proxy.reset()
        admin.wait_for("/readyz", 503)
        assert admin.probe("/livez") == 200 and admin.probe("/startupz") == 200
        assert "connection" in admin.request("GET", "/readyz")[1]
        publish(channel, queue, [{"id": f"away{number}"} for number in range(100)])
        wait_until(lambda: admin.get("status")["queue"]["depth"] is None, what=lambda: "a depth that nobody knows is none")

        proxy.accept()
        admin.wait_for("/readyz", 200)
        wait_until(lambda: len(set(service.ids())) == 200)
        assert admin.metrics()[f'rococo_reconnects_total{{queue="{queue}"}}'] >= 1
        assert host.terminate() == 0


def test_a_paused_host_leaves_the_queue_to_others(make_rabbitmq_service, admin, channel, request):
    queue = request.node.name
    paused = make_rabbitmq_service("paused", ADMIN_PORT=admin.port, METRICS_QUEUE_INTERVAL="200ms")
    other = make_rabbitmq_service("other")
    with paused.start() as host:
        admin.wait_for("/readyz", 200)
        admin.post("pause", {"reason": "a test"})
        wait_until(lambda: admin.get("status")["queue"]["connection"]["state"] == "paused")
        publish(channel, queue, [{"id": f"m{number}"} for number in range(500)])
        wait_until(lambda: admin.get("status")["queue"]["depth"]["ready"] == 500)
        assert not paused.ids("begin")
        with other.start() as second:
            wait_until(lambda: len(other.ids()) == 500)
            assert second.terminate() == 0
        admin.post("resume")
        publish(channel, queue, [{"id": "last"}])
        wait_until(lambda: paused.ids() == ["last"])
        assert host.terminate() == 0


def test_dead_letters_of_rabbitmq_come_back_by_way_of_the_host(make_rabbitmq_service, admin, channel, request):
    service = make_rabbitmq_service(ADMIN_PORT=admin.port, MAX_ATTEMPTS=1, METRICS_QUEUE_INTERVAL="200ms")
    with service.start() as host:
        admin.wait_for("/readyz", 200)
        publish(channel, request.node.name, [{"id": f"bad{number}", "do": "permanent"} for number in range(4)])
        wait_until(lambda: admin.settled().get(("dead_letter", "permanent")) == 4)
        wait_until(lambda: (admin.get("status")["queue"]["depth"] or {}).get("dead_letters") == 4)
        letters = admin.get("dead-letters")["items"]
        assert admin.post("dead-letters/requeue", {"ids": [letters[0]["id"]]}) == {"requeued": 1}
        wait_until(lambda: admin.settled().get(("dead_letter", "permanent")) == 5)
        admin.post(f"dead-letters/{letters[1]['id']}/edit", {"body": '{"id": "mended"}'})
        wait_until(lambda: "mended" in service.ids())
        wait_until(lambda: admin.get("dead-letters?refresh=1")["count"] == 3)
        assert host.terminate() == 0
