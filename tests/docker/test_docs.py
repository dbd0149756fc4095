# SPDX-License-Identifier: MIT
"""The commands of docs/DOCKER.md that need nothing but Docker, from the document's own text."""

import subprocess

import pytest
from conftest import ROOT, docker, eventually
from documents import read_blocks

# What the document makes, and what cannot be had here: an image to pull, and ports that may be somebody else's.
NAMES = ["service-example", "some-rabbit"]
NETWORK = "rabbitmq-network"
HERE = {"rabbitmq:3-management": "rococo-test-broker", "127.0.0.1:5672:": "127.0.0.1::", "127.0.0.1:15672:": "127.0.0.1::"}


@pytest.fixture
def removed_afterwards():
    existing = docker("ps", "-a", "--format", "{{.Names}}").split()
    assert not set(NAMES) & set(existing), f"remove the containers {NAMES} first"
    yield
    docker("rm", "-f", "-v", *NAMES, check=False)
    docker("network", "rm", NETWORK, check=False)
    docker("rmi", "-f", "service-example", check=False)


def test_a_service_beside_a_broker_from_a_fresh_clone(source_tree, removed_afterwards):
    blocks = [block.text for block in read_blocks(ROOT / "docs" / "DOCKER.md") if block.language == "bash"]
    (settings,) = [text for text in blocks if text.startswith("cp service_example/.env.example")]
    (running,) = [text for text in blocks if "docker network create" in text]
    # The reader's broker is up by the time that the image is built; a busy machine's may not be.
    is_up = "docker exec some-rabbit rabbitmq-diagnostics -q check_port_connectivity"
    running = running.replace("docker build ", f"until {is_up}; do sleep 1; done\ndocker build ")
    script = settings + running
    for said, here in HERE.items():
        assert said in script
        script = script.replace(said, here)
    done = subprocess.run(["bash", "-ec", script], cwd=source_tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=600)
    assert done.returncode == 0, done.stdout
    eventually(lambda: 'Received message: {"message": "Hello"}' in docker("logs", "service-example"), 60)
