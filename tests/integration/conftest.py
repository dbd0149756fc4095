# SPDX-License-Identifier: MIT
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# Hosts are as their users start them, also where the tests were started by nohup.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

from support.host import ServiceFolder  # noqa: E402


@pytest.fixture
def service(tmp_path):
    """A ledger service on the embedded queue, in a folder of its own."""
    return ServiceFolder(tmp_path / "service")


@pytest.fixture
def make_service(tmp_path):
    """Makes such services with settings of the test's choice."""

    def make(name="service", **settings):
        return ServiceFolder(tmp_path / name, **settings)

    return make
