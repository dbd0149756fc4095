# SPDX-License-Identifier: MIT
"""`from logger import Logger`, as services of the original 0.1.x write it."""

from rococo_svchost.logger import Logger

__all__ = ["Logger"]
