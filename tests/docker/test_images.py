# SPDX-License-Identifier: MIT
"""What is in the images, and what a build makes of a folder."""

import datetime
import json
import os
import re
import statistics
import subprocess
import time

import pytest
from conftest import HARDENED, HOST_IMAGE, ONBUILD_IMAGE, ROOT, VERSION, docker, eventually, write_sleeper

EMBEDDED = {"MESSAGING_TYPE": "SqliteConnection", "SleeperServiceProcessor_QUEUE_NAME": "q"}


def variables(environment):
    return [word for key, value in environment.items() for word in ("-e", f"{key}={value}")]


def iso_seconds(text):
    """Seconds since the epoch of an RFC 3339 time with up to nine decimals."""
    moment, fraction = re.match(r"(.*?)(\.\d+)?Z", text).groups()
    whole = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.timezone.utc).timestamp()
    return whole + float(fraction or 0)


def logged_at(log):
    """When the processor said that it had ended the message."""
    line = next(line for line in log.splitlines() if "ended one:0" in line)
    return iso_seconds(json.loads(line)["time"])


def size_in_mb(image):
    return int(docker("inspect", "-f", "{{.Size}}", image)) / 1e6


@pytest.mark.parametrize("image", [HOST_IMAGE, ONBUILD_IMAGE])
def test_version_comes_from_the_one_place_where_it_is_written(image):
    label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
    assert docker("inspect", "-f", label, image).strip() == VERSION
    assert docker("inspect", "-f", label, f"{image}-{VERSION}").strip() == VERSION
    assert docker("run", "--rm", "--entrypoint", "svchost", image, "--version").splitlines()[0] == f"svchost {VERSION}"


@pytest.mark.parametrize("image", [HOST_IMAGE, ONBUILD_IMAGE])
def test_defaults_of_the_original_image_stay(image):
    environment = docker("inspect", "-f", "{{json .Config.Env}}", image)
    assert '"EXECUTION_TYPE=MESSAGING"' in environment
    assert '"MESSAGING_TYPE=RabbitMqConnection"' in environment
    assert docker("inspect", "-f", "{{.Config.User}}", image).strip() == "10001:10001"


def test_runtime_image_is_at_most_40_mb_above_its_base():
    assert size_in_mb(HOST_IMAGE) - size_in_mb("debian:bookworm-slim") <= 40


def test_runtime_image_holds_no_tools_to_build_with():
    found = docker("run", "--rm", "--entrypoint", "sh", HOST_IMAGE, "-c",
                   "command -v gcc g++ cc make cmake gdb python3; ls /usr/include/rococo; true")
    assert "/usr/bin/" not in found and "cannot access '/usr/include/rococo'" in found


def test_every_library_of_svchost_is_there():
    assert "not found" not in docker("run", "--rm", "--entrypoint", "ldd", HOST_IMAGE, "/usr/bin/svchost")


def test_folder_with_three_files_is_a_service(build_image, run_container, tmp_path):
    write_sleeper(tmp_path)
    with (tmp_path / "processor.cpp").open("a") as processor:
        processor.write(f"// {tmp_path}, so that the build says something and is not taken from the cache\n")
    image, log = build_image(tmp_path)
    assert "The service has no tests" in log
    container = run_container(image, environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q")
    assert "Service Processor Version: 2.3.4" in container.logs()
    container.exec("svchost", "send", "q", "one:0", "--content-type", "text/plain")
    container.wait_for_log("ended one:0")
    code, seconds = container.stop()
    assert code == 0 and seconds < 5


def test_service_cannot_be_replaced_by_its_process(sleeper_image):
    listed = docker("run", "--rm", "--entrypoint", "ls", sleeper_image, "-ld", "/usr/local/lib/rococo/services")
    assert listed.startswith("drwxr-xr-x") and " root root " in listed


def test_commands_end_by_docker_stop_too(run_container):
    """Process 1 gets no signal that it has no handler for."""
    container = run_container(HOST_IMAGE, "send", "q", "-", options=["-i"], environment=EMBEDDED)
    eventually(lambda: container.inspect("{{.State.Running}}") == "true")
    code, seconds = container.stop()
    assert code == 128 + 15 and seconds < 5


def test_service_in_a_subfolder_of_the_context(build_image, tmp_path):
    write_sleeper(tmp_path / "services" / "sleeper")
    (tmp_path / "Dockerfile").write_text(f"FROM {ONBUILD_IMAGE}\n")
    image, _ = build_image(tmp_path, SVC_ROOT_DIR="services/sleeper")
    assert "sleeper.service.so" in docker("run", "--rm", "--entrypoint", "ls", image, "/usr/local/lib/rococo/services")


def test_failing_test_of_the_service_fails_the_build(tmp_path):
    folder = write_sleeper(tmp_path)
    with (folder / "CMakeLists.txt").open("a") as cmake:
        cmake.write("enable_testing()\nadd_test(NAME broken COMMAND false)\n")
    built = docker("build", folder, check=False)
    assert built.returncode != 0
    assert "broken" in built.stdout


def test_folder_without_a_service_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {ONBUILD_IMAGE}\n")
    built = docker("build", tmp_path, check=False)
    assert built.returncode != 0
    assert "SVC_ROOT_DIR" in built.stdout


def test_library_that_the_runtime_image_lacks_comes_along(build_image, run_container, tmp_path):
    dockerfile = f"FROM {ONBUILD_IMAGE} AS build\nFROM {HOST_IMAGE}\nCOPY --from=build /usr/local /usr/local\n"
    folder = write_sleeper(tmp_path, dockerfile)
    (folder / "apt-packages.txt").write_text("libyaml-dev  # linked to below\n")
    with (folder / "CMakeLists.txt").open("a") as cmake:
        cmake.write("target_link_libraries(sleeper PRIVATE yaml)\n")
    processor = (folder / "processor.cpp").read_text()
    (folder / "processor.cpp").write_text(
        "#include <yaml.h>\n" + processor.replace("began {}", "YAML {} began {}").replace(
            "\", body);\n        std::this", "\", yaml_get_version_string(), body);\n        std::this"))
    # Installing packages takes the build a network that reaches Debian.
    docker("build", "--network", "host", "-t", "rococo-test-yaml", folder)
    container = run_container("rococo-test-yaml", environment=EMBEDDED)
    container.exec("svchost", "send", "q", "one:0", "--content-type", "text/plain")
    container.wait_for_log("YAML 0.2.5 began one:0")
    docker("rmi", "-f", "rococo-test-yaml", check=False)


def test_source_is_run_without_a_dockerfile(run_container, tmp_path):
    folder = write_sleeper(tmp_path)
    folder.chmod(0o755)
    container = run_container(ONBUILD_IMAGE, options=["-v", f"{folder}:/service:ro"], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q", 180)
    code, seconds = container.stop()
    assert code == 0 and seconds < 5


def test_stop_while_the_source_is_built(run_container, tmp_path):
    folder = write_sleeper(tmp_path)
    folder.chmod(0o755)
    container = run_container(ONBUILD_IMAGE, options=["-v", f"{folder}:/service:ro"], environment=EMBEDDED)
    container.wait_for_log("Building the service", 60)
    code, seconds = container.stop()
    assert code == 143 and seconds < 5


def test_hardened_under_another_id(run_container, sleeper_image):
    container = run_container(sleeper_image, options=[*HARDENED, "--user", "4242:4243"], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q")
    container.exec("svchost", "send", "q", "one:0", "--content-type", "text/plain")
    container.wait_for_log("ended one:0")
    status = container.exec("cat", "/proc/1/status")
    assert "Name:\tsvchost" in status
    assert "CapEff:\t0000000000000000" in status
    assert "Uid:\t4242" in status
    assert container.stop()[0] == 0


def test_without_any_place_to_write(run_container, broker, network, sleeper_image):
    """What needs one is said, and messages are processed all the same."""
    variables = {**broker.environment, "SleeperServiceProcessor_QUEUE_NAME": "read_only", "STATE_DIR": "/service/state"}
    container = run_container(sleeper_image, options=[*HARDENED, "--network", network], environment=variables)
    container.wait_for_log("Consuming from queue read_only")
    assert "Set STATE_DIR to a writable folder" in container.logs()
    broker.send("read_only", ["one:0"])
    container.wait_for_log("ended one:0")


def test_state_outlives_a_restart_of_the_container(run_container, sleeper_image):
    container = run_container(sleeper_image, options=["--read-only"], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q")
    container.stop()
    sender = ["run", "--rm", "--volumes-from", container.name, "-e", "MESSAGING_TYPE=SqliteConnection", HOST_IMAGE]
    docker(*sender, "send", "q", "later:0", "--content-type", "text/plain")
    docker("start", container.name)
    container.wait_for_log("ended later:0")


def test_examples(example_images, run_container):
    assert len(example_images) == 3
    cron = run_container(example_images["cron_service_example"],
                         options=[*HARDENED, "--env-file", ROOT / "cron_service_example/.env.example"])
    run_at = run_container(example_images["cron_run_at_example"],
                           options=[*HARDENED, "--env-file", ROOT / "cron_run_at_example/.env.example"])
    cron.wait_for_log("Cron processor called, 2 times so far")
    run_at.wait_for_log("Cron processor called for")
    for container in (cron, run_at):
        code, seconds = container.stop()
        assert code == 0 and seconds < 5


def test_wrong_configuration_ends_with_its_code(run_container, sleeper_image):
    container = run_container(sleeper_image, environment={**EMBEDDED, "NUM_THREADS": "many"})
    eventually(lambda: container.inspect("{{.State.Status}}") == "exited")
    assert container.inspect("{{.State.ExitCode}}") == "78"


def test_start_to_first_message(run_container, sleeper_image, tmp_path, capsys):
    """The same svchost, service and waiting message, in a container and outside. Figures for docs/DOCKER.md."""
    inside, started, outside = [], [], []
    for _ in range(5):
        container = docker("create", "-e", "LOG_FORMAT=json", *variables(EMBEDDED), sleeper_image).strip()
        docker("run", "--rm", "--volumes-from", container, *variables(EMBEDDED), HOST_IMAGE, "send", "q", "one:0", "--content-type", "text/plain")
        began = time.time()
        docker("start", container)
        eventually(lambda: "ended one:0" in docker("logs", container))
        ended = logged_at(docker("logs", container))
        inside.append(ended - began)
        started.append(ended - iso_seconds(docker("inspect", "-f", "{{.State.StartedAt}}", container).strip()))
        docker("rm", "-f", "-v", container)

    # Outside, with what is in the images: this machine is of the same system.
    docker("create", "--name", "rococo-test-copy", sleeper_image)
    docker("cp", "rococo-test-copy:/usr/bin/svchost", tmp_path / "svchost")
    docker("cp", "rococo-test-copy:/usr/local/lib/rococo/services/sleeper.service.so", tmp_path / "sleeper.service.so")
    docker("rm", "rococo-test-copy")
    environment = {**os.environ, **EMBEDDED, "LOG_FORMAT": "json", "EXIT_WHEN_FINISHED": "1", "LC_ALL": "C"}
    for _ in range(5):
        subprocess.run([tmp_path / "svchost", "send", "q", "one:0", "--content-type", "text/plain"], cwd=tmp_path, env=environment, check=True)
        began = time.time()
        done = subprocess.run([tmp_path / "svchost"], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
        outside.append(logged_at(done.stdout + done.stderr) - began)

    inside, started, outside = (1000 * statistics.median(times) for times in (inside, started, outside))
    with capsys.disabled():
        print(f"\n  start to first message: outside {outside:.0f} ms; in the container {started:.0f} ms after its process started, "
              f"{inside:.0f} ms after docker start")
    assert started < 20 * outside + 500
