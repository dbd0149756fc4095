# SPDX-License-Identifier: MIT
"""What `svchost new --python` writes runs and passes its own tests, with `python3` and nothing else."""

import os
import pathlib
import subprocess

import pytest
from support.host import executable

FRONT = pathlib.Path(__file__).parents[3] / "rococo_svchost" / "processors" / "python" / "front"
PYTHON = "/usr/bin/python3"


@pytest.fixture
def run(tmp_path):
    def run(*arguments, folder="", **more):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **more}
        environment.update({name: value for name, value in os.environ.items() if name.startswith(("ASAN_", "UBSAN_", "LSAN_"))})
        return subprocess.run(arguments, cwd=tmp_path / folder, env=environment, capture_output=True, text=True, timeout=240)

    return run


def ok(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def passes_its_tests(run, folder, tmp_path):
    ok(run(PYTHON, "-m", "unittest", "discover", "tests", folder=folder, PYTHONPATH=f"{FRONT}:{tmp_path / folder}"))


def test_a_service_for_messages(run, tmp_path):
    svchost = executable("svchost")
    assert "cmake" not in ok(run(svchost, "new", "hello", "--python"))
    ok(run(svchost, "send", '{"message": "Hi"}', folder="hello"))
    log = ok(run(svchost, folder="hello", EXIT_WHEN_FINISHED="1"))
    assert "processor:11 - Received message: {'message': 'Hi'}" in log
    assert "Service Processor Version: 0.1.0" in log
    passes_its_tests(run, "hello", tmp_path)


def test_a_service_with_a_schedule(run, tmp_path):
    svchost = executable("svchost")
    ok(run(svchost, "new", "tick", "--python", "--cron"))
    assert "every 10 s" in ok(run(svchost, "next", folder="tick"))
    assert "processor:9 - Running" in ok(run(svchost, "run", "--once", folder="tick"))
    passes_its_tests(run, "tick", tmp_path)


@pytest.mark.parametrize("name", ["class", "rococo", "tests"])
def test_a_name_that_python_cannot_import(run, tmp_path, name):
    refused = run(executable("svchost"), "new", name, "--python")
    assert refused.returncode == 64
    assert "no module can have this name in Python" in refused.stderr
    assert not (tmp_path / name).exists()
