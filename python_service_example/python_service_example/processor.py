# SPDX-License-Identifier: MIT
import logging

from rococo.messaging import BaseServiceProcessor

logger = logging.getLogger(__name__)


class PythonLoggingServiceProcessor(BaseServiceProcessor):
    """Logs each message that it receives."""

    def process(self, message):
        logger.info("Received message: %s", message)
