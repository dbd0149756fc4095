# SPDX-License-Identifier: MIT
"""`from logger import Logger`, as services write it."""

import sys

sys.path.insert(0, "/usr/share/rococo/python/front")

from rococo_svchost.logger import Logger  # noqa: E402

__all__ = ["Logger"]
