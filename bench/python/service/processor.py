# SPDX-License-Identifier: MIT
"""A processor that only counts."""

from meter import Meter
from rococo.messaging import BaseServiceProcessor


class BenchServiceProcessor(BaseServiceProcessor):
    def __init__(self):
        super().__init__()
        self._note = Meter().note

    def process(self, message):
        self._note()
