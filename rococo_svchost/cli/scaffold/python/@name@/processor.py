import logging

from rococo.messaging import BaseServiceProcessor

logger = logging.getLogger(__name__)


class @Name@ServiceProcessor(BaseServiceProcessor):
    def process(self, message):
        # Returning acknowledges the message; raising tries it again, later.
        logger.info("Received message: %s", message)
