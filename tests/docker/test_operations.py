# SPDX-License-Identifier: MIT
"""What operators see of a container: its health, the admin port, and who may do what over it."""

import contextlib
import json
import subprocess

import pytest
from conftest import HARDENED, HOST_IMAGE, ONBUILD_IMAGE, ask, docker, eventually

EMBEDDED = {"MESSAGING_TYPE": "SqliteConnection", "SleeperServiceProcessor_QUEUE_NAME": "q"}
# Docker's own options, so that the tests need not wait for the image's intervals.
QUICK_HEALTH = ["--health-interval", "1s", "--health-retries", "2", "--health-start-period", "1s"]
PUBLISHED = ["-p", "127.0.0.1::9464"]


def health_of(container):
    return container.inspect("{{.State.Health.Status}}")


@contextlib.contextmanager
def stopped(container):
    """Keeps the host from running, as one that hangs."""
    process = container.inspect("{{.State.Pid}}")
    subprocess.run(["kill", "-STOP", process], check=True)
    try:
        yield
    finally:
        subprocess.run(["kill", "-CONT", process], check=True)


@pytest.mark.parametrize("image", [HOST_IMAGE, ONBUILD_IMAGE])
def test_images_ask_svchost_for_its_health_and_open_the_admin_port(image):
    assert json.loads(docker("inspect", "-f", "{{json .Config.Healthcheck.Test}}", image)) == ["CMD", "svchost", "health"]
    environment = json.loads(docker("inspect", "-f", "{{json .Config.Env}}", image))
    assert {"ADMIN_PORT=9464", "ADMIN_ADDRESS=0.0.0.0"} <= set(environment)
    assert "9464/tcp" in docker("inspect", "-f", "{{json .Config.ExposedPorts}}", image)


def test_healthy_while_it_runs_and_unhealthy_while_it_hangs(run_container, sleeper_image):
    container = run_container(sleeper_image, options=[*HARDENED, *QUICK_HEALTH], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q")
    eventually(lambda: health_of(container) == "healthy", 60)
    assert container.exec("svchost", "health").count("\n") == 1, "one line"
    assert container.exec("rococo-healthcheck").count("\n") == 1, "older probes go on"
    with stopped(container):
        eventually(lambda: health_of(container) == "unhealthy", 60)
    eventually(lambda: health_of(container) == "healthy", 60)


def test_nobody_there_is_not_healthy(run_container):
    container = run_container(HOST_IMAGE, "600", options=["--entrypoint", "sleep", *QUICK_HEALTH])
    assert container.exec("svchost", "health", check=False).returncode == 69
    eventually(lambda: health_of(container) == "unhealthy", 60)


def test_healthy_without_a_place_for_the_socket(run_container, sleeper_image, broker, network):
    """Over the admin port instead."""
    variables = {**broker.environment, "SleeperServiceProcessor_QUEUE_NAME": "no_socket", "STATE_DIR": "/service/state"}
    container = run_container(sleeper_image, options=[*HARDENED, *QUICK_HEALTH, "--network", network], environment=variables)
    container.wait_for_log("Consuming from queue no_socket")
    eventually(lambda: health_of(container) == "healthy", 60)


def test_without_its_broker_it_is_healthy_but_not_ready(run_container, sleeper_image, broker, network):
    variables = {**broker.environment, "SleeperServiceProcessor_QUEUE_NAME": "ready", "RABBITMQ_HEARTBEAT": "2s"}
    container = run_container(sleeper_image, options=[*QUICK_HEALTH, "--network", network], environment=variables)
    container.wait_for_log("Consuming from queue ready")
    assert container.exec("svchost", "health", "--ready", check=False).returncode == 0
    docker("network", "disconnect", network, container.name)
    eventually(lambda: container.exec("svchost", "health", "--ready", check=False).returncode == 1, 60)
    assert container.exec("svchost", "health", check=False).returncode == 0
    docker("network", "connect", network, container.name)
    eventually(lambda: container.exec("svchost", "health", "--ready", check=False).returncode == 0, 60)


def test_probes_and_metrics_answer_everybody_and_the_rest_nobody_without_a_token(run_container, sleeper_image):
    container = run_container(sleeper_image, options=PUBLISHED, environment=EMBEDDED)
    container.wait_for_log("Consuming from queue q")
    address = container.admin_address()
    for path in ("/startupz", "/readyz", "/livez"):
        status, text = ask(address, path)
        assert (status, json.loads(text)["status"]) == (200, "ok"), path
    status, text = ask(address, "/metrics")
    assert status == 200 and "rococo_build_info{" in text
    assert ask(address, "/api/v1/status")[0] in (401, 403)
    assert ask(address, "/api/v1/pause", body={})[0] in (401, 403)
    assert json.loads(ask(address, "/readyz")[1])["paused"] is False


def test_token_opens_the_api_to_who_has_it(run_container, sleeper_image):
    container = run_container(sleeper_image, options=PUBLISHED, environment={**EMBEDDED, "ADMIN_TOKEN": "a-secret"})
    container.wait_for_log("Consuming from queue q")
    address = container.admin_address()
    assert ask(address, "/api/v1/status", token="another")[0] == 401
    status, text = ask(address, "/api/v1/status", token="a-secret")
    assert status == 200 and json.loads(text)["queue"]["name"] == "q"
    assert ask(address, "/api/v1/pause", token="a-secret", body={"reason": "test"})[0] == 200
    assert json.loads(ask(address, "/readyz")[1])["paused"] is True
    assert "a-secret" not in container.logs()


def test_two_hosts_on_one_network_say_how_to_share_it(run_container, sleeper_image):
    """`--network host`: the second one finds the port taken, ends with 78, and starts with another port or none."""
    first = run_container(sleeper_image, options=["--network", "host"], environment={**EMBEDDED, "ADMIN_PORT": "19464"})
    first.wait_for_log("Consuming from queue q")
    second = run_container(sleeper_image, options=["--network", "host"], environment={**EMBEDDED, "ADMIN_PORT": "19464"})
    eventually(lambda: second.inspect("{{.State.Status}}") == "exited")
    assert second.inspect("{{.State.ExitCode}}") == "78"
    assert "ADMIN_PORT" in second.logs() and "19464" in second.logs()
    third = run_container(sleeper_image, options=["--network", "host"], environment={**EMBEDDED, "ADMIN_PORT": ""})
    third.wait_for_log("Consuming from queue q")
