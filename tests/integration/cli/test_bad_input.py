# SPDX-License-Identifier: MIT
"""Bad input: every fault at once, told to a person, with the right exit code, and nothing lost or changed."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from support.host import executable, service_library

USAGE, UNAVAILABLE, INTERNAL, CONFIGURATION = 64, 69, 70, 78
NOBODY = 65534


def body(id):
    return json.dumps({"id": id})


def refused(result, code):
    """What a refused start says: its CRITICAL lines, without time and place."""
    said = result.stderr + result.stdout
    assert result.returncode == code, said
    for noise in ("Traceback", "terminate called", "std::", "Assertion", "core dumped"):
        assert noise not in said
    return [line.split(" - ", 1)[1] for line in result.stderr.splitlines() if "[CRITICAL]" in line]


def refused_for(result, code, *texts):
    """Exactly these faults, in this order, each with this text in it."""
    lines = refused(result, code)
    assert len(lines) == len(texts), lines
    for line, text in zip(lines, texts):
        assert text in line
    return lines


# Values of variables


def test_an_unknown_execution_type_is_refused_with_what_was_probably_meant(service):
    result = service.run(EXECUTION_TYPE="corn")
    refused_for(
        result,
        CONFIGURATION,
        "EXECUTION_TYPE=corn (environment): expected one of MESSAGING, CRON; did you mean CRON?",
    )


@pytest.mark.parametrize(
    "name, value, expected",
    [
        ("RABBITMQ_PORT", "5672x", "expected an integer from 1 to 65535"),
        ("RABBITMQ_PORT", "99999", "expected an integer from 1 to 65535"),
        ("NUM_THREADS", "0", "expected an integer from 1 to 1024"),
        ("NUM_THREADS", "-1", "expected an integer from 1 to 1024"),
        ("NUM_THREADS", "1e9", "expected an integer from 1 to 1024"),
        ("RABBITMQ_NUM_THREADS", "0", "expected an integer from 1 to 1024"),
        ("RABBITMQ_NUM_THREADS", "-1", "expected an integer from 1 to 1024"),
        ("RABBITMQ_NUM_THREADS", "1e9", "expected an integer from 1 to 1024"),
        ("MESSAGING_TYPE", "RabbitMQ", "did you mean RabbitMqConnection?"),
        ("LOG_LEVEL", "loud", "expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("DRAIN_TIMEOUT", "8 seconds", "expected a duration"),
        ("MAX_ATTEMPTS", "99999999999999999999", "expected an integer from 1 to 1000"),
        ("EXIT_WHEN_FINISHED", "maybe", "expected true or false"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_allowed(service, name, value, expected):
    [line] = refused(service.run(**{name: value}), CONFIGURATION)
    assert line.startswith(f"{name}={value} (environment): ")
    assert expected in line


def test_a_missing_queue_name_is_refused_with_the_variable_to_set(service):
    del service.settings["LedgerServiceProcessor_QUEUE_NAME"]
    refused_for(
        service.run(LedgerServiceProcesor_QUEUE_NAME="typo"),
        CONFIGURATION,
        "LedgerServiceProcessor_QUEUE_NAME is not set: which queue does LedgerServiceProcessor consume?",
    )


def test_all_faults_are_told_at_once(service):
    del service.settings["LedgerServiceProcessor_QUEUE_NAME"]
    (service.path / ".env").write_text("MAX_ATTEMPTS=many\nLOG_FORMAT=xml\n")
    refused_for(
        service.run(EXECUTION_TYPE="corn", RABBITMQ_PORT="5672x", NUM_THREADS="0", RETRY_DELAY="soon"),
        CONFIGURATION,
        "EXECUTION_TYPE=corn (environment)",
        "NUM_THREADS=0 (environment)",
        "MAX_ATTEMPTS=many (",
        "RETRY_DELAY=soon (environment)",
        "LOG_FORMAT=xml (",
        "RABBITMQ_PORT=5672x (environment)",
        "LedgerServiceProcessor_QUEUE_NAME is not set",
    )


def test_a_missing_service_is_told_beside_the_bad_values(service):
    refused_for(
        service.run(NUM_THREADS="0", SERVICE_LIBRARY="gone.service.so"),
        CONFIGURATION,
        "NUM_THREADS=0",
        "gone.service.so: there is no such file",
    )


def test_a_secret_is_never_shown(service):
    result = service.run(MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_PASSWORD="hunter2\x01", NUM_THREADS="0")
    assert refused(result, CONFIGURATION)
    assert "hunter2" not in result.stderr + result.stdout


# .env files


def runs_on_its_env(service, text):
    """Runs with the settings of the `.env` alone; the run must end cleanly. Returns its log."""
    for name in ("QUEUE_NAME_PREFIX", "LedgerServiceProcessor_QUEUE_NAME"):
        service.settings.pop(name, None)
    (service.path / ".env").write_bytes(text)
    result = service.run(EXIT_WHEN_FINISHED=1)
    assert result.returncode == 0, result.stderr
    return result.stderr


@pytest.mark.parametrize(
    "text",
    [
        b"QUEUE_NAME_PREFIX=pre_\r\nLedgerServiceProcessor_QUEUE_NAME=orders\r\n",
        b"\xef\xbb\xbfQUEUE_NAME_PREFIX=pre_\nLedgerServiceProcessor_QUEUE_NAME=orders\n",
        b"QUEUE_NAME_PREFIX=\"pre_\"\nLedgerServiceProcessor_QUEUE_NAME='orders'\n",
        b"export QUEUE_NAME_PREFIX=pre_\nexport LedgerServiceProcessor_QUEUE_NAME=orders # mine\n",
        b"\xef\xbb\xbfexport QUEUE_NAME_PREFIX=\"pre_\"\r\n\r\nLedgerServiceProcessor_QUEUE_NAME=orders",
    ],
    ids=["crlf", "bom", "quotes", "export", "all"],
)
def test_an_env_file_from_any_editor_is_read(service, text):
    assert "Consuming from queue pre_orders at " in runs_on_its_env(service, text)


def test_of_a_variable_given_twice_the_last_counts_with_a_warning(service):
    log = runs_on_its_env(
        service, b"LedgerServiceProcessor_QUEUE_NAME=first\nLedgerServiceProcessor_QUEUE_NAME=second\n"
    )
    assert "Consuming from queue second at " in log
    assert ".env:2: LedgerServiceProcessor_QUEUE_NAME was already set in line 1; this value is used" in log


def test_every_bad_line_of_an_env_file_is_told_with_its_number(service):
    (service.path / ".env").write_text("GOOD=1\nno equals sign\n=nameless\nQUOTE=\"open\n")
    lines = refused(service.run(), CONFIGURATION)
    assert [line.split(": ")[0].rsplit("/", 1)[-1] for line in lines] == [".env:2", ".env:3", ".env:4"]


@pytest.mark.parametrize("name", [".env", ".env.secrets"])
@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_something_else_in_the_place_of_an_env_file_is_refused_at_once(service, name, kind):
    path = service.path / name
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    refused_for(service.run(), CONFIGURATION, f"{name}: is a {kind if kind == 'folder' else 'FIFO'};")


def test_a_binary_file_as_env_is_refused(service):
    (service.path / ".env").write_bytes(b"\x7fELF\0\0\xff")
    refused_for(service.run(), CONFIGURATION, "is it a text file?")


# The service's library


def test_a_library_that_is_missing(service):
    refused_for(service.run(SERVICE_LIBRARY="gone.service.so"), INTERNAL, "gone.service.so: there is no such file")


def test_no_library_at_all_says_where_it_looked(service):
    del service.settings["SERVICE_LIBRARY"]
    refused_for(service.run(), INTERNAL, f"no service found: looked for *.service.so in {service.path}")


def test_a_text_file_as_library(service):
    (service.path / "text.service.so").write_text("#!/bin/sh\n")
    refused_for(service.run(SERVICE_LIBRARY="text.service.so"), INTERNAL, "it is not a shared library")


def test_a_library_that_was_cut_off(service):
    cut = service.path / "cut.service.so"
    cut.write_bytes(pathlib.Path(service_library("ledger_service")).read_bytes()[:3000])
    refused_for(service.run(SERVICE_LIBRARY="cut.service.so"), INTERNAL, "it is truncated: it has 3000 of at least ")


@pytest.mark.parametrize(
    "library, said",
    [
        ("wrong_abi", "it was built for ABI version 99, and this host expects 1"),
        ("no_descriptor", "it exports no symbol rococo_service_descriptor"),
        ("no_processors", "it has no processors: write ROCOCO_PROCESSOR"),
    ],
)
def test_a_library_that_is_no_service_of_ours(make_service, library, said):
    refused_for(make_service(library=library).run(), INTERNAL, said)


def test_of_three_processors_one_must_be_chosen(make_service):
    service = make_service(library="three_processors", GreenServiceProcessor_QUEUE_NAME="green")
    [line] = refused(service.run(), CONFIGURATION)
    for text in ("Red", "Green", "Blue", "Choose one with PROCESSOR_TYPE"):
        assert text in line

    chosen = service.run(PROCESSOR_TYPE="GreenServiceProcessor", EXIT_WHEN_FINISHED=1)
    assert chosen.returncode == 0, chosen.stderr
    assert "processor_type: GreenServiceProcessor" in chosen.stderr
    refused_for(service.run(PROCESSOR_TYPE="GrayServiceProcessor"), CONFIGURATION, "PROCESSOR_TYPE=GrayServiceProcessor")


def test_a_processor_of_the_other_kind(service):
    [line] = refused(
        service.run(EXECUTION_TYPE="CRON", CRON_TIME_AMOUNT=1, CRON_TIME_UNIT="SECONDS"), CONFIGURATION
    )
    assert "set EXECUTION_TYPE=MESSAGING" in line


def test_a_constructor_that_throws(service):
    del service.settings["LEDGER_LOG"]
    refused_for(
        service.run(), INTERNAL, "the constructor of LedgerServiceProcessor failed: LEDGER_LOG is not set"
    )


# The queue's file: refused with its path, never changed, never made anew


def queue_file(service):
    return service.path / ".svchost/queue.db"


def settled_file(service):
    """A queue file with two messages, at rest: everything in the one file."""
    service.send("ledger", body("1"), body("2"))
    subprocess.run(
        ["/usr/bin/python3", "-c", "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('pragma wal_checkpoint(truncate)')",
         queue_file(service)], check=True)
    return queue_file(service).read_bytes()


@pytest.mark.parametrize(
    "garble",
    [
        lambda good: b"this is a text file, and no queue\n" * 100,
        lambda good: good[: len(good) // 2],
        lambda good: b"\0" * len(good),
        lambda good: good[:100] + os.urandom(len(good) - 100),
    ],
    ids=["text", "half", "zeros", "garbage"],
)
def test_a_corrupt_queue_file_is_refused_and_left_alone(service, garble):
    bad = garble(settled_file(service))
    queue_file(service).write_bytes(bad)
    for file in queue_file(service).parent.glob("queue.db-*"):
        file.unlink()

    for result in (service.run(timeout=180), service.run("send", "ledger", "{}"), service.run("check")):
        assert result.returncode in (UNAVAILABLE, CONFIGURATION), result.stderr
        assert str(queue_file(service)) in result.stderr
        assert "Traceback" not in result.stderr
    assert queue_file(service).read_bytes() == bad


def test_a_folder_in_the_place_of_the_queue_file(service):
    queue_file(service).mkdir(parents=True)
    result = service.run()
    assert result.returncode in (UNAVAILABLE, CONFIGURATION), result.stderr
    assert str(queue_file(service)) in result.stderr
    assert list(queue_file(service).iterdir()) == []


def test_a_queue_file_in_a_folder_that_is_not_there_is_not_made(service):
    missing = service.path / "typo/queue.db"
    result = service.run(SQLITE_PATH=missing)
    assert result.returncode in (UNAVAILABLE, CONFIGURATION), result.stderr
    assert str(missing) in result.stderr
    assert not missing.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, for which it must be root")
def test_a_read_only_queue_file_is_refused_and_unchanged(service, tmp_path):
    before = settled_file(service)
    for path in [service.path, *service.path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    # Its own copy of the program and the library: the build folder may be closed to that user.
    place = tmp_path.parent / f"{tmp_path.name}-open"
    place.mkdir()
    program = shutil.copy(executable("svchost"), place)
    library = shutil.copy(service_library("ledger_service"), place)
    # Up to the folder of temporary files, which is open to all.
    for path in [tmp_path, *list(tmp_path.parents)[:3]]:
        path.chmod(path.stat().st_mode | 0o055)

    def as_nobody(*arguments):
        return subprocess.run(
            [program, *arguments], cwd=service.path, env=service.environment(SERVICE_LIBRARY=library, LEDGER_LOG="/dev/null"),
            capture_output=True, text=True, timeout=180, user=NOBODY, group=NOBODY, extra_groups=[],
        )

    for result in (as_nobody(), as_nobody("send", "ledger", "{}")):
        assert result.returncode in (UNAVAILABLE, CONFIGURATION), result.stderr
        assert str(queue_file(service)) in result.stderr
    assert queue_file(service).read_bytes() == before


@pytest.fixture
def small_disk(tmp_path):
    """A disk of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small disk takes root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_on_a_full_disk_nothing_is_lost_and_what_was_sent_is_told(service, small_disk):
    path = small_disk / "queue.db"
    service.settings["SQLITE_PATH"] = str(path)
    ids = [f"m{number}" for number in range(4000)]
    sent = service.run("send", "ledger", "-", input="".join(json.dumps({"id": id, "pad": "x" * 500}) + "\n" for id in ids))

    assert sent.returncode == UNAVAILABLE, sent.stderr
    assert str(path) in sent.stderr
    confirmed = int(sent.stderr.split(" sent, ")[0].split()[-1])
    assert 0 < confirmed < 4000
    # The messages that were confirmed are there once there is room again.
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    drained = service.run(EXIT_WHEN_FINISHED=1)
    assert drained.returncode == 0, drained.stderr
    assert set(service.ids()) >= set(ids[:confirmed])


def test_a_disk_that_is_full_from_the_start(service, small_disk):
    (small_disk / "filler").write_bytes(b"x" * (1 << 20))
    path = small_disk / "queue.db"
    result = service.run(SQLITE_PATH=path)
    assert result.returncode in (UNAVAILABLE, CONFIGURATION), result.stderr
    assert str(path) in result.stderr


def test_messages_are_safe_whatever_goes_wrong_at_the_start(service):
    service.send("ledger", body("kept"))
    for more in ({"NUM_THREADS": "0"}, {"SERVICE_LIBRARY": "gone.so"}, {"EXECUTION_TYPE": "corn"}):
        assert service.run(**more).returncode != 0
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == ["kept"]
