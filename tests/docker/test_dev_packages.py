# SPDX-License-Identifier: MIT
"""Packages in a service's dev_packages/ take the place of what the image has, while developing."""

import os
import re
import shutil
import subprocess

import pytest
from conftest import ONBUILD_IMAGE, ROOT, VERSION, docker, write_sleeper

NEW, NEWER = "1.98.0", "1.99.0"


def sdk_package(tmp_path, version, generator):
    """The SDK of another version, packed by CPack as a developer would: from sources where VERSION is changed."""
    build = tmp_path / f"build-{version}-{generator}"
    sources = tmp_path / f"source-{version}"
    if not sources.exists():
        shutil.copytree(ROOT / "rococo" / "sdk", sources / "sdk")
        (sources / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\n"
            f"project(rococo VERSION {version} LANGUAGES CXX)\n"
            "include(GNUInstallDirs)\n"
            "find_package(fmt REQUIRED)\nfind_package(nlohmann_json REQUIRED)\n"
            "add_subdirectory(sdk)\n"
            "set(CPACK_PACKAGE_CONTACT tests@rococo.invalid)\nset(CPACK_DEB_COMPONENT_INSTALL ON)\n"
            "set(CPACK_COMPONENTS_ALL sdk)\nset(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)\n"
            "set(CPACK_DEBIAN_SDK_PACKAGE_NAME rococo-sdk)\ninclude(CPack)\n")
        # Visible in what is compiled: the version goes into the service, and this into its preprocessor.
        with (sources / "sdk" / "include" / "rococo" / "service.hpp").open("a") as header:
            header.write(f'#define ROCOCO_TEST_SDK "{version}"\n')
    subprocess.run(["cmake", "-S", sources, "-B", build, "-G", "Ninja", "-Wno-dev"], check=True, capture_output=True)
    subprocess.run(["cpack", "-G", generator], cwd=build, check=True, capture_output=True)
    return next(file for file in build.iterdir() if re.search(r"(\.tar\.gz|\.deb)$", file.name))


@pytest.fixture
def service(tmp_path):
    """A service that prints the SDK it was compiled with while it is configured and while it is compiled."""
    folder = write_sleeper(tmp_path / "sleeper")
    with (folder / "CMakeLists.txt").open("a") as cmake:
        cmake.write('message(NOTICE "configured with ${rococo_VERSION}")\n')
    with (folder / "processor.cpp").open("a") as processor:
        processor.write('#ifdef ROCOCO_TEST_SDK\n#pragma message("compiled with " ROCOCO_TEST_SDK)\n#endif\n')
    (folder / "dev_packages").mkdir()
    return folder


def put(service, package, when):
    target = service / "dev_packages" / package.name
    shutil.copy(package, target)
    os.utime(target, (when, when))


def build(service, environment):
    return docker("build", "--no-cache", "--build-arg", f"ENVIRONMENT={environment}", service)


def test_freshest_of_two_replaces_the_sdk_in_development_only(service, tmp_path):
    # The freshest and not the highest: the one changed last is the one that its developer is trying out.
    put(service, sdk_package(tmp_path, NEWER, "TGZ"), 1_700_000_000)
    put(service, sdk_package(tmp_path, NEW, "TGZ"), 1_700_001_000)

    log = build(service, "development")
    assert f"replaced: rococo {VERSION} in /usr/lib/cmake/rococo" in log
    assert re.search(rf"by: rococo {NEW} of rococo-{NEW}\S+\.tar\.gz", log)
    assert re.search(rf"passed over: rococo-{NEWER}\S+\.tar\.gz .* is older", log)
    assert "Resulting configuration:" in log
    assert re.search(r"rococo_DIR = /tmp/rococo-build/dev_packages/rococo/", log)
    assert f"compiled with {NEW}" in log

    log = build(service, "production")
    assert "dev_packages is ignored: ENVIRONMENT is 'production'" in log
    assert "replaced:" not in log and "compiled with" not in log


def test_deb_replaces_as_well_with_local(service, tmp_path):
    put(service, sdk_package(tmp_path, NEW, "TGZ"), 1_700_000_000)
    put(service, sdk_package(tmp_path, NEWER, "DEB"), 1_700_001_000)
    log = build(service, "local")
    assert re.search(rf"by: rococo {NEWER} of rococo-sdk_{NEWER}_\w+\.deb", log)
    assert f"compiled with {NEWER}" in log


def test_what_the_service_does_not_ask_for_is_passed_over(service, tmp_path):
    folder = tmp_path / "other" / "lib" / "cmake" / "other"
    folder.mkdir(parents=True)
    (folder / "other-config.cmake").write_text("message(FATAL_ERROR never)\n")
    subprocess.run(["tar", "-czf", service / "dev_packages" / "other-1.0.tar.gz", "-C", tmp_path, "other"], check=True)
    (service / "dev_packages" / "notes.tar.gz").write_bytes(subprocess.run(
        ["tar", "-cz", "-C", service, "processor.cpp"], check=True, capture_output=True).stdout)
    (service / "dev_packages" / "rococo-1.0-py3-none-any.whl").write_bytes(b"")
    log = build(service, "development")
    assert re.search(r"passed over: rococo-1\.0-py3-none-any\.whl .* is a Python wheel", log)
    assert re.search(r"passed over: other-1\.0\.tar\.gz .* offers other, which the service does not ask for", log)
    assert re.search(r"passed over: notes\.tar\.gz .* has no CMake package configuration", log)
    assert "nothing in dev_packages replaces a dependency" in log


def test_replacement_of_another_major_version_is_refused(service, tmp_path):
    """find_package(rococo 1) would pass over it without a word, and build with the image's own."""
    put(service, sdk_package(tmp_path, "2.0.0", "TGZ"), 1_700_000_000)
    built = docker("build", "--build-arg", "ENVIRONMENT=development", service, check=False)
    assert built.returncode != 0
    assert "CMake did not take rococo from dev_packages" in built.stdout


def test_mounted_source_uses_them_too(service, tmp_path, run_container):
    put(service, sdk_package(tmp_path, NEW, "TGZ"), 1_700_000_000)
    service.chmod(0o755)
    container = run_container(
        ONBUILD_IMAGE, options=["-v", f"{service}:/service:ro"],
        environment={"ENVIRONMENT": "development", "MESSAGING_TYPE": "SqliteConnection",
                     "SleeperServiceProcessor_QUEUE_NAME": "q"})
    container.wait_for_log("Consuming from queue q", 180)
    assert f"compiled with {NEW}" in container.logs()
