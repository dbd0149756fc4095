# SPDX-License-Identifier: MIT
"""`Logger().get_logger()`, as services of the original write it: the root logger."""

from __future__ import annotations

import logging

from . import logs


class Logger:
    """Gives out the root logger. Under svchost it is set up already; elsewhere the first `Logger()` gives it the original's format."""

    def __init__(self) -> None:
        logs.install_without_host()
        self.logger = logging.getLogger()

    def get_logger(self) -> logging.Logger:
        """The root logger."""
        return self.logger
