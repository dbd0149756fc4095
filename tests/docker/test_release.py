# SPDX-License-Identifier: MIT
"""packaging/release in a clone: what it makes, what it refuses, and what arrives in a registry (Debian's)."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
from conftest import ROOT, VERSION, docker, run_check
from documents import read_blocks

PACKAGES = ROOT / "rococo_service_base" / "packages"


def git(folder, *words):
    return subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@rococo.invalid", *words],
        cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The project as it lies here, committed; with the packages that were built from it."""
    folder = tmp_path_factory.mktemp("release") / "clone"
    git(ROOT, "clone", "-q", str(ROOT), str(folder))
    for name in git(ROOT, "ls-files", "-m", "-o", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "What is here")
    return folder


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Debian's docker-registry on a free port of loopback, started as docs/PUBLISHING.md says."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    recipe = next(block.text for block in read_blocks(ROOT / "docs" / "PUBLISHING.md") if "docker-registry serve" in block.text)
    recipe = recipe.replace("localhost:5001", address)
    done = subprocess.run(["bash", "-ec", f"{recipe}\necho pid $!"], cwd=folder, capture_output=True, text=True, check=True)
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://{address}/v2/")
            break
        except OSError:
            time.sleep(0.1)
    yield address
    os.kill(int(done.stdout.rsplit("pid ", 1)[1]), signal.SIGTERM)


def release(clone, *words):
    return subprocess.run(["packaging/release", *words], cwd=clone, text=True, timeout=900, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={**os.environ, "PACKAGES": str(PACKAGES)})


def tags(registry, image):
    with urllib.request.urlopen(f"http://{registry}/v2/ecorrouge/{image}/tags/list") as answer:
        return set(json.load(answer)["tags"])


def test_dirty_tree_is_refused(clone):
    (clone / "stray.txt").write_text("not committed")
    done = release(clone)
    (clone / "stray.txt").unlink()
    assert done.returncode != 0
    assert "the tree has changes" in done.stdout and "stray.txt" in done.stdout


def test_tag_of_another_commit_is_refused(clone):
    git(clone, "tag", f"v{VERSION}", "HEAD~1")
    done = release(clone)
    git(clone, "tag", "-d", f"v{VERSION}")
    assert done.returncode != 0
    assert f"version {VERSION} exists: the tag v{VERSION}" in done.stdout


def test_version_without_notes_is_refused(clone):
    text = (clone / "CHANGELOG.md").read_text()
    (clone / "CHANGELOG.md").write_text(text.replace(f"## [{VERSION}]", "## [0.0.0]"))
    git(clone, "commit", "-q", "-a", "-m", "Lose the notes")
    done = release(clone)
    git(clone, "revert", "--no-edit", "HEAD")
    assert done.returncode != 0
    assert f"CHANGELOG.md has nothing about {VERSION}" in done.stdout


def test_release_makes_everything_and_pushes_nothing(clone):
    done = release(clone)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "Nothing was pushed" in done.stdout
    dist = clone / "build" / "dist" / VERSION
    names = {file.name for file in dist.iterdir()}
    machine = os.uname().machine
    assert {f"rococo-{VERSION}-linux-{machine}.tar.gz", f"rococo-{VERSION}-source.tar.gz", "NOTES.md", "SHA256SUMS", "IMAGES",
            "REVISION", f"rococo-service-host-{VERSION}.cdx.json", f"rococo-service-base-onbuild-{VERSION}.cdx.json",
            f"rococo-service-host-{VERSION}-python-3.11.cdx.json", f"rococo_svchost-{VERSION}-py3-none-any.whl"} <= names
    assert {name.split("_")[0] for name in names if name.endswith("deb")} == {
        "rococo-svchost", "rococo-svchost-dbgsym", "rococo-sdk", "rococo-adapters-dev"}
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=dist, check=True)
    sums = {line.split("  ")[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}
    assert sums == names - {"SHA256SUMS"}
    assert (dist / "REVISION").read_text().strip() == git(clone, "rev-parse", "HEAD")
    notes = (dist / "NOTES.md").read_text()
    assert notes.startswith(f"# rococo-service-host {VERSION}\n") and "## [" not in notes


def test_bills_of_materials_are_valid_and_complete(clone):
    bills = {
        f"rococo-service-host-{VERSION}": f"rococo-service-host:cpp-{VERSION}",
        f"rococo-service-host-{VERSION}-python-3.11": f"rococo-service-host:{VERSION}-python-3.11",
        f"rococo-service-base-onbuild-{VERSION}": f"rococo-service-base-onbuild:cpp-{VERSION}",
    }
    for name, image in bills.items():
        path = clone / "build" / "dist" / VERSION / f"{name}.cdx.json"
        checked = run_check("sbom", path)
        assert checked.returncode == 0, checked.stdout
        bill = json.loads(path.read_text())
        names = {component["name"] for component in bill["components"]}
        installed = docker("run", "--rm", "--entrypoint", "dpkg-query", f"ecorrouge/{image}", "-W", "-f", "${Package}\n")
        assert set(installed.split()) <= names
        assert {"rococo-svchost", "librabbitmq4", "libcurl4", "libcli11-dev"} <= names
        references = {component["bom-ref"] for component in bill["components"]}
        for relation in bill["dependencies"]:
            assert set(relation["dependsOn"]) <= references
        own = next(relation for relation in bill["dependencies"] if "/rococo-svchost@" in relation["ref"])
        assert any("librabbitmq4" in reference for reference in own["dependsOn"])


def test_second_release_of_the_version_is_refused(clone):
    done = release(clone)
    assert done.returncode != 0
    assert f"version {VERSION} exists in build/dist/{VERSION}" in done.stdout


def test_files_changed_after_the_build_are_not_pushed(clone, registry):
    notes = clone / "build" / "dist" / VERSION / "NOTES.md"
    text = notes.read_text()
    notes.write_text(text + "More.\n")
    done = release(clone, "--push", registry)
    notes.write_text(text)
    assert done.returncode != 0
    assert f"build/dist/{VERSION} is not what was built" in done.stdout


def test_push_arrives_with_every_tag_and_only_once(clone, registry):
    done = release(clone, "--push", registry)
    assert done.returncode == 0, done.stdout[-4000:]
    # python-3.11 is the original's until version 2.
    newest = set() if VERSION.startswith("1.") else {"python-3.11"}
    assert tags(registry, "rococo-service-host") == {
        f"cpp-{VERSION}", "cpp", f"cpp-{VERSION}-debug", "cpp-debug", f"{VERSION}-python-3.11"} | newest
    assert tags(registry, "rococo-service-base-onbuild") == {f"cpp-{VERSION}", "cpp"}

    image = f"{registry}/ecorrouge/rococo-service-host:cpp-{VERSION}"
    docker("rmi", image)
    docker("pull", "-q", image)
    assert docker("run", "--rm", image, "--version").splitlines()[0] == f"svchost {VERSION}"

    again = release(clone, "--push", registry)
    assert again.returncode != 0
    assert f"version {VERSION} exists: {registry} has" in again.stdout


def test_registry_that_cannot_be_asked_is_not_pushed_to(clone):
    done = release(clone, "--push", "127.0.0.1:1")
    assert done.returncode != 0
    assert "cannot ask 127.0.0.1:1" in done.stdout


def test_new_version_on_an_old_folder_is_refused(clone):
    git(clone, "commit", "-q", "--allow-empty", "-m", "Something new under the same version")
    done = release(clone)
    assert done.returncode != 0
    assert "is of another commit" in done.stdout
