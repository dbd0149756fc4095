# SPDX-License-Identifier: MIT
import glob
import os
import subprocess
import sys

import pytest
from fake_host import FakeHost, write_files

DEBIAN = "/usr/bin/python3"
VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]


def _found():
    """One interpreter for each version, by version: Debian's before pyenv's, which has those that Debian lacks."""
    found = {}
    for path in [DEBIAN, *sorted(glob.glob("/root/.pyenv/versions/3.*/bin/python3")), sys.executable]:
        if not os.access(path, os.X_OK):
            continue
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        version = subprocess.run([path, "-c", code], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        found.setdefault(version, path)
    return found


PYTHONS = _found()


def pytest_generate_tests(metafunc):
    if "python" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker
        everywhere = marked("all_pythons") and not marked("one_python")
        versions = VERSIONS if everywhere else ["%d.%d" % sys.version_info[:2]]
        metafunc.parametrize("python", versions, indirect=True)


@pytest.fixture
def python(request):
    """The interpreter that runs the service."""
    if request.param not in PYTHONS:
        pytest.skip(f"Python {request.param} is not here")
    return PYTHONS[request.param]


@pytest.fixture
def clean_env():
    """The environment without what would change how Python starts."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ROCOCO", "VIRTUAL_ENV", "PROCESSOR"))}


@pytest.fixture
def serve(tmp_path, python, clean_env):
    """Starts a service: its files, or the text of its processor.py, and what HELLO says of it. All end with the test."""
    hosts = []

    def start(files, env=None, folder=None, **hello):
        place = folder or tmp_path / "service"
        write_files(place, files if isinstance(files, dict) else {"processor.py": files})
        host = FakeHost(place, python=python, env={**clean_env, **(env or {})}, **hello)
        hosts.append(host)
        return host

    yield start
    for host in hosts:
        host.child.__exit__()
