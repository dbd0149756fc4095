# SPDX-License-Identifier: MIT
"""Log records of every shape that processors make."""

import time

import pytest

HEAD = """
import logging, logging.config, sys
from rococo.messaging import BaseServiceProcessor
from rococo_svchost.logger import Logger
"""


def service(at_import, in_process):
    body = "\n".join(f"        {line}" for line in in_process.strip("\n").splitlines())
    return f"{HEAD}{at_import}\nclass LogServiceProcessor(BaseServiceProcessor):\n    def process(self, message):\n{body}\n"


@pytest.mark.all_pythons
def test_a_record_is_a_frame_with_its_time_level_module_and_line(serve):
    host = serve(
        service(
            "logger = Logger().get_logger()\nlogging.basicConfig(level=logging.DEBUG, format='mine')\nlogging.debug('not shown')",
            """
logger.info("Received message: %s", message)
logging.getLogger("my.own").warning("careful")
try:
    1 / 0
except ZeroDivisionError as error:
    logger.exception("failed", error)
    logging.error("failed again", exc_info=True)
logging.log(35, "between")
logging.critical("é")
""",
        )
    )
    before = time.time() * 1e6
    host.process('{"a": 1}')
    records = host.log_frames("é")
    first = records[0]
    assert first.payload == b"Received message: {'a': 1}"
    assert first.meta["level"] == "INFO" and first.meta["module"] == "processor" and first.meta["logger"] == "root"
    assert first.meta["line"] == 9 and abs(first.meta["time"] - before) < 600e6
    assert records[1].meta["logger"] == "my.own"
    assert records[2].payload.decode().startswith("failed (ZeroDivisionError('division by zero')") and "Traceback" in records[2].payload.decode()
    assert records[3].payload.decode().startswith("failed again\nTraceback")
    assert [r.meta["level"] for r in records] == ["INFO", "WARNING", "ERROR", "ERROR", "WARNING", "CRITICAL"]
    assert host.child.output("stderr") == ""


def test_the_level_of_the_host(serve):
    host = serve(service("logging.debug('debug shown')", "pass"), log_level="DEBUG")
    assert host.logged("debug shown")
    host = serve(service("logging.info('not shown'); logging.warning('warning shown')", "pass"), log_level="WARNING")
    assert host.logged("warning shown") == ["warning shown"]


ORIGINAL = "'%(asctime)s [%(levelname)s] %(module)s:%(lineno)d - %(message)s'"


def test_a_logger_of_ones_own_on_stdout(serve):
    host = serve(
        service(
            f"""
own = logging.getLogger("own")
own.propagate = False
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter({ORIGINAL}))
own.addHandler(handler)
""",
            "own.warning('mine')",
        )
    )
    host.process("1")
    line = host.printed("mine")
    assert line.count("mine") == 1 and "[WARNING] processor:" in line and not host.logged()


def test_a_handler_added_to_the_root_logger_works_beside_ours(serve):
    host = serve(service("logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))", "logging.info('twice')"))
    host.process("1")
    assert host.printed("twice") == "twice\n" and host.logged("twice") == ["twice"]


def test_somebody_elses_formatter_on_our_handler(serve):
    host = serve(
        service(
            "for handler in logging.getLogger().handlers:\n    assert isinstance(handler, logging.StreamHandler)\n"
            "    handler.setFormatter(logging.Formatter('{\"text\": \"%(message)s\"}'))",
            "logging.info('hello')",
        )
    )
    host.process("1")
    assert host.printed("hello", "stderr") == '{"text": "hello"}\n' and not host.logged()


@pytest.mark.parametrize(
    "setup",
    [
        "logging.basicConfig(force=True, level=logging.INFO, format='mine %(message)s')",
        "logging.config.dictConfig({'version': 1, 'disable_existing_loggers': True, 'formatters': {'m': {'format': 'mine %(message)s'}},"
        " 'handlers': {'h': {'class': 'logging.StreamHandler', 'formatter': 'm'}}, 'root': {'handlers': ['h'], 'level': 'INFO'}})",
    ],
    ids=["force", "dictConfig"],
)
def test_logging_set_up_anew(serve, setup):
    host = serve(service(setup, "logging.info('hello')"))
    assert host.process("1") == {}
    assert host.printed("hello", "stderr") == "mine hello\n" and not host.logged()
    assert host.stop() == 0


def test_orphans_and_quiet_libraries(serve):
    host = serve(
        service(
            "orphan = logging.Logger('orphan')\nlogging.getLogger('pika').setLevel(logging.WARNING)",
            "orphan.info('silent')\nlogging.getLogger('pika').info('quiet')\nlogging.getLogger('pika.x').warning('loud')",
        )
    )
    host.process("1")
    assert host.logged("loud") == ["loud"] and host.child.output("stderr") == ""


def test_records_that_cannot_be_formatted(serve):
    host = serve(
        service(
            "class Broken:\n    def __str__(self): raise ValueError\n    __repr__ = __str__",
            "logging.info('%d items', 'no')\nlogging.info('%s', Broken())\nlogging.info(Broken())\nlogging.info('%s %s', 1)\nlogging.info('end')",
        )
    )
    assert host.process("1") == {}
    texts = host.logged("end")
    assert texts[0] == "%d items ('no',)" and texts[3] == "%s %s (1,)"
    assert texts[1].startswith("a log record that cannot be formatted (ValueError)") and texts[2].startswith("a log record that cannot")
    assert host.child.output("stderr") == ""


def test_very_long_texts_are_cut(serve):
    host = serve(service("", "logging.info('x' * 20_000_000)"))
    host.process("1")
    (text,) = host.logged("bytes more")
    assert text.endswith(" ... (18951424 bytes more)")


def test_many_threads_log_whole_lines(serve):
    host = serve(
        service(
            "import threading",
            """
threads = [threading.Thread(target=lambda: [logging.info("y" * 5000) for _ in range(50)]) for _ in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
logging.info("end")
""",
        )
    )
    host.process("1")
    assert sorted(host.logged("end")) == ["end"] + ["y" * 5000] * 400
