# SPDX-License-Identifier: MIT
"""Services as users of the original have them, started in the ways they are started there."""

import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest
from support.host import ServiceFolder, executable
from support.wheels import write_wheel

ROOT = pathlib.Path(__file__).parents[3]
FRONT = ROOT / "rococo_svchost" / "processors" / "python" / "front"
PYTHON = "/usr/bin/python3"  # Debian's, which has pip, venv and Poetry

MAIL = """
    from logger import Logger
    from rococo.messaging import BaseServiceProcessor
    {imports}
    logger = Logger().get_logger()

    class OrderMailProcessor(BaseServiceProcessor):
        def __init__(self):
            super().__init__()
            logger.info("made")

        def process(self, message):
            logger.info("mail to %s", {who})
            return True
"""


def write(folder, files):
    for name, text in files.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def mail(imports="", who="message['to']"):
    return textwrap.dedent(MAIL).format(imports=imports, who=who)


# What a service of the original has in its environment.
ENVIRONMENT = {
    "EXECUTION_TYPE": "MESSAGING",
    "PROCESSOR_TYPE": "OrderMailProcessor",
    "OrderMailProcessor_QUEUE_NAME": "mails",
    "EXIT_WHEN_FINISHED": "1",
}


@pytest.fixture
def app(tmp_path):
    """/app of the image for the original 0.1.x, in another folder."""
    folder = ServiceFolder(tmp_path / "app", library=None, **ENVIRONMENT)
    shutil.copytree(ROOT / "rococo_service_base" / "app", folder.path, dirs_exist_ok=True)
    for file in folder.path.glob("src/*.py"):
        file.write_text(file.read_text().replace("/usr/share/rococo/python/front", str(FRONT)))
    return folder


def run(folder, *words, **more):
    environment = folder.environment(ROCOCO_SVCHOST=executable("svchost"), **more)
    return subprocess.run(words, cwd=folder.path, env=environment, capture_output=True, text=True, timeout=240)


def log_of(folder, *words, **more):
    """Sends a message, runs the service until the queue is empty, and gives its log."""
    folder.send("mails", '{"to": "Ada"}')
    done = run(folder, *words, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 acknowledged" in done.stderr
    return done.stdout + done.stderr


def test_a_service_in_a_namespace_package_below_services(app):
    write(app.path, {
        "pyproject.toml": '[tool.poetry]\nname = "order-mailer"\nversion = "3.1.4"\ndescription = ""\nauthors = []\n',
        "src/services/order_mailer/src/order_mail_processor.py": mail("from services.order_mailer.src.names import called", "called(message)"),
        "src/services/order_mailer/src/names.py": "def called(message):\n    return 'Dr. ' + message['to']\n",
    })  # fmt: skip
    log = log_of(app, PYTHON, "src/process.py", PROCESSOR_MODULE="services.order_mailer.src.order_mail_processor", PYTHONPATH=app.path)
    assert "Service Processor Version: 3.1.4" in log
    assert "[INFO] order_mail_processor:" in log and "mail to Dr. Ada" in log
    version = run(app, PYTHON, "src/version.py")
    assert version.stdout == "Order-Mailer running at version: 3.1.4\n"


def test_a_service_that_lies_in_src_beside_the_hosts_modules(app):
    write(app.path, {
        "pyproject.toml": '[project]\nname = "mailer"\nversion = "0.2"\n',
        "src/processor.py": mail("from common.names import called\nfrom setup import GREETING", "GREETING + called(message)"),
        "src/common/names.py": "def called(message):\n    return message['to']\n",
        "src/setup.py": "GREETING = 'dear '\n",
    })  # fmt: skip
    log = log_of(app, PYTHON, "src/process.py", PROCESSOR_MODULE="processor")
    assert "mail to dear Ada" in log and "processor_module: processor" in log


def test_a_service_in_place_of_the_images_own(app):
    write(app.path, {"src/services/processor.py": mail()})
    assert "mail to Ada" in log_of(app, PYTHON, "src/process.py")


def test_the_images_own_service_logs_what_it_gets(app):
    app.settings["LoggingServiceProcessor_QUEUE_NAME"] = "mails"
    log = log_of(app, PYTHON, "src/process.py", PROCESSOR_TYPE="")
    assert "Received message: {'to': 'Ada'}" in log


def test_the_interpreter_is_the_one_that_ran_process_py(app, tmp_path):
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    write(app.path, {"src/services/processor.py": mail("import sys", "sys.prefix")})
    assert f"mail to {tmp_path}/venv" in log_of(app, tmp_path / "venv/bin/python", "src/process.py")


def test_a_constructor_that_needs_a_variable_which_is_missing_ends_it_with_70(app):
    write(app.path, {"src/services/processor.py": mail("import os\nHOST = os.environ['SMTP_HOST']")})
    done = run(app, PYTHON, "src/process.py")
    assert done.returncode == 70 and "SMTP_HOST" in done.stderr


# The layout of 1.0.0, with the wheel.


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run([ROOT / "packaging" / "wheel", "1.2.3", folder], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(done.stdout.strip())


@pytest.fixture
def package(tmp_path):
    """A service as a Poetry project, with a virtual environment in its folder."""
    folder = ServiceFolder(tmp_path / "order-mailer", library=None, **{**ENVIRONMENT, "PROCESSOR_TYPE": ""})
    write(folder.path, {
        "pyproject.toml": """
            [tool.poetry]
            name = "order-mailer"
            version = "1.0.7"
            description = ""
            authors = ["Nobody <nobody@rococo.invalid>"]

            [tool.poetry.dependencies]
            python = "^3.8"
            rococo-svchost = "^1.0.0"

            [build-system]
            requires = ["poetry-core"]
            build-backend = "poetry.core.masonry.api"
        """,
        "order_mailer/__init__.py": "",
        "order_mailer/processor.py": mail("from rococo_svchost import context\nimport sys", "sys.prefix + context.message_id[:0]").replace(
            "from logger", "from rococo_svchost.logger"),
    })  # fmt: skip
    subprocess.run([PYTHON, "-m", "venv", folder.path / ".venv"], check=True)
    return folder


def install(package, *wheels):
    pip = package.path / ".venv/bin/pip"
    subprocess.run([pip, "install", "-q", "--no-index", "--no-deps", "--force-reinstall", *wheels], check=True)


def test_the_module_process_of_the_wheel(package, wheel):
    install(package, wheel)
    log = log_of(package, package.path / ".venv/bin/python", "-m", "rococo_svchost.process")
    assert f"mail to {package.path}/.venv" in log and "Service Processor Version: 1.0.7" in log


def test_the_script_svchost_of_the_wheel_by_poetry(package, wheel):
    install(package, wheel)
    poetry = shutil.which("poetry")
    if poetry is None:
        pytest.skip("Poetry is not installed")
    log = log_of(package, poetry, "run", "svchost", POETRY_VIRTUALENVS_IN_PROJECT="true")
    assert f"mail to {package.path}/.venv" in log


def test_the_script_says_where_it_has_looked_for_the_program(package, wheel):
    install(package, wheel)
    environment = {"PATH": "/nowhere"}
    done = subprocess.run([package.path / ".venv/bin/svchost"], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 69 and "install the Debian package rococo-svchost, or name the program in ROCOCO_SVCHOST" in done.stderr
    environment["ROCOCO_SVCHOST"] = "/usr/bin/nothing"
    done = subprocess.run([package.path / ".venv/bin/svchost"], env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 69 and "ROCOCO_SVCHOST=/usr/bin/nothing is not svchost" in done.stderr


def test_the_originals_package_of_that_name_gives_way(package, tmp_path):
    """rococo-svchost 1.0.0 of the original in the environment: the service still imports ours."""
    original = write_wheel(tmp_path, "rococo-svchost", "1.0.0", {
        "rococo_svchost/__init__.py": "raise SystemExit('the original')\n",
        "rococo_svchost/logger.py": "raise SystemExit('the original')\n",
        "rococo_svchost/process.py": "def main():\n    raise SystemExit('the original')\n",
    }, scripts=["svchost = rococo_svchost.process:main"])  # fmt: skip
    install(package, original)
    log = log_of(package, executable("svchost"))
    assert f"mail to {package.path}/.venv" in log and "the original" not in log


def test_the_test_kit_of_the_wheel_needs_no_host(package, wheel):
    """BaseServiceProcessor comes with it, and a crash is played in a process of its own."""
    install(package, wheel)
    write(package.path, {
        "kit.py": """
            from rococo_svchost.testing import Host
            from order_mailer.processor import OrderMailProcessor
            print(Host(OrderMailProcessor).process({"to": "Ada"}).outcome)
            with Host(OrderMailProcessor, isolated=True) as host:
                print(host.process({"to": "Ada"}).outcome)
        """,
    })  # fmt: skip
    done = subprocess.run([package.path / ".venv/bin/python", "kit.py"], cwd=package.path, env={"PATH": os.environ["PATH"]},
                          capture_output=True, text=True, timeout=240)
    assert done.stdout == "ack\nack\n", done.stderr


def test_the_wheel_is_the_same_to_the_byte_for_the_same_sources(tmp_path):
    made = []
    for name in ("a", "b"):
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        subprocess.run([sys.executable, ROOT / "packaging" / "wheel", "1.2.3", tmp_path / name], check=True, env=environment, stdout=subprocess.DEVNULL)
        made.append((tmp_path / name / "rococo_svchost-1.2.3-py3-none-any.whl").read_bytes())
    assert made[0] == made[1]
