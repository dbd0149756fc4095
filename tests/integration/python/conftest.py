# SPDX-License-Identifier: MIT
import pytest
from support.python_service import PythonFolder


@pytest.fixture
def make_service(tmp_path):
    def make(source, **settings):
        return PythonFolder(tmp_path / "service", source, **settings)

    return make
