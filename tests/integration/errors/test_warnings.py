# SPDX-License-Identifier: MIT
"""What a host says while it goes on all the same: whom it waits for, what it passes over, what is wrong with a file."""

import json
import re

import pytest
from support.host import wait_until
from support.ports import free_port

CONFIGURATION = 78


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


def lines(log, *levels):
    """The texts of the log's lines of these levels."""
    found = (re.fullmatch(r"\S+ \S+ \[(\w+)\] \w+:\d+ - (.*)", line) for line in log.splitlines())
    return [line[2] for line in found if line and line[1] in levels]


# Which processor


def test_a_module_kept_from_python_does_no_harm_and_is_told_of(service):
    service.settings["EXECUTION_TYPE"] = "MESSAGING"
    kept = {"PROCESSOR_MODULE": "services.ledger.src.processor", "PROCESSOR_TYPE": "LedgerProcessor"}
    ran = service.run(EXIT_WHEN_FINISHED=1, **kept)
    assert ran.returncode == 0, ran.stderr
    assert lines(ran.stderr, "WARNING") == [
        "PROCESSOR_MODULE=services.ledger.src.processor names no module of this service and has no effect:"
        " LedgerServiceProcessor of ledger_service.processor is used",
        "PROCESSOR_TYPE=LedgerProcessor names no processor of this service and has no effect:"
        " LedgerServiceProcessor of ledger_service.processor is used",
    ]
    assert service.run("check", **kept).returncode == 0


def test_of_processors_in_two_files_none_is_chosen_silently(make_service):
    service = make_service(library="many_processors", EchoServiceProcessor_QUEUE_NAME="echo")
    refused = service.run()
    assert refused.returncode == CONFIGURATION
    [line] = lines(refused.stderr, "CRITICAL")
    assert "EchoServiceProcessor of many_processors.processor" in line
    assert "ReportServiceProcessor of many_processors.extra.reports" in line
    assert "Choose one with PROCESSOR_TYPE or PROCESSOR_MODULE, for example PROCESSOR_TYPE=" in line
    for choice in ({"PROCESSOR_TYPE": "EchoServiceProcessor"}, {"PROCESSOR_MODULE": "many_processors.processor"}):
        ran = service.run(EXIT_WHEN_FINISHED=1, **choice)
        assert ran.returncode == 0, ran.stderr
        assert "processor_type: EchoServiceProcessor" in ran.stderr


# Missing variables, as the original tells of them


def test_what_is_missing_is_told_with_what_is_used_instead(service):
    for name in ("QUEUE_NAME_PREFIX", "MESSAGING_TYPE"):
        del service.settings[name]
    ran = service.run(EXIT_WHEN_FINISHED=1)
    assert ran.returncode == 0, ran.stderr
    assert lines(ran.stderr, "WARNING") == [
        "Variable EXECUTION_TYPE not found. Using MESSAGING",
        "Variable QUEUE_NAME_PREFIX not found. Using no prefix",
        "Variable MESSAGING_TYPE not found. Using SqliteConnection, the embedded queue in ./.svchost/queue.db",
    ]


def test_of_rabbitmq_every_variable_that_is_missing_is_told_and_no_other(service):
    service.settings.update(EXECUTION_TYPE="MESSAGING", MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_CONNECT_ATTEMPTS="1")
    told = [line for line in lines(service.run(RABBITMQ_PORT=free_port()).stderr, "WARNING") if "not found" in line]
    assert told == [
        "Variable RABBITMQ_HOST not found. Using localhost",
        "Variable RABBITMQ_USER not found. Using guest",
        "Variable RABBITMQ_VIRTUAL_HOST not found. Using /",
        "Variable RABBITMQ_PASSWORD not found. Using the broker's default",
        "Variable RABBITMQ_NUM_THREADS not found. Using 1",
    ]
    url = f"amqp://guest:guest@127.0.0.1:{free_port()}/"
    quiet = service.run(RABBITMQ_URL=url, NUM_THREADS=2)
    assert lines(quiet.stderr, "WARNING") == []


# The consume configuration


def test_a_consume_file_is_told_of_at_the_level_that_it_deserves(service, tmp_path):
    file = tmp_path / "consume.env"
    with service.start(CONSUME_CONFIG_FILE_PATH=file) as host:
        host.wait_for("Consuming")
        host.wait_for(r"\[WARNING\].*there is no file .*consume.env; it will be read as soon as it exists")
        (tmp_path / "new").write_text("NUM_THREADS=4\n")
        (tmp_path / "new").rename(file)
        host.wait_for(r"\[WARNING\].*:1: NUM_THREADS has no effect in this file")
        (tmp_path / "new").write_text("EXIT_WHEN_FINISHED=maybe # or not\n")
        (tmp_path / "new").rename(file)
        host.wait_for(r"\[ERROR\].*its last good values stay in force: .*:1: EXIT_WHEN_FINISHED=maybe: expected true or false")
        (tmp_path / "new").write_text("EXIT_WHEN_FINISHED=1\n")
        (tmp_path / "new").rename(file)
        host.wait_for(r"\[INFO\].*Reread the consume configuration")
        assert host.wait() == 0


def test_check_looks_at_the_consume_file_too(service):
    (service.path / "consume.env").write_text("VISIBILITY_TIMEOUT=soon\n")
    checked = service.run("check", CONSUME_CONFIG_FILE_PATH="consume.env")
    assert checked.returncode == CONFIGURATION
    assert "consume.env:1: VISIBILITY_TIMEOUT=soon: expected a duration" in checked.stderr


# Waiting


def test_a_drain_names_the_messages_that_it_waits_for(service):
    assert service.run("send", "ledger", body("x", "sleep:600000"), "--id", "the-long-one").returncode == 0
    with service.start(DRAIN_TIMEOUT="300ms") as host:
        wait_until(lambda: service.ids("begin"))
        assert host.terminate() == 75
        log = host.log()
    assert re.search(
        r"Draining: 1 in hand, no new messages are taken; still processing the-long-one \(\S+ s, worker 0\)\n", log
    ), log
    assert re.search(
        r"DRAIN_TIMEOUT has passed with 1 message in hand, which will come again; still processing the-long-one \(", log
    ), log


def test_after_a_crash_the_log_says_which_attempt_comes_next(service):
    assert service.run("send", "ledger", body("x", "segv"), "--id", "deadly").returncode == 0
    for died in (True, True, False):
        with service.start(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=2) as host:
            assert (host.wait() != 0) == died, host.log()
            log = host.log()
            if died:
                continue
        assert "goes to the dead letters: the host died while it processed this message; 2 attempts were made" in log
    [second] = [path.read_text() for path in sorted(service.path.glob("host-*.log"))][1:2]
    assert re.search(r"A previous run \(pid \d+\) was ended by SIGSEGV while worker 0 processed message deadly", second)
    assert "Message deadly was in hand when a previous run died: this is attempt 2 of 2" in second


# Schedules


@pytest.mark.parametrize("arguments", [(), ("check",)], ids=["run", "check"])
def test_a_schedule_and_a_missing_service_are_told_together(make_service, arguments):
    service = make_service(EXECUTION_TYPE="CRON", CRON_EXPRESSIONS="61 * * * *", SERVICE_LIBRARY="gone.so", NUM_THREADS="0")
    refused = service.run(*arguments)
    assert refused.returncode == CONFIGURATION
    log = refused.stderr
    assert "NUM_THREADS=0" in log and "minute 61 is out of range" in log and "gone.so: there is no such file" in log
