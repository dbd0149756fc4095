# SPDX-License-Identifier: MIT
"""A short part of `./dev soak-python`: restarts, many messages, large bodies, bad neighbours."""

from support import python_endurance
from support.python_service import send_by_pika
from support.rabbitmq_node import RabbitMqNode


def holds(findings, measured):
    print(measured)
    assert not findings, "\n".join([*findings, measured])


def test_restarts_leave_no_zombies_and_no_descriptors(tmp_path):
    holds(*python_endurance.restarts(tmp_path / "service", 100))


def test_memory_stays_flat_over_many_messages(tmp_path):
    holds(*python_endurance.many_messages(tmp_path / "service", 60_000))


def test_large_bodies_of_the_embedded_queue(tmp_path):
    holds(*python_endurance.large_bodies(tmp_path / "service", 50_000_000))


def test_on_rabbitmq_large_bodies_and_bad_neighbours(tmp_path):
    with RabbitMqNode() as node, send_by_pika(node, "orders") as send:
        settings = {"MESSAGING_TYPE": "RabbitMqConnection", "RABBITMQ_URL": node.url}
        holds(*python_endurance.large_bodies(tmp_path / "bodies", 50_000_000, send, settings))
        # How long they wait is the affair of `./dev soak-python`: here, that they do not wait for ever.
        holds(*python_endurance.neighbours(tmp_path / "neighbours", 10, send, settings, most_ms=10_000))
