# SPDX-License-Identifier: MIT
"""The workflows: what each job may do, and that the commands of those that publish do it and nothing else."""

import hashlib
import os
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {path.stem: yaml.load(path.read_text(), yaml.BaseLoader) for path in FILES}
JOBS = [(f"{name}.{job}", what) for name, flow in WORKFLOWS.items() for job, what in flow["jobs"].items()]
RELEASE = WORKFLOWS["release"]["jobs"]

# A stand-in for Docker: keeps a line for each call, knows images whose ids are their names, and says what is in
# a registry.
DOCKER = """#!/bin/sh
echo "$*" >>"$DOCKER_CALLS"
# Like the real one; who writes to a pipe that nobody reads is ended by SIGPIPE.
if [ "$1" = login ]; then cat >/dev/null; fi
case "$1 $2" in
    "inspect -f") printf 'id-of-%s\\n' "$4" ;;
    "manifest inspect") grep -qxF "$3" "$DOCKER_REGISTRY" || { echo "no such manifest: $3"; exit 1; } ;;
esac
"""


def each_job(function):
    return pytest.mark.parametrize("name, job", JOBS, ids=[name for name, _ in JOBS])(function)


def steps_that_use(job, action):
    return [step for step in job["steps"] if step.get("uses", "").startswith(action)]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_actions_and_images_are_pinned_by_digest_with_their_version(path):
    text = path.read_text()
    for action, rest in re.findall(r"uses: (\S+)(.*)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", rest), f"{action} does not say which version it is"
    for image in re.findall(r"(?:image|container): (\S+)", text):
        assert re.fullmatch(r"[\w/]+@sha256:[0-9a-f]{64}", image), image


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_job_may_do_nothing_but_what_it_names(name):
    assert WORKFLOWS[name]["permissions"] == {} or WORKFLOWS[name]["permissions"] == ""


@each_job
def test_only_the_job_that_publishes_may_write_and_it_has_no_code(name, job):
    permissions = job["permissions"]
    writes = [what for what, how in (permissions or {}).items() if how != "read"]
    if name == "release.publish":
        assert permissions == {"contents": "write"}
        assert not steps_that_use(job, "actions/checkout")
    else:
        assert writes == []


@each_job
def test_secrets_are_given_to_jobs_without_code_only(name, job):
    if "secrets." in str(job):
        assert job["environment"] == "release"
        assert not steps_that_use(job, "actions/checkout")


@each_job
def test_a_checkout_leaves_no_token_behind(name, job):
    for step in steps_that_use(job, "actions/checkout"):
        assert step["with"]["persist-credentials"] == "false"


@each_job
def test_code_of_pull_requests_gets_no_docker_socket(name, job):
    if "docker.sock" in str(job) and "pull_request" in WORKFLOWS[name.split(".")[0]]["on"]:
        assert job["if"] == "github.event_name != 'pull_request'"


@each_job
def test_no_job_goes_on_for_ever(name, job):
    assert int(job["timeout-minutes"]) <= 60


def test_nothing_is_built_before_all_tests_have_passed_and_nothing_published_that_was_not_built():
    assert any(step.get("run") == ".ci/run" for step in RELEASE["test"]["steps"])
    assert RELEASE["build"]["needs"] == "test"
    assert RELEASE["images"]["needs"] == "build"
    assert set(RELEASE["publish"]["needs"]) == {"build", "images"}


# ---- The commands of the jobs that publish -----------------------------------------------------


def command(job, name):
    return next(step["run"] for step in RELEASE[job]["steps"] if step.get("name") == name)


def run(folder, script, **environment):
    return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **environment})


@pytest.fixture
def handed_over(tmp_path):
    """What the build hands over, and its checksum of checksums."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "NOTES.md").write_text("notes\n")
    (files / "IMAGES").write_text("some/host:1.2.3 id-of-some/host:1.2.3 10 latest\n"
                                  "some/host:1.2.3-debug id-of-some/host:1.2.3-debug 11 debug\n")
    subprocess.run("sha256sum -- * >SHA256SUMS", shell=True, cwd=files, check=True)
    return tmp_path, hashlib.sha256((files / "SHA256SUMS").read_bytes()).hexdigest()


@pytest.mark.parametrize("job", ["images", "publish"])
def test_files_that_are_not_what_was_built_are_refused(handed_over, job):
    folder, checksums = handed_over
    check = command(job, "They are what was built")
    assert run(folder, check, CHECKSUMS=checksums).returncode == 0
    assert run(folder, check, CHECKSUMS="0" * 64).returncode != 0
    (folder / "files" / "NOTES.md").write_text("other notes\n")
    assert run(folder, check, CHECKSUMS=checksums).returncode != 0
    # Neither where the list of checksums was changed with them.
    subprocess.run("rm SHA256SUMS; sha256sum -- * >SHA256SUMS", shell=True, cwd=folder / "files", check=True)
    assert run(folder, check, CHECKSUMS=checksums).returncode != 0


def documented_verification():
    """The commands that docs/PUBLISHING.md gives to who downloads a release."""
    text = (ROOT / "docs" / "PUBLISHING.md").read_text()
    [block] = re.findall(r"```bash\n([^`]*-verify[^`]*)```", text)
    return block


def test_the_signature_is_one_that_the_documented_command_accepts(handed_over):
    folder, _ = handed_over
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem"], cwd=folder, check=True)
    subprocess.run(["openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "files/rococo-release.pub"], cwd=folder, check=True)
    signed = run(folder, command("publish", "Sign the checksums"), RELEASE_KEY=(folder / "key.pem").read_text())
    assert signed.returncode == 0, signed.stdout
    verified = run(folder / "files", documented_verification())
    assert verified.returncode == 0, verified.stdout
    assert "Signature Verified Successfully" in verified.stdout
    (folder / "files" / "NOTES.md").write_text("other notes\n")
    assert run(folder / "files", documented_verification()).returncode != 0
    subprocess.run("sha256sum NOTES.md IMAGES >SHA256SUMS", shell=True, cwd=folder / "files", check=True)
    assert run(folder / "files", documented_verification()).returncode != 0


def test_without_a_key_nothing_is_signed_and_that_is_said(handed_over):
    folder, _ = handed_over
    done = run(folder, command("publish", "Sign the checksums"), RELEASE_KEY="")
    assert done.returncode == 0 and "nothing is signed" in done.stdout
    assert not (folder / "files" / "SHA256SUMS.sig").exists()


def push(folder, in_registry=()):
    tools = folder / "bin"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    (folder / "registry").write_text("".join(f"{image}\n" for image in in_registry))
    calls = folder / "calls"
    done = run(folder, command("images", "Push the images"), PATH=f"{tools}:{os.environ['PATH']}", REGISTRY="localhost:5000",
               USERNAME="user", PASSWORD="secret", DOCKER_CALLS=str(calls), DOCKER_REGISTRY=str(folder / "registry"))
    pushed = [line.split()[-1] for line in calls.read_text().splitlines() if line.startswith("push")]
    assert calls.read_text().splitlines()[-1] == "logout localhost:5000"
    assert "secret" not in calls.read_text()
    return done, pushed


def test_every_image_is_pushed_with_both_of_its_tags(handed_over):
    done, pushed = push(handed_over[0])
    assert done.returncode == 0, done.stdout
    assert pushed == [f"localhost:5000/some/host:{tag}" for tag in ("1.2.3", "latest", "1.2.3-debug", "debug")]


def test_nothing_is_pushed_where_the_registry_has_one_of_them(handed_over):
    done, pushed = push(handed_over[0], ["localhost:5000/some/host:1.2.3-debug"])
    assert done.returncode != 0 and "has some/host:1.2.3-debug already" in done.stdout
    assert pushed == []


def test_an_image_that_is_not_the_one_that_was_built_is_not_pushed(handed_over):
    folder, _ = handed_over
    (folder / "files" / "IMAGES").write_text("some/host:1.2.3 another-id 10 latest\n")
    done, pushed = push(folder)
    assert done.returncode != 0 and pushed == []
