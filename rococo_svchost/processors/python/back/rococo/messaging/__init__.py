# SPDX-License-Identifier: MIT
"""Base class and connections, as `from rococo.messaging import …` expects them."""

from .base import BaseServiceProcessor, MessageAdapter
from .rabbitmq import RabbitMqConnection
from .sqs import SqsConnection

__all__ = ["BaseServiceProcessor", "MessageAdapter", "RabbitMqConnection", "SqsConnection"]
