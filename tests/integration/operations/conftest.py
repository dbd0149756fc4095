# SPDX-License-Identifier: MIT
import json

import pytest
from support.admin import Admin
from support.ports import free_port


@pytest.fixture
def admin():
    """A client of the admin server of the test's host."""
    return Admin(free_port())


@pytest.fixture
def watched(make_service, admin):
    """Makes ledger services on the embedded queue whose hosts are watched by `admin`."""

    def make(**settings):
        return make_service(**{"ADMIN_PORT": admin.port, "METRICS_QUEUE_INTERVAL": "100ms", **settings})

    return make


@pytest.fixture
def bodies():
    """Makes bodies of messages with these ids, which do what is asked."""

    def make(count, prefix="m", **orders):
        return [json.dumps({"id": f"{prefix}{number}", **orders}) for number in range(count)]

    return make
