# SPDX-License-Identifier: MIT
"""What the tests of images and packages share. `run` beside this file builds what they test."""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests" / "docs"), str(ROOT / "tests" / "integration")]

VERSION = re.search(r"^project\([^)]*?VERSION\s+([\d.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]
HOST_REPOSITORY = "ecorrouge/rococo-service-host"
ONBUILD_REPOSITORY = "ecorrouge/rococo-service-base-onbuild"
HOST_IMAGE = f"{HOST_REPOSITORY}:cpp"
DEBUG_IMAGE = f"{HOST_REPOSITORY}:cpp-debug"
PYTHON_IMAGE = f"{HOST_REPOSITORY}:python-3.11"
ONBUILD_IMAGE = f"{ONBUILD_REPOSITORY}:cpp"

HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
USER, PASSWORD = "rabbituser", "rabbituserpass"

# Sleeps as many milliseconds as the message says, so that there is something in hand when it is wanted.
SLEEPER = """\
#include <chrono>
#include <rococo/service.hpp>
#include <string>
#include <thread>

class SleeperServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        const std::string body(message.body());
        rococo::logger().info("began {}", body);
        std::this_thread::sleep_for(std::chrono::milliseconds(std::stoi(body.substr(body.find(':') + 1))));
        rococo::logger().info("ended {}", body);
    }
};
ROCOCO_PROCESSOR(SleeperServiceProcessor)
"""
SLEEPER_CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(sleeper VERSION 2.3.4 LANGUAGES CXX)
find_package(rococo 1 REQUIRED)
rococo_add_service(processor.cpp)
"""


def docker(*words, check=True, **options):
    """Runs docker; gives what it printed, both streams together."""
    done = subprocess.run(
        ["docker", *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, **options
    )
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(map(str, words))} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout if check else done


def eventually(condition, seconds=30):
    """Waits until the condition holds; gives its value."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(0.1)


def ask(address, path, token=None, body=None):
    """(status, text) of what an admin port or a dashboard answers; a body, even an empty one, makes it a POST of JSON."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}{path}", data, headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Container:
    """A running container, with what the tests ask of it."""

    def __init__(self, name):
        self.name = name

    def logs(self):
        return docker("logs", self.name)

    def wait_for_log(self, text, seconds=30):
        eventually(lambda: text in self.logs(), seconds)

    def inspect(self, template):
        return docker("inspect", "-f", template, self.name).strip()

    def exec(self, *words, **options):
        return docker("exec", self.name, *words, **options)

    def admin_address(self):
        """Where the admin port is published."""
        return docker("port", self.name, "9464/tcp").splitlines()[0].strip()

    def stop(self):
        """docker stop with its 10 s; gives the exit code and how long it took."""
        started = time.monotonic()
        docker("stop", self.name)
        return int(self.inspect("{{.State.ExitCode}}")), time.monotonic() - started


@pytest.fixture
def run_container():
    """Starts containers, and removes them and their volumes afterwards."""
    names = []

    def start(image, *command, options=(), environment=None):
        name = f"rococo-test-{uuid.uuid4().hex[:8]}"
        names.append(name)
        variables = [word for key, value in (environment or {}).items() for word in ("-e", f"{key}={value}")]
        docker("run", "-d", "--name", name, *options, *variables, image, *command)
        return Container(name)

    yield start
    for name in names:
        docker("rm", "-f", "-v", name, check=False)


@pytest.fixture(scope="session")
def network():
    name = f"rococo-test-{uuid.uuid4().hex[:8]}"
    docker("network", "create", name)
    yield name
    docker("network", "rm", name, check=False)


class Broker(Container):
    """RabbitMQ in a container; published on a free port of loopback for clients from outside."""

    def __init__(self, name):
        super().__init__(name)
        self.port = int(docker("port", name, "5672/tcp").splitlines()[0].rsplit(":", 1)[1])
        self.environment = {"RABBITMQ_HOST": name, "RABBITMQ_USER": USER, "RABBITMQ_PASSWORD": PASSWORD}

    def connect(self):
        import pika

        credentials = pika.PlainCredentials(USER, PASSWORD)
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, credentials=credentials))

    def send(self, queue, bodies):
        import pika

        connection = self.connect()
        channel = connection.channel()
        channel.queue_declare(queue, durable=True)
        for body in bodies:
            channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2))
        channel.close()  # answered once the broker has all of them; a confirm for each would take minutes
        connection.close()

    def depth(self, queue):
        connection = self.connect()
        count = connection.channel().queue_declare(queue, passive=True).method.message_count
        connection.close()
        return count


@pytest.fixture(scope="session")
def broker(network):
    name = f"rococo-test-{uuid.uuid4().hex[:8]}"
    variables = ["-e", f"RABBITMQ_DEFAULT_USER={USER}", "-e", f"RABBITMQ_DEFAULT_PASS={PASSWORD}"]
    docker("run", "-d", "--name", name, "--network", network, "-p", "127.0.0.1::5672", *variables, "rococo-test-broker")
    check = ("exec", name, "rabbitmq-diagnostics", "-q", "check_port_connectivity")
    try:
        eventually(lambda: docker(*check, check=False).returncode == 0, 120)
        yield Broker(name)
    finally:
        docker("rm", "-f", "-v", name, check=False)


@pytest.fixture(scope="session")
def build_image():
    """Builds an image of a folder; gives its name and the build's log. Removes it afterwards."""
    names = []

    def build(folder, **arguments):
        name = f"rococo-test-image-{uuid.uuid4().hex[:8]}"
        words = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
        log = docker("build", *words, "-t", name, folder)
        names.append(name)
        return name, log

    yield build
    for name in names:
        docker("rmi", "-f", name, check=False)


def write_sleeper(folder, dockerfile=f"FROM {ONBUILD_IMAGE}\n"):
    """A service in a folder with nothing but three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "processor.cpp").write_text(SLEEPER)
    (folder / "CMakeLists.txt").write_text(SLEEPER_CMAKE)
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


@pytest.fixture(scope="session")
def sleeper_image(build_image, tmp_path_factory):
    """The recommended two-stage image of the sleeper."""
    dockerfile = f"FROM {ONBUILD_IMAGE} AS build\nFROM {HOST_IMAGE}\nCOPY --from=build /usr/local /usr/local\n"
    return build_image(write_sleeper(tmp_path_factory.mktemp("sleeper"), dockerfile))[0]


@pytest.fixture(scope="session")
def example_images(build_image):
    """The image of each example, built as its Dockerfile says."""
    names = ["service_example", "cron_service_example", "cron_run_at_example"]
    return {name: build_image(ROOT / name)[0] for name in names}


@pytest.fixture
def source_tree(tmp_path):
    """The project's files as they are committed or about to be, without what was built."""
    tree = tmp_path / "source"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    return tree


def run_check(name, *words):
    """Runs the check.mjs of a folder beside this file, with its packages in build/; gives how it ended."""
    folder = ROOT / "build" / "checks" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "check.mjs"):
        shutil.copy(Path(__file__).parent / name / file, folder / file)
    if not (folder / "node_modules").is_dir():
        subprocess.run(["npm", "install", "--no-package-lock", "--silent", "--no-fund", "--no-audit"], cwd=folder, check=True)
    return subprocess.run(["node", "check.mjs", *map(str, words)], cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
