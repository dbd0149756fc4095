# SPDX-License-Identifier: MIT
"""A service stepped into in its container, with gdb as .vscode/launch.json has it called."""

import json
import re
import subprocess

import pytest
from conftest import DEBUG_IMAGE, HOST_IMAGE, ONBUILD_IMAGE, ROOT, docker, write_sleeper

EMBEDDED = {"MESSAGING_TYPE": "SqliteConnection", "SleeperServiceProcessor_QUEUE_NAME": "q"}
SHOW = ["break SleeperServiceProcessor::process", "continue", "backtrace 8", "next", "next", "info locals", "delete", "detach"]


@pytest.fixture(scope="module")
def debug_image(build_image, tmp_path_factory):
    """The sleeper by the examples' Dockerfile, with the build arguments that it names."""
    folder = write_sleeper(tmp_path_factory.mktemp("debug"), (ROOT / "service_example" / "Dockerfile").read_text())
    return build_image(folder, BUILD_TYPE="Debug", TAG="cpp-debug")[0]


def configuration(words):
    """The launch configuration with these words in its name."""
    text = re.sub(r"^\s*//.*$", "", (ROOT / ".vscode" / "launch.json").read_text(), flags=re.M)
    return next(entry for entry in json.loads(text)["configurations"] if words in entry["name"])


def gdb(commands):
    words = [word for command in ["set pagination off", "set confirm off", *commands] for word in ("-ex", command)]
    done = subprocess.run(["gdb", "-nx", "-batch", *words], text=True, timeout=180, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return done.stdout


def stopped_in_the_processor(output):
    stopped = re.search(r"Breakpoint 1, SleeperServiceProcessor::process .*at /src/processor\.cpp:\d+", output)
    return stopped and re.search(r'^body = .*"one:0', output, re.M) and host_frames_have_names(output)


def host_frames_have_names(output):
    """gdb has found the symbols of svchost, which lie beside it in the container."""
    return re.search(r"^#\d+ .*rococo::svchost::\w+", output, re.M)


def test_from_the_first_line(debug_image, run_container):
    setup = [command["text"] for command in configuration("in its container")["customLaunchSetupCommands"]]
    container = run_container(debug_image, options=["-p", "127.0.0.1::2345"], environment=EMBEDDED)
    container.wait_for_log("Listening on port 2345")
    published = docker("port", container.name, "2345/tcp").splitlines()[0]
    container.exec("svchost", "send", "q", "one:0", "--content-type", "text/plain")
    output = gdb([*(command.replace("127.0.0.1:2345", published) for command in setup), *SHOW])
    assert stopped_in_the_processor(output), output
    container.wait_for_log("ended one:0")


def test_one_that_runs(debug_image, run_container):
    container = run_container(debug_image, options=["--entrypoint", "svchost"], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q")
    attach = [command["text"].replace("service-example", container.name)
              for command in configuration("in its running container")["customLaunchSetupCommands"]]
    send = f"shell docker exec {container.name} svchost send q one:0 --content-type text/plain"
    output = gdb([*attach, SHOW[0], send, *SHOW[1:]])
    assert stopped_in_the_processor(output), output
    container.wait_for_log("ended one:0")
    assert container.stop()[0] == 0


def test_svchost_has_its_symbols_in_the_debug_image():
    found = docker("run", "--rm", "--entrypoint", "find", DEBUG_IMAGE, "/usr/lib/debug", "-name", "*.debug")
    assert found.strip().endswith(".debug")


def test_onbuild_image_has_gdb_for_a_look_from_inside():
    assert "GNU gdb" in docker("run", "--rm", "--entrypoint", "gdb", ONBUILD_IMAGE, "--version")


def test_nothing_of_it_is_in_the_runtime_image():
    assert docker("run", "--rm", "--entrypoint", "sh", HOST_IMAGE, "-c", "command -v gdbserver", check=False).returncode != 0
