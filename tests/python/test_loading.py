# SPDX-License-Identifier: MIT
"""Layouts, sys.path, and what is found out: package, version, module, class."""

import pytest
from fake_host import Refused, write_files

BASE = "from rococo.messaging import BaseServiceProcessor\n"
MINE = BASE + "class MineServiceProcessor(BaseServiceProcessor):\n    def process(self, message):\n        pass\n"


def project(name, version="0.1.0", table="project", more=""):
    return f'[build-system]\nrequires = ["poetry-core"]\n\n[{table}]\nname = "{name}"\nversion = "{version}"\n{more}'


def found(host):
    return tuple(host.ready[key] for key in ("package", "version", "module", "type"))


def refusal(serve, files, **hello):
    with pytest.raises(Refused) as refused:
        serve(files, **hello)
    assert refused.value.code == 70
    return refused.value.meta


# Layouts.


@pytest.mark.all_pythons
@pytest.mark.parametrize("table", ["project", "tool.poetry"])
def test_the_layout_of_1_0_0_with_nothing_installed(serve, table):
    files = {
        "pyproject.toml": project("my.first-orders", "2.0.1", table),
        "my_first_orders/__init__.py": "",
        "my_first_orders/processor.py": MINE.replace(BASE, BASE + "from rococo_svchost.logger import Logger\nlogger = Logger().get_logger()\n"),
    }
    assert found(serve(files)) == ("my_first_orders", "2.0.1", "my_first_orders.processor", "MineServiceProcessor")


@pytest.mark.all_pythons
def test_the_layout_of_0_1_x_with_a_namespace_package(serve, tmp_path):
    """`/app/src/services/NAME/src/module.py` with no __init__ anywhere, `from logger import Logger`, and `common` beside it."""
    files = {
        "pyproject.toml": project("email-transmitter", "3.1.4", "tool.poetry"),
        "src/common/tools.py": "VALUE = 1\n",
        "src/services/email_transmitter/src/email_processor.py": "from logger import Logger\nfrom common.tools import VALUE\n" + MINE,
    }
    host = serve(files, module="services.email_transmitter.src.email_processor", type="MineServiceProcessor")
    assert found(host)[1:] == ("3.1.4", "services.email_transmitter.src.email_processor", "MineServiceProcessor")


def test_a_service_with_src_and_a_bare_module(serve):
    host = serve({"src/processor.py": "import common.x\n" + MINE, "src/common/x.py": ""}, module="processor")
    assert found(host) == ("processor", "", "processor", "MineServiceProcessor")


@pytest.mark.parametrize("where", ["processor.py", "src/processor.py", "services/processor.py", "src/services/processor.py"])
def test_a_processor_without_a_project(serve, where):
    assert serve({where: MINE}).ready["module"] == ("services.processor" if "services" in where else "processor")


def test_packages_of_poetry_are_followed(serve):
    files = {
        "pyproject.toml": project("orders", "1.0", "tool.poetry", 'packages = [\n  { include = "shop", from = "lib" }, # ours\n]\n'),
        "lib/shop/processor.py": MINE,
    }
    assert found(serve(files)) == ("shop", "1.0", "shop.processor", "MineServiceProcessor")


def test_the_one_processor_below_the_package(serve):
    files = {"pyproject.toml": project("orders"), "orders/__init__.py": "", "orders/deep/er/processor.py": MINE, "orders/tests/processor.py": ""}
    assert serve(files).ready["module"] == "orders.deep.er.processor"
    meta = refusal(serve, {**files, "orders/other/processor.py": MINE})
    assert meta["stage"] == "choice" and meta["candidates"] == ["orders.deep.er.processor", "orders.other.processor"]
    assert "PROCESSOR_MODULE" in meta["text"]


def test_what_is_installed_gives_the_version(serve, tmp_path):
    write_files(tmp_path / "env/site-packages", {"My_Orders-9.9.1.dist-info/METADATA": "", "my_orders/processor.py": MINE})
    host = serve({"pyproject.toml": project("my-orders", "1.0")}, env={"PYTHONPATH": str(tmp_path / "env/site-packages")})
    assert found(host) == ("my_orders", "9.9.1", "my_orders.processor", "MineServiceProcessor")


@pytest.mark.all_pythons
def test_a_virtual_environment(serve, python, tmp_path, clean_env):
    import subprocess

    from fake_host import FakeHost

    subprocess.run([python, "-m", "venv", "--without-pip", "--symlinks", tmp_path / "venv"], check=True, env=clean_env)
    (packages,) = (tmp_path / "venv/lib").glob("python3*/site-packages")
    write_files(packages, {"installed_here.py": "", "orders-4.0.dist-info/METADATA": ""})
    write_files(tmp_path / "service", {"pyproject.toml": project("orders"), "orders/processor.py": MINE + "import installed_here\n"})
    with FakeHost(tmp_path / "service", python=tmp_path / "venv/bin/python", env=clean_env) as host:
        assert str(tmp_path / "venv/bin/python") in host.ready["interpreter"] and host.ready["version"] == "4.0"


def test_a_project_file_that_cannot_be_read_is_noted(serve):
    host = serve({"pyproject.toml": b"[project]\nname = \xff\n", "processor.py": MINE})
    assert "pyproject.toml cannot be read" in host.ready["notes"][0]


# sys.path.


@pytest.mark.all_pythons
def test_the_order_of_the_path(serve, tmp_path):
    code = MINE + "import sys, logging\nlogging.info('%s', sys.path)\n"
    extra = tmp_path / "extra"
    extra.mkdir()
    host = serve(
        {"src/a.py": "", "processor.py": code}, path=f"{extra}:relative", env={"PYTHONPATH": f"{tmp_path}/pp"}, module="processor"
    )  # fmt: skip
    path = eval(host.logged("front")[0])
    service = str(tmp_path / "service")
    assert path[0].endswith("python/front")
    assert path[1:6] == [str(extra), f"{service}/relative", f"{service}/src", service, f"{tmp_path}/pp"]
    assert path[-2].endswith("python/back") and path[-1].endswith("python/legacy")
    assert not [entry for entry in path if entry.endswith("rococo_svchost")]


def test_modules_named_as_ours(serve, tmp_path):
    """The service's `logger` and `services` win over ours; `rococo_svchost` is ours, whatever lies beside it or is installed."""
    write_files(tmp_path / "site-packages", {"rococo_svchost/__init__.py": "1 / 0\n", "rococo_svchost/processor.py": ""})
    files = {
        "logger.py": "WHOSE = 'mine'\n",
        "services/__init__.py": "WHOSE = 'mine'\n",
        "rococo_svchost/__init__.py": "1 / 0\n",
        "processor.py": MINE + "import logger, services, logging, rococo_svchost.logger\nlogging.info('%s %s', logger.WHOSE, services.WHOSE)\n",
    }
    host = serve(files, env={"PYTHONPATH": str(tmp_path / "site-packages")})
    assert host.logged("mine") == ["mine mine"]


def test_no_package_services_of_ours_hides_a_namespace_package(serve):
    host = serve({"src/services/a/b.py": "", "processor.py": MINE + "import services.a.b, version, logger\n"}, module="processor")
    assert host.ready["type"] == "MineServiceProcessor"


# Importing.


def test_a_module_that_is_missing_is_named_with_its_place(serve):
    meta = refusal(serve, BASE + "\nimport stripe_of_nobody\n")
    assert meta["stage"] == "import" and "No module named 'stripe_of_nobody'" in meta["text"] and "processor.py:3" in meta["text"]
    assert "loading.py" not in meta["traceback"] and "import stripe_of_nobody" in meta["traceback"]
    meta = refusal(serve, "from rococo.emailing.factory import email_factory\n")
    assert "install rococo" in meta["text"]


def test_a_processor_module_that_is_missing(serve, tmp_path):
    meta = refusal(serve, MINE, module="services.orders.processor")
    assert meta["text"].startswith("PROCESSOR_MODULE=services.orders.processor: there is no module 'services'")
    assert str(tmp_path / "service") in meta["text"]


def test_a_syntax_error_has_file_and_line(serve):
    meta = refusal(serve, "class A:\n    def __init__(self):\n        # nothing\n\n    def process(self):\n        pass\n", work="schedule")
    assert meta["stage"] == "import" and "IndentationError" in meta["text"] and "processor.py:5]" in meta["text"]
    assert "line 5" in meta["traceback"]


@pytest.mark.parametrize("code, text", [("import sys; sys.exit(4)", "SystemExit: 4"), ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("1 / 0", "ZeroDivisionError")])
def test_a_module_that_ends_or_raises(serve, code, text):
    meta = refusal(serve, f"x = 1\n\n{code}\n")
    assert meta["stage"] == "import" and text in meta["text"] and "processor.py:3" in meta["text"]


def test_nothing_to_be_found(serve):
    meta = refusal(serve, {"pyproject.toml": project("orders"), "main.py": ""})
    assert meta["stage"] == "choice" and "looked for orders.processor, processor, services.processor" in meta["text"]


# Choosing.


def class_text(name, base="", method="process(self, message)"):
    return f"class {name}{f'({base})' if base else ''}:\n    def {method}: pass\n"


@pytest.mark.parametrize(
    "code, chosen",
    [
        (BASE + class_text("B", "BaseServiceProcessor") + class_text("AServiceProcessor"), "B"),
        ("from base import Shared\nfrom rococo.messaging import *\n" + class_text("Own", "BaseServiceProcessor"), "Own"),
        ("from base import Shared\n", "Shared"),
        ("from base import Shared\n" + class_text("XServiceProcessor"), "Shared"),
        (class_text("Helper") + class_text("ordersSERVICEprocessor"), "ordersSERVICEprocessor"),
        (BASE + "import abc\nclass A(BaseServiceProcessor, abc.ABC):\n    @abc.abstractmethod\n    def more(self): pass\nclass B(A):\n    def more(self): pass\n", "B"),
        (BASE + class_text("_Hidden", "BaseServiceProcessor") + class_text("Seen", "BaseServiceProcessor"), "Seen"),
    ],
)
def test_the_class_of_a_service_of_messages(serve, code, chosen):
    files = {"base.py": BASE + class_text("Shared", "BaseServiceProcessor"), "processor.py": code}
    assert serve(files).ready["type"] == chosen


def test_the_class_of_a_schedule(serve):
    code = class_text("Takes", method="process(self, x)") + class_text("Runs", method="process(self, x=1)") + "class Nothing: pass\n"
    assert serve(code, work="schedule").ready["type"] == "Runs"


def test_several_classes_are_listed(serve):
    meta = refusal(serve, BASE + class_text("B", "BaseServiceProcessor") + class_text("A", "BaseServiceProcessor"))
    assert meta["stage"] == "choice" and meta["candidates"] == ["B", "A"] and "PROCESSOR_TYPE (B, A)" in meta["text"]
    assert serve(BASE + class_text("B", "BaseServiceProcessor") + class_text("A", "BaseServiceProcessor"), type="A").ready["type"] == "A"


def test_no_class(serve):
    meta = refusal(serve, class_text("Helper"))
    assert "has no class that derives from BaseServiceProcessor" in meta["text"] and meta["candidates"] == ["Helper"]
    assert "has no class with a method process(self)" in refusal(serve, class_text("Helper"), work="schedule")["text"]


def test_a_type_that_is_not_there(serve):
    meta = refusal(serve, MINE, type="MineServiceProcesor")
    assert "did you mean MineServiceProcessor?" in meta["text"] and meta["candidates"] == ["MineServiceProcessor"]
    assert "that is no class" in refusal(serve, "x = 1\n", type="x")["text"]
    assert "has no method process" in refusal(serve, "class A: pass\n", type="A")["text"]


@pytest.mark.parametrize(
    "method, work, note",
    [
        ("process(self)", "messages", "cannot be called with one argument, the message"),
        ("process(self, a, b)", "messages", "cannot be called with one argument"),
        ("process(self, x)", "schedule", "cannot be called with no argument"),
        ("process(self, message): yield\n    def more(self)", "messages", "is a generator"),
        ("process(self, *a)", "messages", ""),
        ("process(self, message, more=1)", "messages", ""),
    ],
)
def test_what_cannot_work_is_noted(serve, method, work, note):
    host = serve(class_text("AServiceProcessor", method=method), work=work, type="AServiceProcessor")
    assert len(host.ready["notes"]) == bool(note)
    assert note in "".join(host.ready["notes"])
