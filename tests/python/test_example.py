# SPDX-License-Identifier: MIT
"""python_service_example: its own tests, and the service itself."""

import pathlib
import subprocess

import pytest
from fake_host import FRONT

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "python_service_example"


@pytest.mark.all_pythons
def test_its_own_tests(python, clean_env):
    env = {**clean_env, "PYTHONPATH": str(FRONT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-m", "unittest", "discover", "tests"]
    done = subprocess.run(command, cwd=EXAMPLE, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0 and b"Ran 2 tests" in done.stdout, done.stdout.decode()


def test_the_service(serve):
    host = serve({}, folder=EXAMPLE, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert [host.ready[key] for key in ("package", "version", "module", "type")] == [
        "python_service_example", "1.0.0", "python_service_example.processor", "PythonLoggingServiceProcessor",
    ]  # fmt: skip
    assert host.process('{"message": "Hello"}') == {}
    (record,) = host.log_frames("Hello")
    assert record.payload.decode() == "Received message: {'message': 'Hello'}"
    assert f"processor:{record.meta['line']} - " in (EXAMPLE / "README.md").read_text()
