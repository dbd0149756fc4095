# SPDX-License-Identifier: MIT
"""The onbuild image makes services in Python, under the name and with the build arguments that it has for those in C++."""

import os
import subprocess

import pytest
from conftest import HARDENED, ONBUILD_IMAGE, ROOT, VERSION, docker, eventually
from python_services import EMBEDDED, processor, write, write_package
from support.wheels import write_source_archive, write_wheel

DOCKERFILE = {"Dockerfile": f"FROM {ONBUILD_IMAGE}\n"}
# As users of the original have it.
WITH_COMMAND = {"Dockerfile": f'FROM {ONBUILD_IMAGE}\nCMD ["poetry", "run", "svchost"]\n'}


def handles_a_message(container, text="ended {'n': 1}"):
    container.wait_for_log("Consuming from queue mails", 300)
    container.exec("svchost", "send", "mails", '{"n": 1}')
    container.wait_for_log(text, 120)
    code, _ = container.stop()
    assert code == 0, container.logs()


def greetings(folder, version):
    return write_wheel(folder, "greetings", version, {"greetings.py": f"WORD = 'hello of {version}'\n"})


def of_service(image, *words):
    return docker("run", "--rm", "--entrypoint", words[0], image, *words[1:])


@pytest.mark.parametrize("dockerfile", [DOCKERFILE, WITH_COMMAND], ids=["one_line", "poetry_run_svchost"])
def test_a_poetry_project(build_image, run_container, tmp_path, dockerfile):
    write(write_package(tmp_path), {**dockerfile, ".env.secrets": "RABBITMQ_PASSWORD=of nobody's concern\n"})
    image, log = build_image(tmp_path, PIP_NO_INDEX=1)
    assert "Installing order_mailer-1.0.7-py3-none-any.whl" in log
    container = run_container(image, environment=EMBEDDED)
    handles_a_message(container)
    assert "Service Processor Version: 1.0.7" in container.logs() and "processor_module: order_mailer.processor" in container.logs()
    assert ".env.secrets" not in of_service(image, "ls", "-a", "/service")
    # Where the original has it, by its program's name, and not to be changed by its own process.
    assert of_service(image, "sh", "-c", "cd /app && ls && readlink -f $(command -v svchost) && id -u").splitlines()[-2:] == [
        "/usr/bin/svchost", "10001"]  # fmt: skip
    assert "Permission denied" in docker("run", "--rm", "--entrypoint", "touch", image, "/service/new", "/usr/local/lib/rococo/venv/new",
                                         check=False).stdout


def test_nobodys_copy_of_rococo_svchost_is_taken(build_image, run_container, tmp_path):
    """An index has a package of that name in a version that pyproject.toml asks for; ours is installed, and imported."""
    write(write_package(tmp_path, 'rococo-svchost = "^9.0"\n', "from rococo_svchost import context"), DOCKERFILE)
    write_wheel(tmp_path / "wheels", "rococo-svchost", "9.1", {"rococo_svchost/__init__.py": "raise SystemExit('of nobody')\n"})
    image, log = build_image(tmp_path, PIP_NO_INDEX=1, PIP_FIND_LINKS="/src/wheels")
    assert f"  rococo-svchost {VERSION}\n" in log.replace("rococo_svchost", "rococo-svchost")
    handles_a_message(run_container(image, environment=EMBEDDED))


def test_dependencies_in_the_versions_of_the_lock_file(build_image, tmp_path):
    write(write_package(tmp_path, 'greetings = "^1.0"\n', "import greetings"), DOCKERFILE)
    for version in ("1.0", "1.5"):
        greetings(tmp_path / "wheels", version)
    arguments = {"PIP_NO_INDEX": 1, "PIP_FIND_LINKS": "/src/wheels"}
    assert "  greetings 1.5\n" in build_image(tmp_path, **arguments)[1]
    lock = '[[package]]\nname = "greetings"\nversion = "{}"\n\n[[package]]\nname = "rococo-svchost"\nversion = "1.0.0"\n'
    write(tmp_path, {"poetry.lock": lock.format("1.0")})
    assert "  greetings 1.0\n" in build_image(tmp_path, **arguments)[1]
    write(tmp_path, {"poetry.lock": lock.format("0.9")})
    log = build_image(tmp_path, **arguments)[1]
    assert "poetry.lock does not go with pyproject.toml" in log and "  greetings 1.5\n" in log


@pytest.fixture
def developed(tmp_path):
    """A service whose dependency is in a wheel, and newer ones of it in dev_packages."""
    folder = write(write_package(tmp_path / "order-mailer", 'greetings = "^1.0"\n', "import greetings", '" + greetings.WORD + "'), DOCKERFILE)
    greetings(folder / "wheels", "1.0")
    development = folder / "dev_packages"
    for when, path in enumerate([
        greetings(development, "1.8"),
        write_source_archive(development, "greetings", "1.3", {"greetings/__init__.py": "WORD = 'hello of the archive'\n"}),
        write_wheel(development, "strangers", "1.0", {"strangers.py": ""}),
        write_wheel(development, "rococo-svchost", "1.0.0", {"rococo_svchost/__init__.py": "raise SystemExit('of nobody')\n"}),
        write(development, {"notes.txt": "no package"}) / "notes.txt",
    ]):  # fmt: skip
        os.utime(path, (1_700_000_000 + when, 1_700_000_000 + when))
    return folder


def test_dev_packages_replace_a_dependency_while_developing(build_image, run_container, developed):
    image, log = build_image(developed, PIP_NO_INDEX=1, PIP_FIND_LINKS="/src/wheels", ENVIRONMENT="development")
    assert "== dev_packages: ENVIRONMENT is 'development'" in log
    assert "  passed over: greetings-1.8-py3-none-any.whl (2023-11-14 22:13:20) is older\n" in log
    # The one that was changed last, whatever its version.
    assert "  replaced: greetings 1.0\n" in log
    assert "        by: greetings 1.3 of greetings-1.3.tar.gz (2023-11-14 22:13:21)\n" in log
    assert "strangers-1.0-py3-none-any.whl (2023-11-14 22:13:22) is strangers, which the service does not depend on" in log
    assert "rococo_svchost-1.0.0-py3-none-any.whl (2023-11-14 22:13:23) is svchost's own" in log
    assert "notes.txt (2023-11-14 22:13:24) is no wheel" in log
    assert "  greetings 1.3\n" in log
    handles_a_message(run_container(image, environment=EMBEDDED), "hello of the archive")


def test_what_is_in_dev_packages_alone_is_taken_from_there(build_image, developed):
    """A dependency that no index has yet."""
    for wheel in (developed / "wheels").iterdir():
        wheel.unlink()
    (developed / "dev_packages" / "greetings-1.3.tar.gz").unlink()
    log = build_image(developed, PIP_NO_INDEX=1, ENVIRONMENT="local")[1]
    assert "dev_packages is looked through, too" in log and "  greetings 1.8\n" in log


def test_dev_packages_are_ignored_in_production(build_image, run_container, developed):
    image, log = build_image(developed, PIP_NO_INDEX=1, PIP_FIND_LINKS="/src/wheels")
    assert "dev_packages is ignored: ENVIRONMENT is 'production'" in log and "  greetings 1.0\n" in log
    handles_a_message(run_container(image, environment=EMBEDDED), "hello of 1.0")


def test_source_is_run_without_a_dockerfile(run_container, tmp_path):
    write_package(tmp_path)
    container = run_container(ONBUILD_IMAGE, options=["-v", f"{tmp_path}:/service:ro"], environment={**EMBEDDED, "PIP_NO_INDEX": "1"})
    container.wait_for_log("Consuming from queue mails", 300)
    container.stop()
    docker("start", container.name)
    eventually(lambda: container.logs().count("Consuming from queue mails") == 2, 120)
    # What it depends on has not changed, so that nothing is installed anew.
    assert container.logs().count("Reading what the service depends on") == 1
    container.exec("svchost", "send", '{"n": 1}')
    container.wait_for_log("ended {'n': 1}", 120)
    assert container.stop()[0] == 0


def test_a_compose_file_without_a_dockerfile(tmp_path):
    folder = write_package(tmp_path / "order-mailer")
    write(tmp_path, {"compose.yaml": f"""\
        services:
          mailer:
            image: {ONBUILD_IMAGE}
            command: svchost
            volumes: ["{folder}:/service:ro"]
            environment: {{MESSAGING_TYPE: SqliteConnection, OrderMailProcessor_QUEUE_NAME: mails, PIP_NO_INDEX: "1"}}
          poets:
            image: {ONBUILD_IMAGE}
            command: poetry run svchost
            volumes: ["{folder}:/service:ro"]
            environment: {{MESSAGING_TYPE: SqliteConnection, OrderMailProcessor_QUEUE_NAME: mails, PIP_NO_INDEX: "1"}}
        """})

    def compose(*words):
        done = subprocess.run(["docker-compose", "-f", "compose.yaml", "-p", "rococotestpython", *words], cwd=tmp_path, text=True, timeout=600,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    try:
        compose("up", "-d")
        for service in ("mailer", "poets"):
            eventually(lambda: "Consuming from queue mails" in compose("logs", "--no-color", service), 300)
            compose("exec", "-T", service, "svchost", "send", "mails", '{"n": 1}')
            eventually(lambda: "ended {'n': 1}" in compose("logs", "--no-color", service), 120)
        compose("stop")
        ended = docker("ps", "-a", "--filter", "label=com.docker.compose.project=rococotestpython", "--format", "{{.Status}}")
        assert ended.count("Exited (0)") == 2, ended
    finally:
        compose("down", "-v")


def test_a_folder_with_a_processor_and_nothing_else(build_image, run_container, tmp_path):
    write(tmp_path, {**DOCKERFILE, "processor.py": processor()})
    handles_a_message(run_container(build_image(tmp_path)[0], environment=EMBEDDED))


def test_a_new_service_has_a_dockerfile_that_builds(build_image, run_container, tmp_path):
    docker("run", "--rm", "-v", f"{tmp_path}:/work", "-w", "/work", "--user", "0", "--entrypoint", "svchost", ONBUILD_IMAGE, "new", "mails", "--python")
    assert (tmp_path / "mails" / "Dockerfile").read_text().startswith(f"FROM {ONBUILD_IMAGE}")
    image, _ = build_image(tmp_path / "mails")
    assert ".env" not in of_service(image, "ls", "-A", "/service").split()
    container = run_container(image, environment={"MESSAGING_TYPE": "SqliteConnection", "MailsServiceProcessor_QUEUE_NAME": "mails"})
    handles_a_message(container, "Received message: {'n': 1}")


def test_the_example(build_image, run_container):
    image, _ = build_image(ROOT / "python_service_example")
    container = run_container(image, options=[*HARDENED, "--env-file", ROOT / "python_service_example/.env.example"], environment=EMBEDDED)
    container.wait_for_log("Consuming from queue PythonLoggingServiceProcessor", 120)
    assert container.stop()[0] == 0


def test_a_build_backend_that_cannot_be_had(build_image, run_container, tmp_path):
    """Without an index, as PIP_NO_INDEX says, the service is run from its folder. With one, that is an error."""
    backend = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    write(tmp_path, {**DOCKERFILE, "pyproject.toml": f'[project]\nname = "order-mailer"\nversion = "1.1"\n{backend}', "order_mailer/processor.py": processor()})
    image, log = build_image(tmp_path, PIP_NO_INDEX=1)
    assert "the build backend is not here" in log
    handles_a_message(run_container(image, environment=EMBEDDED))
    built = docker("build", "--build-arg", "PIP_INDEX_URL=http://127.0.0.1:1/", tmp_path, check=False)
    assert built.returncode != 0 and "the build backend of pyproject.toml has failed" in built.stdout, built.stdout


@pytest.mark.parametrize("files, text", [
    ({"pyproject.toml": '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.12"\n'}, "pyproject.toml asks for Python >=3.12, and this image has 3.11"),
    ({"pyproject.toml": '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\npython = "^3.12"\n'}, "pyproject.toml asks for Python ^3.12, and this image has 3.11"),
    ({"pyproject.toml": "[project\n"}, "pyproject.toml cannot be read: "),
    ({"pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["no such @@"]\n'}, "'no such @@' is no dependency as pip knows it"),
    ({"requirements.txt": "greetings\n", "processor.py": ""}, "No matching distribution found for greetings"),
    ({"readme.txt": ""}, "there is neither CMakeLists.txt nor pyproject.toml nor processor.py"),
])  # fmt: skip
def test_what_cannot_be_built_says_why(tmp_path, files, text):
    write(tmp_path, {**DOCKERFILE, **files})
    built = docker("build", "--build-arg", "PIP_NO_INDEX=1", tmp_path, check=False)
    assert built.returncode != 0 and text in built.stdout, built.stdout
