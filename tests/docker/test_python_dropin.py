# SPDX-License-Identifier: MIT
"""The image that Dockerfiles of the original 0.1.x build on, with Dockerfiles and entry points as its users write them."""

import json
import threading

import pytest
from conftest import PYTHON_IMAGE, VERSION, docker, eventually
from python_services import EMBEDDED, processor, project, write

ENTRYPOINT = """\
    #!/bin/bash

    python src/version.py
    python src/process.py
"""

# A service in a namespace package below `services`, with the commands of Poetry that such Dockerfiles have.
DOCKERFILE = """\
    ARG SERVICE_HOST_VERSION=python-3.11
    FROM ecorrouge/rococo-service-host:${SERVICE_HOST_VERSION}

    WORKDIR /app

    COPY ./src/services/order_mailer ./src/services/order_mailer
    COPY ./pyproject.toml ./

    RUN poetry config virtualenvs.create false
    RUN poetry lock --no-update
    RUN poetry install --no-root --no-dev && poetry cache clear --all pypi
    SHELL ["/bin/bash", "-o", "pipefail", "-c"]
    RUN pip --version | grep python

    COPY ./docker-entrypoint.sh ./
    RUN chmod +x ./docker-entrypoint.sh

    ENV PROCESSOR_TYPE=OrderMailProcessor
    ENV PROCESSOR_MODULE=services.order_mailer.src.order_mail_processor
"""
BY_SCRIPT = 'ENTRYPOINT ["./docker-entrypoint.sh", "-l", "-c"]\n'
BY_POETRY = 'CMD ["poetry", "run", "python", "src/process.py"]\n'


def write_service(folder, start):
    imports = "from logger import Logger\nfrom services.order_mailer.src.names import called\n"
    return write(folder, {
        "Dockerfile": DOCKERFILE + start,
        "docker-entrypoint.sh": ENTRYPOINT,
        "pyproject.toml": project(version="3.1.4"),
        "src/services/order_mailer/src/order_mail_processor.py": processor(imports, '" + called(message) + "'),
        "src/services/order_mailer/src/names.py": "def called(message):\n    return f\"number {message['n']}\"\n",
    })  # fmt: skip


def inside(*words):
    return docker("run", "--rm", PYTHON_IMAGE, *words)


def stop_with_a_message_in_hand(container):
    """`docker stop` while it works: it is finished, and it is the only one; nobody is charged."""
    container.wait_for_log("Consuming from queue mails", 120)
    container.exec("bash", "-c", """printf '%s\\n' '{"n": 1, "wait": true}' '{"n": 2}' | svchost send mails -""")
    container.wait_for_log("began {'n': 1", 120)
    stopping = threading.Thread(target=docker, args=("stop", "-t", "300", container.name))
    stopping.start()
    container.wait_for_log("Draining: ", 240)
    container.exec("touch", "/tmp/go")
    stopping.join()
    log = container.logs()
    assert container.inspect("{{.State.ExitCode}}") == "0", log
    assert "Draining: " in log and "ended {'n': 1, 'wait': True} number 1" in log and "began {'n': 2" not in log
    docker("start", container.name)
    container.wait_for_log("ended {'n': 2} number 2", 120)
    docker("stop", "-t", "300", container.name)
    log = container.logs()
    assert log.count("began {'n': 1") == 1 and "attempt" not in log, log
    return log


def test_what_dockerfiles_of_the_original_find():
    config = json.loads(docker("inspect", "-f", "{{json .Config}}", PYTHON_IMAGE))
    assert not config.get("Entrypoint") and config["Cmd"] == ["svchost"] and config.get("User", "") in ("", "root", "0") and config["WorkingDir"] == "/app"
    assert {"PYTHONPATH=/app", "MESSAGING_TYPE=RabbitMqConnection", "EXECUTION_TYPE=MESSAGING"} <= set(config["Env"])
    assert docker("inspect", "-f", "{{.Id}}", PYTHON_IMAGE) == docker(
        "inspect", "-f", "{{.Id}}", f"ecorrouge/rococo-service-host:{VERSION}-python-3.11")
    listed = inside("bash", "-c", "id -u; cd /app/src && ls process.py version.py logger.py services/__init__.py services/processor.py info/pyproject.toml; "
                                "command -v bash python python3 poetry git curl gcc; python -m pip install --no-index --dry-run pip; cat info/pyproject.toml")
    assert listed.splitlines()[0] == "0" and "No such file" not in listed and "externally-managed" not in listed
    for program in ("bash", "python", "python3", "poetry", "git", "curl", "gcc"):
        assert f"bin/{program}\n" in listed
    assert f'version = "{VERSION}"' in listed


def test_modules_for_python_are_compiled():
    assert ".pyc" in inside("find", "/usr/share/rococo/python/front", "-name", "worker.cpython-*.pyc")


@pytest.mark.parametrize("tag", ["python-3.11", f"{VERSION}-python-3.11"])
def test_a_script_of_two_lines_drains(build_image, run_container, tmp_path, tag):
    image, _ = build_image(write_service(tmp_path, BY_SCRIPT), SERVICE_HOST_VERSION=tag)
    log = stop_with_a_message_in_hand(run_container(image, environment=EMBEDDED))
    assert "Order-Mailer running at version: 3.1.4" in log
    assert "Service Processor Version: 3.1.4" in log and f"Rococo Service Host Version: {VERSION}" in log


def test_a_script_below_the_init_of_docker_drains(build_image, run_container, tmp_path):
    image, _ = build_image(write_service(tmp_path, BY_SCRIPT))
    stop_with_a_message_in_hand(run_container(image, options=["--init"], environment=EMBEDDED))


def test_an_entry_point_that_watches_for_changes_starts_the_service_anew(build_image, run_container, tmp_path):
    folder = write_service(tmp_path, BY_SCRIPT)
    watching = "watchmedo auto-restart --recursive --pattern='*.py' --directory=/app/ python src/process.py"
    write(folder, {"docker-entrypoint.sh": ENTRYPOINT.replace("python src/process.py", watching)})
    container = run_container(build_image(folder)[0], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue mails", 120)
    container.exec("touch", "/app/src/services/order_mailer/src/names.py")
    eventually(lambda: container.logs().count("Consuming from queue mails") >= 2, 120)


def test_a_command_line_of_bash_drains(build_image, run_container, tmp_path):
    image, _ = build_image(write_service(tmp_path, ""))
    stop_with_a_message_in_hand(run_container(image, "bash", "-c", "python3 src/version.py && python3 src/process.py", environment=EMBEDDED))


def test_poetry_as_the_command_drains(build_image, run_container, tmp_path):
    image, _ = build_image(write_service(tmp_path, BY_POETRY))
    stop_with_a_message_in_hand(run_container(image, environment=EMBEDDED))


def test_the_images_own_command_drains(build_image, run_container, tmp_path):
    image, _ = build_image(write_service(tmp_path, ""))
    container = run_container(image, environment=EMBEDDED)
    stop_with_a_message_in_hand(container)


def test_a_service_that_lies_in_src_with_common_code_beside_it(build_image, run_container, tmp_path):
    write(tmp_path, {
        "Dockerfile": f"FROM {PYTHON_IMAGE}\nWORKDIR /app\nCOPY src/ /app/src/\nCOPY common/ /app/src/common/\nCOPY pyproject.toml /app/\n" + BY_POETRY,
        "pyproject.toml": project(version="0.9"),
        "src/processor.py": processor("from common.names import called\n", '" + called(message) + "'),
        "common/__init__.py": "",
        "common/names.py": "def called(message):\n    return 'by common'\n",
    })  # fmt: skip
    image, _ = build_image(tmp_path)
    container = run_container(image, environment={**EMBEDDED, "PROCESSOR_MODULE": "processor", "PROCESSOR_TYPE": "OrderMailProcessor"})
    container.wait_for_log("Consuming from queue mails", 120)
    container.exec("svchost", "send", "mails", '{"n": 1}')
    container.wait_for_log("ended {'n': 1} by common", 120)


def test_poetry_runs_the_image_as_it_is(run_container):
    """`poetry run` takes a pyproject.toml, which a service may not have brought to /app."""
    variables = {"MESSAGING_TYPE": "SqliteConnection", "LoggingServiceProcessor_QUEUE_NAME": "mails"}
    container = run_container(PYTHON_IMAGE, "poetry", "run", "python", "src/process.py", environment=variables)
    container.wait_for_log("Consuming from queue mails", 120)
    assert container.stop()[0] == 0


def test_options_that_poetry_2_has_no_more(tmp_path):
    """Its stand-in prints what it is given."""
    write(tmp_path, {"poetry.sh": "#!/bin/sh\nprintf '%s|' \"$@\"\n"})
    mounted = ["run", "--rm", "-v", f"{tmp_path}/poetry.sh:/opt/poetry/bin/poetry:ro", PYTHON_IMAGE, "poetry"]
    assert docker(*mounted, "lock", "--no-update", "-n") == "lock|-n|"
    assert docker(*mounted, "install", "--no-dev", "--no-root") == "install|--only|main|--no-root|"
    assert docker(*mounted, "run", "tool", "--no-dev", "a b", "") == "run|tool|--no-dev|a b||"


def test_messages_of_a_broker(build_image, run_container, tmp_path, broker, network):
    image, _ = build_image(write_service(tmp_path, BY_SCRIPT))
    variables = {**broker.environment, "QUEUE_NAME_PREFIX": "dropin_", "OrderMailProcessor_QUEUE_NAME": "mails"}
    container = run_container(image, options=["--network", network], environment=variables)
    broker.send("dropin_mails", ['{"n": 5}'])
    container.wait_for_log("ended {'n': 5} number 5", 120)
    eventually(lambda: broker.depth("dropin_mails") == 0)
    assert container.stop()[0] == 0


def test_the_image_as_it_is_logs_messages(run_container):
    container = run_container(PYTHON_IMAGE, environment={"MESSAGING_TYPE": "SqliteConnection", "LoggingServiceProcessor_QUEUE_NAME": "mails"})
    container.wait_for_log("Consuming from queue mails", 120)
    container.exec("svchost", "send", "mails", '{"n": 1}')
    container.wait_for_log("Received message: {'n': 1}", 120)


def test_a_service_that_cannot_be_run_ends_the_container_with_70(build_image, run_container, tmp_path):
    folder = write_service(tmp_path, BY_SCRIPT)
    write(folder, {"src/services/order_mailer/src/names.py": "import stripe_of_nobody\n"})
    container = run_container(build_image(folder)[0], environment=EMBEDDED)
    eventually(lambda: container.inspect("{{.State.Status}}") == "exited", 120)
    assert container.inspect("{{.State.ExitCode}}") == "70" and "stripe_of_nobody" in container.logs()
