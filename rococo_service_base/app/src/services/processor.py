# SPDX-License-Identifier: MIT
"""What the image runs until a service takes its place: it logs each message."""

import logging

from rococo.messaging import BaseServiceProcessor


class LoggingServiceProcessor(BaseServiceProcessor):
    def process(self, message):
        logging.info("Received message: %s", message)
