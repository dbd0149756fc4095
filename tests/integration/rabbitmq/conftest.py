# SPDX-License-Identifier: MIT
import pika
import pytest
from support.python_service import PythonFolder
from support.rabbitmq_node import RabbitMqNode


@pytest.fixture(scope="session")
def node():
    """A RabbitMQ node that all tests here share."""
    with RabbitMqNode() as running:
        yield running


@pytest.fixture
def channel(node):
    """A channel of pika, the independent client, with confirms."""
    connection = pika.BlockingConnection(pika.URLParameters(node.url))
    channel = connection.channel()
    channel.confirm_delivery()
    yield channel
    connection.close()


@pytest.fixture
def make_rabbitmq_service(make_service, node, request):
    """Makes ledger services that consume a queue of the test's own, named like the test."""

    def make(name="service", **settings):
        return make_service(
            name,
            **{
                "MESSAGING_TYPE": "RabbitMqConnection",
                "RABBITMQ_HOST": "127.0.0.1",
                "RABBITMQ_PORT": node.port,
                "LedgerServiceProcessor_QUEUE_NAME": request.node.name,
                **settings,
            },
        )

    return make


@pytest.fixture
def make_python_service(tmp_path, node, request):
    """Makes services in Python that consume a queue of the test's own, named like the test."""

    def make(source, name="service", **settings):
        return PythonFolder(
            tmp_path / name,
            source,
            **{
                "MESSAGING_TYPE": "RabbitMqConnection",
                "RABBITMQ_HOST": "127.0.0.1",
                "RABBITMQ_PORT": node.port,
                "OrderServiceProcessor_QUEUE_NAME": request.node.name,
                **settings,
            },
        )

    return make
