# SPDX-License-Identifier: MIT
"""What the compiler says of a class that is no processor: one line of ours, which says what to write."""

import os
import pathlib
import subprocess

import pytest

SDK = pathlib.Path(__file__).parents[3] / "rococo/sdk/include"

MESSAGES = "rococo::messaging::BaseServiceProcessor"
BATCHES = "rococo::messaging::BaseBatchProcessor"
LACKS_MESSAGE = (
    "the processor lacks its function: give it exactly 'void process(const rococo::messaging::Message& message) override'"
)


def errors_of(tmp_path, declaration):
    """The errors of a source that registers this class, which is called P."""
    source = tmp_path / "processor.cpp"
    source.write_text(f"#include <rococo/service.hpp>\n{declaration}\nROCOCO_PROCESSOR(P)\n")
    compiled = subprocess.run(
        [os.environ.get("CXX", "c++"), "-std=c++20", "-fsyntax-only", f"-I{SDK}", source],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    errors = [line.split("error: ", 1)[1] for line in compiled.stderr.splitlines() if "error: " in line]
    assert (compiled.returncode == 0) == (not errors), compiled.stderr
    return errors


@pytest.mark.parametrize(
    "declaration, said",
    [
        (f"struct P : {MESSAGES} {{ void process(rococo::messaging::Message) {{}} }};", LACKS_MESSAGE),
        (f"struct P : {MESSAGES} {{ }};", LACKS_MESSAGE),
        (
            f"struct P : {BATCHES} {{ void process(rococo::messaging::Batch) {{}} }};",
            "the processor lacks its function: give it exactly 'void process(rococo::messaging::Batch& batch) override'",
        ),
        (
            f"struct P : {MESSAGES} {{ explicit P(int); void process(const rococo::messaging::Message&) override {{}} }};",
            "the host makes processors itself: give the class a default constructor",
        ),
        (
            f"class P : {MESSAGES} {{ void process(const rococo::messaging::Message&) override {{}} }};",
            "derive publicly: 'class OrderProcessor : public BaseServiceProcessor'",
        ),
        (
            "struct P { void run(); };",
            "ROCOCO_PROCESSOR needs a class that derives from BaseServiceProcessor or BaseBatchProcessor, or, to work on a"
            " schedule, one with a public 'void process()' or 'void process(rococo::Context&)'",
        ),
    ],
)
def test_a_class_that_is_no_processor_gets_one_error(tmp_path, declaration, said):
    [error] = errors_of(tmp_path, declaration)
    assert error.startswith("static assertion failed") and said in error


def test_a_function_that_overrides_nothing_gets_one_error_of_ours_beside_the_compilers(tmp_path):
    errors = errors_of(tmp_path, f"struct P : {MESSAGES} {{ void process(rococo::messaging::Message) override {{}} }};")
    assert len(errors) == 2 and "override" in errors[0] and LACKS_MESSAGE in errors[1], errors


@pytest.mark.parametrize(
    "declaration",
    [
        f"class P : public {MESSAGES} {{ void process(const rococo::messaging::Message&) override {{}} }};",
        f"struct P : {BATCHES} {{ void process(rococo::messaging::Batch&) override {{}} }};",
        "struct P { void process() {} };",
        "struct P { void process(rococo::Context&) {} };",
    ],
)
def test_a_processor_gets_none(tmp_path, declaration):
    assert errors_of(tmp_path, declaration) == []


# A build without a compiler: what CMake says comes before.
PROJECT = f"""
cmake_minimum_required(VERSION 3.25)
project(orders {{version}} LANGUAGES NONE)
add_library(rococo::sdk INTERFACE IMPORTED)
include({SDK.parent}/cmake/RococoAddService.cmake)
rococo_add_service(processor.cpp)
"""


@pytest.mark.parametrize("version", ["", "VERSION 1.2.0"])
def test_a_service_without_a_version_is_told_how_to_have_one(tmp_path, version):
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.format(version=version))
    (tmp_path / "processor.cpp").touch()
    configured = subprocess.run(["cmake", "-B", tmp_path / "build", "-S", tmp_path], capture_output=True, text=True, timeout=120)
    told = " ".join(configured.stderr.split())
    assert ("Write project(orders VERSION 1.0.0 LANGUAGES CXX)" in told) == (not version), told
