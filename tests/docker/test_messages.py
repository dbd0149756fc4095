# SPDX-License-Identifier: MIT
"""Services on a network with a broker, as the README attaches them by hand; messages come from outside."""

import json
import os
import re
import subprocess
import time

from conftest import HARDENED, ROOT, ask, docker, eventually


def service(run_container, broker, network, image, queue, *options, **variables):
    environment = {**broker.environment, "SleeperServiceProcessor_QUEUE_NAME": queue, **variables}
    container = run_container(image, options=["--network", network, *options], environment=environment)
    container.wait_for_log("Consuming from queue")
    return container


def test_example_processes_messages_from_outside(run_container, broker, network, example_images, tmp_path):
    (tmp_path / ".env").write_text(
        "EXECUTION_TYPE=MESSAGING\nMESSAGING_TYPE=RabbitMqConnection\n"
        f"QUEUE_NAME_PREFIX=outside_\nChildLoggingServiceProcessor_QUEUE_NAME=orders\nRABBITMQ_HOST={broker.name}\n")
    (tmp_path / ".env.secrets").write_text(
        "".join(f"{key}={broker.environment[key]}\n" for key in ("RABBITMQ_USER", "RABBITMQ_PASSWORD")))
    files = ["--env-file", tmp_path / ".env", "--env-file", tmp_path / ".env.secrets"]
    container = run_container(example_images["service_example"], options=["--network", network, *HARDENED, *files])
    broker.send("outside_orders", [f'{{"number": {n}}}' for n in range(100)])
    container.wait_for_log('Received message: {"number": 99} to the child image!')
    code, seconds = container.stop()
    assert code == 0 and seconds < 5
    assert "100 acknowledged, 0 retried" in container.logs()
    assert broker.depth("outside_orders") == 0


def test_stop_drains_within_its_ten_seconds(run_container, broker, network, sleeper_image):
    container = service(run_container, broker, network, sleeper_image, "drain")
    broker.send("drain", ["first:4000", "second:4000", "third:4000"])
    container.wait_for_log("began first:4000")
    code, seconds = container.stop()
    logs = container.logs()
    assert code == 0
    assert 1 < seconds < 9, "what was in hand is finished, and nothing new begun"
    assert "ended first:4000" in logs and "began second" not in logs
    assert "1 acknowledged" in logs
    assert broker.depth("drain") == 2, "the others wait in the queue"


def test_work_that_outlasts_the_drain_comes_back(run_container, broker, network, sleeper_image):
    container = service(run_container, broker, network, sleeper_image, "outlast")
    broker.send("outlast", ["long:60000"])
    container.wait_for_log("began long")
    code, seconds = container.stop()
    assert code == 75 and seconds < 10, "svchost ends by itself before docker kills it"
    eventually(lambda: broker.depth("outlast") == 1)


def test_killed_and_restarted_nothing_is_lost(run_container, broker, network, sleeper_image):
    sent = {f"m{n}:20" for n in range(3000)}  # 15 s of work for four threads
    broker.send("killed", sorted(sent))
    container = service(run_container, broker, network, sleeper_image, "killed", NUM_THREADS="4")

    def ended():
        return set(re.findall(r"ended (\S+)", container.logs()))

    for share in (0.2, 0.5):
        eventually(lambda: len(ended()) >= share * len(sent), 60)
        docker("kill", "--signal", "KILL", container.name)
        assert len(ended()) < len(sent), "the kill came too late to show anything"
        docker("start", container.name)
    eventually(lambda: ended() >= sent, 90)
    assert container.stop()[0] == 0
    assert broker.depth("killed") == 0


def test_broker_that_restarts_is_connected_to_again(run_container, broker, network, sleeper_image):
    container = service(run_container, broker, network, sleeper_image, "again")
    broker.exec("rabbitmqctl", "-q", "close_all_connections", "test")
    broker.send("again", ["one:0"])
    container.wait_for_log("ended one:0", 60)


def test_stop_while_there_is_no_broker_to_connect_to(run_container, sleeper_image, network):
    container = run_container(
        sleeper_image, options=["--network", network],
        environment={"RABBITMQ_HOST": "nowhere.invalid", "SleeperServiceProcessor_QUEUE_NAME": "q"})
    container.wait_for_log("Service Processor Version")
    time.sleep(1)
    code, seconds = container.stop()
    assert seconds < 5, "PID 1 ignores a signal that it has no handler for"
    assert code == 0


def test_quotes_that_an_env_file_keeps_are_named_and_removed(run_container, broker, network, sleeper_image, tmp_path):
    (tmp_path / ".env").write_text('QUEUE_NAME_PREFIX="X_"\nSleeperServiceProcessor_QUEUE_NAME=\'quoted\'\n')
    container = run_container(
        sleeper_image, options=["--network", network, "--env-file", tmp_path / ".env"], environment=broker.environment)
    container.wait_for_log("Consuming from queue X_quoted at")
    warnings = [line for line in container.logs().splitlines() if "[WARNING]" in line and "quotes" in line]
    assert any("QUEUE_NAME_PREFIX" in line for line in warnings)
    assert any("SleeperServiceProcessor_QUEUE_NAME" in line for line in warnings)


def services_on(page):
    """The services of the hosts that a dashboard reaches."""
    status, text = ask(page, "/api/v1/fleet", token="example-page")
    assert status == 200, text
    return {host["status"]["service"]["name"] for host in json.loads(text)["hosts"] if host["reachable"]}


def test_compose_runs_broker_examples_sender_and_dashboard(tmp_path):
    """compose.yaml as it is, with Debian's docker-compose and Debian's RabbitMQ in place of the official image."""
    environment = {**os.environ, "BROKER_IMAGE": "rococo-test-broker", "BROKER_UI_PORT": "0", "DASHBOARD_PORT": "0",
                   "COMPOSE_PROJECT_NAME": "rococotest"}

    def compose(*words):
        done = subprocess.run(["docker-compose", *words], cwd=ROOT, env=environment, text=True, timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    def logged(service, text):
        eventually(lambda: text in compose("logs", "--no-color", service), 180)

    try:
        compose("--profile", "source", "up", "-d", "--build")
        logged("service_example", '"number": 1} to the child image!')
        logged("cron_service_example", "Cron processor called, 2 times so far")
        logged("cron_run_at_example", "Cron processor called for")
        logged("from_source", "to the child image!")
        page = compose("port", "dashboard", "9465").strip()
        assert ask(page, "/api/v1/fleet", token="example-hosts")[0] == 401, "the token of the hosts is not the page's"
        # Every example, by the one name that all hosts share.
        examples = {"ChildLoggingServiceProcessor", "CronLoggingServiceProcessor", "CronRunAtServiceProcessor"}
        eventually(lambda: services_on(page) == examples, 60)
        compose("stop")
        codes = docker("ps", "-a", "--filter", "label=com.docker.compose.project=rococotest", "--format",
                       "{{.Label \"com.docker.compose.service\"}} {{.Status}}")
        stopped = [line for line in codes.splitlines() if not line.startswith("broker")]
        assert len(stopped) == 6 and all("Exited (0)" in line for line in stopped), codes
    finally:
        compose("--profile", "source", "down", "-v", "--rmi", "local")
