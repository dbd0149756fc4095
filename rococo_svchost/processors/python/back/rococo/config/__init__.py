# SPDX-License-Identifier: MIT
"""`from rococo.config import BaseConfig`."""

from .config import BaseConfig

__all__ = ["BaseConfig"]
