# SPDX-License-Identifier: MIT
import textwrap

import pytest
from support.host import ServiceFolder

# What each service writes for its test: an event, the message's number, the process.
LEDGER = """
import json, os, time
def note(event, number):
    with open(os.environ["LEDGER_LOG"], "a") as ledger:
        ledger.write(f"{event} {number} 1 {os.getpid()} {int(time.time() * 1e6):016}\\n")
"""


class PythonFolder(ServiceFolder):
    """A folder with a service in Python, as `svchost` finds it."""

    def __init__(self, path, source, **settings):
        settings = {"PROCESSOR_PYTHON": "/usr/bin/python3", "OrderServiceProcessor_QUEUE_NAME": "orders", **settings}
        super().__init__(path, library=None, **settings)
        (self.path / "ledger.py").write_text(LEDGER)
        (self.path / "processor.py").write_text(textwrap.dedent(source))


@pytest.fixture
def make_service(tmp_path):
    def make(source, **settings):
        return PythonFolder(tmp_path / "service", source, **settings)

    return make
