# SPDX-License-Identifier: MIT
"""`rococo`: the service's own, made lazy; with packages missing; and the one that stands in for it.

The rococo of these tests is ours, in the shape of the real one: `messaging` imports everything, adapters need pika and boto3.
"""

import pytest
from fake_host import Refused, write_files

pytestmark = pytest.mark.all_pythons

ROCOCO = {
    "rococo/__init__.py": "",
    "rococo/messaging/__init__.py": "import logging\nlogging.info('all of messaging')\nfrom .base import MessageAdapter, BaseServiceProcessor\n"
    "from .rabbitmq import RabbitMqConnection\nfrom .sqs import SqsConnection\nEXTRA = 5\n",
    "rococo/messaging/base.py": "class MessageAdapter:\n    pass\nclass BaseServiceProcessor:\n    REAL = True\n    def __init__(self): pass\n    def process(self, message): pass\n",
    "rococo/messaging/rabbitmq.py": "import pika\nfrom . import MessageAdapter\nclass RabbitMqConnection(MessageAdapter):\n    REAL = True\n",
    "rococo/messaging/sqs.py": "import boto3\nfrom . import MessageAdapter\nclass SqsConnection(MessageAdapter):\n    REAL = True\n",
    "rococo/config/__init__.py": "from .config import BaseConfig\n",
    "rococo/config/config.py": "from dotenv import load_dotenv\nclass BaseConfig:\n    REAL = True\n",
    "rococo/emailing/factory.py": "import requests_of_nobody\n",
    "rococo-1.3.1.dist-info/METADATA": "",
}
PACKAGES = {f"{name}.py": f"import logging\nlogging.info('{name} imported')\nload_dotenv = print\n" for name in ("pika", "boto3", "dotenv")}
# Python finds Debian's pika behind ours; where it must be missing, ours says so.
MISSING = {f"{name}.py": f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n" for name in PACKAGES for name in (name[:-3],)}


@pytest.fixture
def with_rococo(serve, tmp_path):
    def start(code, packages, rococo=ROCOCO, **hello):
        write_files(tmp_path / "site-packages", {**rococo, **packages})
        return serve("import logging\n" + code, env={"PYTHONPATH": str(tmp_path / "site-packages")}, **hello)

    return start


OWN = "\nclass OwnServiceProcessor(BaseServiceProcessor):\n    def process(self, message):\n        logging.info('%s', eval(message))\n"


def test_the_base_class_costs_nothing_and_adapters_come_when_asked_for(with_rococo):
    host = with_rococo("from rococo.messaging import BaseServiceProcessor\nfrom rococo.messaging.base import BaseServiceProcessor as B\n" + OWN, PACKAGES)
    assert host.ready["rococo"] == "1.3.1"
    host.process('"(B is BaseServiceProcessor, B.REAL, __import__(\'sys\').modules.get(\'pika\'))"')
    assert host.logged("True") == ["(True, True, None)"]
    host.process('"[__import__(\'rococo.messaging\').messaging.RabbitMqConnection.REAL]"')
    assert host.logged("[True]") == ["(True, True, None)", "pika imported", "[True]"]


def test_a_processor_that_imports_an_adapter_gets_the_real_one(with_rococo):
    host = with_rococo("from rococo.messaging import BaseServiceProcessor, RabbitMqConnection, SqsConnection\n" + OWN, PACKAGES)
    host.process('"[RabbitMqConnection.REAL, SqsConnection.REAL]"')
    assert host.logged("[True") == ["pika imported", "boto3 imported", "[True, True]"]


def test_names_that_only_the_real_package_knows(with_rococo):
    host = with_rococo("from rococo.messaging import BaseServiceProcessor, EXTRA\nimport rococo.messaging\n" + OWN, PACKAGES)
    host.process('"[EXTRA, hasattr(rococo.messaging, \'nothing\'), rococo.messaging.BaseServiceProcessor is BaseServiceProcessor]"')
    assert host.logged("[5")[-1] == "[5, False, True]"


def test_without_pika_ours_stands_in_for_that_module_alone(with_rococo):
    code = "from rococo.messaging import *\nfrom rococo.messaging.rabbitmq import RabbitMqConnection as R\n" + OWN
    host = with_rococo(code, {**PACKAGES, "pika.py": MISSING["pika.py"]}, rabbitmq={"host": "r", "port": 5672, "virtual_host": "/"})
    host.process('"[RabbitMqConnection is R, hasattr(R, \'REAL\'), SqsConnection.REAL, BaseServiceProcessor.REAL, R(\'r\', 5672, \'\', \'\').__enter__() is None]"')
    texts = host.logged("[True")
    assert texts == [
        "pika is not installed: svchost's own stands in for rococo.messaging.rabbitmq", "boto3 imported", "[True, False, True, True, False]",
    ]  # fmt: skip


def test_without_boto3_and_dotenv(with_rococo):
    code = "from rococo.messaging import BaseServiceProcessor, SqsConnection\nfrom rococo.config import BaseConfig\n" + OWN
    host = with_rococo(code, {**PACKAGES, "boto3.py": MISSING["boto3.py"], "dotenv.py": MISSING["dotenv.py"]})
    failed = host.process('"BaseConfig().get_env_var(\'NOT_SET\')"', '"SqsConnection(\'a\', \'b\').__enter__()"')
    assert "install rococo[messaging]" in failed[2]["error"]
    texts = host.logged("Variable")
    assert texts[:2] == [
        "boto3 is not installed: svchost's own stands in for rococo.messaging.sqs",
        "dotenv is not installed: svchost's own stands in for rococo.config",
    ] or "rococo.config.config" in texts[1]
    assert "Variable NOT_SET not found." in texts


def test_another_package_that_is_missing_is_an_error(with_rococo):
    with pytest.raises(Refused, match="requests_of_nobody"):
        with_rococo("from rococo.emailing.factory import x\n", PACKAGES)


def test_an_old_rococo_without_base_class(with_rococo):
    old = {**ROCOCO, "rococo/messaging/base.py": "class Connection: pass\n"}
    host = with_rococo("from rococo.messaging import BaseServiceProcessor, Connection\n" + OWN, PACKAGES, old)
    assert host.ready["type"] == "OwnServiceProcessor"


def test_with_none_ours_is_there(serve):
    code = """
        import logging
        from rococo.messaging import BaseServiceProcessor, MessageAdapter, RabbitMqConnection, SqsConnection
        from rococo.messaging.base import BaseServiceProcessor as B
        from rococo.config import BaseConfig
        from rococo.config.config import BaseConfig as C

        class OwnServiceProcessor(B):
            def process(self, message):
                config = BaseConfig()
                config.load_toml(message)
                config.convert_var_into_list("LIST")
                config.convert_var_from_json_string("JSON")
                logging.info("%s %s", B is BaseServiceProcessor, C is BaseConfig)
                logging.info("%s %s %s", config.get_env_vars()["LIST"], config.get_env_var("JSON"), config.get_project_version())
    """
    host = serve({"pyproject.toml": '[project]\nname = "a"\nversion = "7"\n', "processor.py": code}, env={"LIST": "a,b", "JSON": '{"x": 1}'})
    assert host.ready["rococo"] == "built in"
    assert host.process('"."') == {}
    assert host.logged("['a'") == ["True True", "['a', 'b'] {'x': 1} 7"]


def test_a_namespace_folder_of_that_name_is_no_rococo(serve):
    host = serve({"rococo/readme.txt": "", "processor.py": "from rococo.messaging import BaseServiceProcessor\nimport logging\n" + OWN})
    assert host.ready["rococo"] == "built in"
