# SPDX-License-Identifier: MIT
"""packaging/release without Docker: a stand-in answers for it. tests/docker/test_release.py does the same with a real one."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERSION = re.search(r"^ *VERSION +(\d+\.\d+\.\d+) *$", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
HOST, ONBUILD = "ecorrouge/rococo-service-host", "ecorrouge/rococo-service-base-onbuild"

# Knows an id for each image, labels, and what this machine's dpkg knows of it.
DOCKER = """#!/bin/bash
echo "$*" >>"$DOCKER_CALLS"
case "$1" in
    inspect)
        case $3 in
            "{{json .Config.Labels}}")
                echo '{"org.opencontainers.image.version": "1", "org.opencontainers.image.title": "t", "org.opencontainers.image.revision": "r"}' ;;
            *)
                text=${3/\\{\\{.Id\\}\\}/id-of-$4$DOCKER_OTHER_IDS}
                echo "${text/\\{\\{.Size\\}\\}/17}" ;;
        esac ;;
    run)
        while [[ $1 != dpkg-query && $1 != sh ]]; do shift; [[ $# -gt 0 ]] || exit 0; done
        [[ $1 == sh ]] || "$@" libc6 libssl3 ;;
    manifest) echo "no such manifest" && exit 1 ;;
    save) echo images >"$3" ;;
esac
"""


def git(folder, *words):
    return subprocess.run(["git", "-c", "user.name=Test", "-c", "user.email=test@rococo.invalid", *words],
                          cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path):
    """The project as it lies here, committed, with notes on its version; packages; and a stand-in for Docker."""
    folder = tmp_path / "clone"
    git(ROOT, "clone", "-q", "--no-hardlinks", str(ROOT), str(folder))
    for name in git(ROOT, "ls-files", "-m", "-o", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    notes = folder / "CHANGELOG.md"
    if f"## [{VERSION}]" not in notes.read_text():
        notes.write_text(notes.read_text() + f"\n## [{VERSION}]\n\n- Something.\n")
    git(folder, "tag", "-l") and git(folder, "tag", "-d", *git(folder, "tag", "-l").split())
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "What is here")
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in (f"rococo-svchost_{VERSION}_amd64.deb", f"rococo-svchost-dbgsym_{VERSION}_amd64.ddeb",
                 f"rococo-{VERSION}-linux-x86_64.tar.gz", f"rococo_svchost-{VERSION}-py3-none-any.whl"):
        (packages / name).write_text(name)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    return folder


def release(clone, *words, **more):
    return subprocess.run(
        ["packaging/release", *words], cwd=clone, text=True, timeout=300, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": f"{clone.parent}/bin:{os.environ['PATH']}", "PACKAGES": str(clone.parent / "packages"),
             "DOCKER_CALLS": str(clone.parent / "calls"), **more})


def test_a_release_says_where_everything_comes_from(clone):
    image = "debian@sha256:" + "5" * 64
    done = release(clone, "--save-images", BUILDER_IMAGE=image)
    assert done.returncode == 0, done.stdout
    dist = clone / "build" / "dist" / VERSION
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=dist, check=True)
    notes = (dist / "NOTES.md").read_text()
    revision = git(clone, "rev-parse", "HEAD")
    assert notes.startswith(f"# rococo-service-host {VERSION}\n")
    assert notes.count("## Provenance") == 1
    provenance = notes.split("## Provenance")[1]
    assert f"Commit `{revision}`" in provenance and f"`{image}`" in provenance and "Debian GNU/Linux 12" in provenance
    assert f"git checkout {revision}" in provenance
    sums = dict(reversed(line.split("  ")) for line in (dist / "SHA256SUMS").read_text().splitlines())
    for bill in dist.glob("*.cdx.json"):
        assert f"`{bill.name}`, SHA-256 `{sums[bill.name]}`" in provenance
        assert json.loads(bill.read_text())["bomFormat"] == "CycloneDX"
    packages = dict(line.split()[:2] for line in (dist / "BUILD-PACKAGES").read_text().splitlines())
    assert packages["libc6"] and packages["g++"]
    assert (clone / "build" / "images.tar").exists()


def test_images_are_named_with_their_ids_and_tags_for_who_pushes_them(clone):
    assert release(clone).returncode == 0
    assert (clone / "build" / "dist" / VERSION / "IMAGES").read_text().splitlines() == [
        f"{HOST}:cpp-{VERSION} id-of-{HOST}:cpp-{VERSION} 17 cpp",
        f"{HOST}:cpp-{VERSION}-debug id-of-{HOST}:cpp-{VERSION}-debug 17 cpp-debug",
        f"{HOST}:{VERSION}-python-3.11 id-of-{HOST}:{VERSION}-python-3.11 17 " + ("" if VERSION.startswith("1.") else "python-3.11"),
        f"{ONBUILD}:cpp-{VERSION} id-of-{ONBUILD}:cpp-{VERSION} 17 cpp",
    ]
    assert not (clone / "build" / "images.tar").exists()
    assert "push" not in (clone.parent / "calls").read_text()


@pytest.mark.parametrize("version, tags", [
    ("1.7.3", "cpp-1.7.3 cpp cpp-1.7.3-debug cpp-debug 1.7.3-python-3.11"),
    ("2.0.0", "2.0.0 2 2.0.0-debug 2-debug 2.0.0-python-3.11"),
])
def test_no_version_takes_a_tag_of_the_images_for_python(clone, version, tags):
    text = (clone / "CMakeLists.txt").read_text()
    (clone / "CMakeLists.txt").write_text(text.replace(f"VERSION {VERSION}", f"VERSION {version}"))
    ask = f"source {clone}/packaging/common.sh; echo $tag $newest $debug_tag $newest_debug $python_tag"
    assert subprocess.run(["bash", "-c", ask], capture_output=True, text=True).stdout.strip() == tags


@pytest.mark.parametrize("tag, refused", [("latest", True), ("1.0.0", True), ("1", True), ("0.1.42", True), ("cpp-1.0.0", False),
                                          ("2.0.0", False), ("10.0.0", False), ("1.0.0-python-3.11", True), ("0.1.21-python-3.11", True),
                                          (f"{VERSION}-python-3.11", False), ("1.99.0-python-3.11", True)])
def test_a_tag_of_the_images_for_python_is_never_made(clone, tag, refused):
    ask = f"source {clone}/packaging/common.sh; refuse_tag_of_the_original {tag}"
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
    assert (done.returncode != 0) == refused
    assert (f"the tag '{tag}' belongs to the images for Python services" in done.stderr) == refused


def test_a_plain_docker_build_labels_the_project_s_version():
    assert re.findall(r"^ARG VERSION=(.*)$", (ROOT / "rococo_service_base/Dockerfile").read_text(), re.MULTILINE) == [VERSION] * 3


def test_images_that_were_replaced_since_are_not_pushed(clone):
    assert release(clone).returncode == 0
    done = release(clone, "--push", "localhost:1", DOCKER_OTHER_IDS="-other")
    assert done.returncode != 0 and f"the image {HOST}:cpp-{VERSION} is not the one" in done.stdout
    assert "push" not in (clone.parent / "calls").read_text()


def test_changes_that_are_not_committed_are_refused(clone):
    (clone / "stray.txt").write_text("not committed")
    done = release(clone)
    assert done.returncode != 0 and "stray.txt" in done.stdout


def test_the_tag_of_another_commit_is_refused(clone):
    git(clone, "tag", f"v{VERSION}", "HEAD~1")
    done = release(clone)
    assert done.returncode != 0 and f"the tag v{VERSION} is commit" in done.stdout


def test_a_version_without_notes_is_refused_before_anything_is_built(clone):
    text = (clone / "CHANGELOG.md").read_text()
    (clone / "CHANGELOG.md").write_text(text.replace(f"## [{VERSION}]", "## [0.0.0]"))
    git(clone, "commit", "-q", "-a", "-m", "Lose the notes")
    done = release(clone)
    assert done.returncode != 0 and f"CHANGELOG.md has nothing about {VERSION}" in done.stdout
    assert not (clone.parent / "calls").exists()
