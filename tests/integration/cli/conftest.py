# SPDX-License-Identifier: MIT
import pytest
from support.stub_host import StubHost


@pytest.fixture
def state(service):
    """The folder in which commands look for hosts."""
    return service.path / ".svchost"


@pytest.fixture
def host(state):
    """A host that says what a test wants it to."""
    with StubHost(state) as one:
        yield one
