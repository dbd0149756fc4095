# SPDX-License-Identifier: MIT
"""rococo-dev-packages by itself; tests/docker/test_dev_packages.py builds images with it."""

import os
import pathlib
import subprocess

PROGRAM = pathlib.Path(__file__).resolve().parents[3] / "rococo_service_base" / "bin" / "rococo-dev-packages"


def test_what_is_no_package_is_named_and_passed_over(tmp_path):
    service = tmp_path / "service"
    (service / "dev_packages").mkdir(parents=True)
    (service / "CMakeLists.txt").write_text("find_package(rococo 1 REQUIRED)\n")
    for name in ("rococo-1.0-py3-none-any.whl", "notes.txt"):
        (service / "dev_packages" / name).write_text("")
    done = subprocess.run([PROGRAM, service, tmp_path / "target"], env={**os.environ, "ENVIRONMENT": "development"},
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "passed over: rococo-1.0-py3-none-any.whl" in done.stderr and "is a Python wheel" in done.stderr
    assert "passed over: notes.txt" in done.stderr
    assert "nothing in dev_packages replaces a dependency of the service (rococo)" in done.stderr
