import logging

logger = logging.getLogger(__name__)


class @Name@ServiceProcessor:
    def process(self):
        # Returning ends the run; raising tries it again, later.
        logger.info("Running")
