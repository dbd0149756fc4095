# SPDX-License-Identifier: MIT
"""./dev and .ci/steps: what comes after a failed part still runs, and what hangs is ended."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path):
    """The scripts alone, with stand-ins for what takes long: each writes its name to `ran` and does what it is told."""
    folder = tmp_path / "project"
    for name in ("dev", ".ci/steps", ".ci/run"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "dev-packages.txt").write_text("")
    (folder / "CMakePresets.json").write_text("{}")
    scenarios = folder / "tests" / "integration"
    scenarios.mkdir(parents=True)
    (scenarios / "pytest.ini").write_text("[pytest]\n")
    (scenarios / "test_it.py").write_text("def test_it():\n    open('ran', 'a').write('pytest\\n')\n")
    (folder / ".ci" / "clang_tidy.py").write_text("open('ran', 'a').write('clang-tidy\\n')\n")
    for program in ("cmake", "npm", "git", "ctest", "clang-format-14"):
        stand_in(tmp_path, program)
    return folder


def stand_in(tmp_path, program, does="exit 0"):
    path = tmp_path / "bin" / program
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {program} >>ran\n{does}\n")
    path.chmod(0o755)


def run(project, tmp_path, *command, **environment):
    done = subprocess.run(
        command, cwd=project, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
        env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path), **environment},
    )
    ran = project / "ran"
    return done, ran.read_text().split() if ran.exists() else []


def test_clean_keeps_the_queues_of_the_examples_unless_told_otherwise(project, tmp_path):
    for folder in ("build", "service_example/build", "service_example/.svchost"):
        (project / folder).mkdir(parents=True)
    assert run(project, tmp_path, "./dev", "clean", "queues")[0].returncode != 0
    assert run(project, tmp_path, "./dev", "clean")[0].returncode == 0
    assert not (project / "build").exists() and not (project / "service_example" / "build").exists()
    assert (project / "service_example" / ".svchost").exists()
    assert run(project, tmp_path, "./dev", "clean", "--queues")[0].returncode == 0
    assert not (project / "service_example" / ".svchost").exists()


def test_scenarios_run_after_a_failed_unit_test(project, tmp_path):
    stand_in(tmp_path, "ctest", 'echo "1 tests failed out of 3"; exit 8')
    done, ran = run(project, tmp_path, "./dev", "step", "asan")
    assert done.returncode != 0, done.stdout
    assert ran[-2:] == ["ctest", "pytest"], done.stdout


def test_unit_tests_and_scenarios_that_pass_are_a_success(project, tmp_path):
    done, ran = run(project, tmp_path, "./dev", "step", "asan")
    assert (done.returncode, ran[-2:]) == (0, ["ctest", "pytest"]), done.stdout


def test_a_failed_scenario_fails_the_part_where_the_unit_tests_pass(project, tmp_path):
    (project / "tests" / "integration" / "test_it.py").write_text("def test_it():\n    assert False\n")
    done, _ = run(project, tmp_path, "./dev", "step", "asan")
    assert done.returncode != 0, done.stdout


def test_clang_tidy_runs_after_a_wrong_format(project, tmp_path):
    stand_in(tmp_path, "clang-format-14", "exit 1")
    stand_in(tmp_path, "git", "echo a.cpp")
    done, ran = run(project, tmp_path, "./dev", "step", "lint")
    assert done.returncode != 0, done.stdout
    assert ran[-1] == "clang-tidy", done.stdout


def test_parts_after_a_failed_part_run_and_both_are_counted(project, tmp_path):
    stand_in(tmp_path, "ctest", 'echo "1 tests failed out of 3"; exit 8')
    done, ran = run(project, tmp_path, ".ci/run", "unit", "integration")
    assert done.returncode == 1
    assert ran.count("pytest") == 1, done.stdout
    assert done.stdout.splitlines()[-1] == "3 passed, 1 failed"


def test_a_part_that_hangs_is_ended_and_the_next_one_runs(project, tmp_path):
    stand_in(tmp_path, "ctest", "sleep 3600")
    done, ran = run(project, tmp_path, ".ci/run", "unit", "integration", ROCOCO_PART_LIMIT="15")
    assert done.returncode == 1
    assert "unit was ended after 15 s" in done.stdout
    assert ran.count("pytest") == 1, done.stdout


def test_the_end_names_the_tests_that_failed(project, tmp_path):
    stand_in(tmp_path, "ctest", 'echo "\t250 - Queue.LosesNothing (Failed)"; echo "1 tests failed out of 3"; exit 8')
    (project / "tests" / "integration" / "test_it.py").write_text("def test_it():\n    assert False\n")
    done, _ = run(project, tmp_path, ".ci/run", "unit", "integration")
    end = done.stdout.split("==== failed in unit")[-1]
    assert "250 - Queue.LosesNothing (Failed)" in end, done.stdout
    assert "FAILED tests/integration/test_it.py::test_it" in end, done.stdout
