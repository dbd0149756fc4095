# SPDX-License-Identifier: MIT
"""Every command of svchost as a user types it."""

import json
import os
import pathlib
import re
import subprocess

import pytest
from support.host import executable

COMMANDS = [
    "run", "check", "config", "next", "send", "dead-letters", "queues", "status", "top", "pause", "resume", "run-now", "health", "dashboard", "new",
    "version", "completion"]  # fmt: skip
ROOT = pathlib.Path(__file__).resolve().parents[3]


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


def ok(result):
    assert result.returncode == 0, result.stderr
    return result.stdout


# Help


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([command, "--help"] for command in COMMANDS)])
def test_help_is_on_standard_output(service, arguments):
    result = service.run(*arguments)
    text = ok(result)
    assert result.stderr == ""
    assert "Usage: svchost" in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_first_help_lists_every_command_with_examples_and_exit_codes(service):
    text = ok(service.run("--help"))
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", text, re.MULTILINE), command
    assert "Examples:" in text
    for code in ("64", "69", "70", "75", "78"):
        assert code in text


@pytest.mark.parametrize("action", ["list", "show", "requeue", "delete"])
def test_dead_letters_have_help_for_each_action(service, action):
    assert "--queue" in ok(service.run("dead-letters", action, "--help"))


def test_version(service):
    first, commit, abi, libraries, more = ok(service.run("version")).splitlines()
    assert re.fullmatch(r"svchost \d+\.\d+\.\d+", first)
    assert re.fullmatch(r"Commit: +([0-9a-f]{12} of \d{4}-\d\d-\d\d|unknown)", commit)
    assert re.fullmatch(r"ABI: +\d+", abi)
    for name in ("rabbitmq-c", "libcurl", "SQLite", "OpenSSL", "fmt", "spdlog", "nlohmann-json", "CLI11"):
        assert re.search(rf"\b{name} \d+\.\d+", libraries + more), name
    assert ok(service.run("--version")) == ok(service.run("version"))


# Dead letters


def test_an_attempt_is_counted_in_good_english(service):
    service.send("ledger", body("bad", "permanent"))
    assert " goes to the dead letters (permanent-error) after 1 attempt: " in service.run(EXIT_WHEN_FINISHED=1).stderr


@pytest.fixture
def with_dead_letters(service):
    """Four dead letters; their ids, oldest first."""
    for number in range(4):
        ok(service.run("send", "ledger", body(str(number), "permanent"), "--id", f"letter-{number}"))
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    letters = json.loads(ok(service.run("dead-letters", "list", "--json")))
    return service, [letter["id"] for letter in letters]


def test_list_shows_a_table_with_the_oldest_first(with_dead_letters):
    service, ids = with_dead_letters
    heading, *rows, count = ok(service.run("dead-letters", "list")).splitlines()
    assert heading.split() == ["ID", "REASON", "ATTEMPTS", "LAST", "FAILED", "ERROR"]
    assert [row.split()[0] for row in rows] == ids
    assert "permanent-error" in rows[0] and "permanently, as asked" in rows[0]
    assert count == "4 of 4 shown"
    assert ok(service.run("dead-letters", "list", "--limit", "2")).endswith("2 of 4 shown\n")


def test_list_of_a_queue_without_dead_letters(service):
    service.send("ledger", body("fine"))
    assert ok(service.run("dead-letters", "list")) == "0 of 0 shown\n"
    assert json.loads(ok(service.run("dead-letters", "list", "--json"))) == []


def test_a_mistyped_queue_is_not_a_queue_without_dead_letters(service):
    service.send("ledger", body("fine"))
    result = service.run("dead-letters", "list", "--queue", "legder")
    assert (result.returncode, result.stdout) == (0, "0 of 0 shown\n")
    assert result.stderr == "svchost: warning: there is no queue legder; did you mean ledger?\n"
    assert service.run("dead-letters", "list", "--queue", "ledger").stderr == ""
    unused = service.run("dead-letters", "list", "--queue", "orders", LedgerServiceProcessor_QUEUE_NAME="orders")
    assert unused.stderr == "svchost: warning: there is no queue orders\n", "its own name is no guess"


def test_show_tells_everything_about_several(with_dead_letters):
    service, ids = with_dead_letters
    text = ok(service.run("dead-letters", "show", *ids[:2]))
    decoder, shown = json.JSONDecoder(), []
    while text.strip():
        letter, end = decoder.raw_decode(text.lstrip())
        shown.append(letter)
        text = text.lstrip()[end:]
    assert [letter["id"] for letter in shown] == ids[:2]
    assert json.loads(shown[1]["body"])["id"] == "1"
    assert shown[0]["error"] == "permanently, as asked"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", shown[0]["last_failed_at"])


@pytest.mark.parametrize("action", ["show", "requeue", "delete"])
def test_an_id_that_is_not_there_is_told(with_dead_letters, action):
    service, ids = with_dead_letters
    result = service.run("dead-letters", action, "no-such-id")
    assert result.returncode == 64
    assert result.stderr == "svchost: no dead letter is called no-such-id; svchost dead-letters list shows them\n"
    assert len(json.loads(ok(service.run("dead-letters", "list", "--json")))) == 4


def test_the_beginning_of_an_id_is_enough_where_no_other_begins_so(service):
    for id in ("apple-1", "apple-22", "pear-1", "apple"):
        ok(service.run("send", "ledger", body(id, "permanent"), "--id", id))
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0

    assert json.loads(ok(service.run("dead-letters", "show", "pe")))["id"] == "pear-1"
    assert json.loads(ok(service.run("dead-letters", "show", "apple")))["id"] == "apple", "the whole one counts"
    several = service.run("dead-letters", "delete", "app")
    assert several.returncode == 64
    assert "app: several dead letters start with this: apple-1, apple-22, apple" in several.stderr
    assert ok(service.run("dead-letters", "delete", "apple-2", "pear", "--yes")) == "2 deleted\n"


def test_what_is_there_is_changed_beside_an_id_that_is_not(with_dead_letters):
    service, ids = with_dead_letters
    result = service.run("dead-letters", "delete", ids[0], "no-such-id", "--yes")
    assert (result.returncode, result.stdout) == (64, "1 deleted\n")


def test_requeue_and_delete_by_id_and_all(with_dead_letters):
    service, ids = with_dead_letters
    assert ok(service.run("dead-letters", "requeue", ids[1])) == "1 requeued\n"
    assert ok(service.run("dead-letters", "delete", ids[0], ids[2], "--yes")) == "2 deleted\n"
    assert ok(service.run("dead-letters", "requeue", "--all")) == "1 requeued\n"
    assert ok(service.run("dead-letters", "requeue", "--all")) == "0 requeued\n"


def test_the_queue_may_be_named_from_anywhere(with_dead_letters, tmp_path):
    service, ids = with_dead_letters
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    listed = subprocess.run(
        [executable("svchost"), "dead-letters", "list", "--queue", "ledger", "--dir", service.path],
        cwd=elsewhere, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )
    assert ok(listed).endswith("4 of 4 shown\n")


# What strangers say never reaches the terminal as it is: an escape that sets its title, CSI as one
# byte of C1 in UTF-8, and an override that writes from right to left.
HOSTILE = "\x1b]0;owned\x07\u009b31m\u202egnp.exe\x7f"
OBEYED = ["\x1b", "\x07", "\u009b", "\u202e", "\x7f"]


def test_nothing_that_a_terminal_obeys_is_printed(service):
    ok(service.run(
        "send", "ledger", body("1", "permanent"), "--id", "id" + HOSTILE, "--header", f"name={HOSTILE}",
        "--type", HOSTILE,
    ))
    ran = service.run(EXIT_WHEN_FINISHED=1)
    assert ran.returncode == 0
    missing = service.run("dead-letters", "show", "no such id" + HOSTILE)
    usage = service.run("next", HOSTILE)
    option = service.run("send", "--" + HOSTILE)
    elsewhere = service.run("run", "no such folder" + HOSTILE)
    wrong = service.run("config", RETRY_DELAY=HOSTILE)
    shown = [service.run("dead-letters", *words) for words in (["list"], ["list", "--json"], ["show", "id"])]
    for result in [ran, missing, usage, option, elsewhere, wrong, *shown]:
        for sign in OBEYED:
            assert sign not in result.stdout + result.stderr, (result.args, sign)
    # It is all there, for people to read; and JSON means what was sent.
    escaped = r"\x1b]0;owned\x07\u009b31m\u202egnp.exe\x7f"
    assert "Message id" + escaped in ran.stderr
    assert "no such id" + escaped in missing.stderr
    assert ok(shown[0]).splitlines()[1].startswith("id" + escaped)
    letter = json.loads(ok(shown[2]))
    assert (letter["id"], letter["headers"], letter["properties"]) == (
        "id" + HOSTILE, {"name": HOSTILE}, {"type": HOSTILE},
    )
    # What is shown can be given back, as it is shown.
    assert ok(service.run("dead-letters", "requeue", "id" + escaped)) == "1 requeued\n"


def test_what_is_sent_with_a_message_stays_with_it(service):
    ok(service.run(
        "send", "ledger", body("1", "permanent"), "--content-encoding", "gzip", "--reply-to", "answers",
        "--type", "order.created", "--app-id", "shop", "--priority", "7",
    ))
    assert service.run("send", "ledger", "{}", "--priority", "256").returncode == 64
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    (letter,) = json.loads(ok(service.run("dead-letters", "list", "--json")))
    assert letter["properties"] == {
        "content_encoding": "gzip", "reply_to": "answers", "type": "order.created", "app_id": "shop",
        "priority": "7",
    }
    assert letter["message"] == letter["id"]


# Configuration


def test_config_shows_values_and_where_they_come_from(service):
    (service.path / ".env").write_text("MAX_ATTEMPTS=7\nRABBITMQ_PASSWORD=hunter2\n")
    text = ok(service.run("config"))
    assert re.search(r"MAX_ATTEMPTS +7 +\.env:1", text)
    assert re.search(r"RETRY_DELAY +50ms +environment", text)
    assert "hunter2" not in text
    assert re.search(r"RABBITMQ_PASSWORD +\*\*\* +\.env:2", text)


def test_config_for_machines(service):
    settings = json.loads(ok(service.run("config", "--json")))
    values = {setting["name"]: setting for setting in settings["settings"]}
    assert values["RETRY_DELAY"]["value"] == "50ms"
    assert values["RETRY_DELAY"]["origin"] == "environment"
    assert values["MAX_ATTEMPTS"]["default"] is True
    assert settings["errors"] == []


def test_config_all_shows_what_has_no_value(service):
    assert "AWS_PROFILE" not in ok(service.run("config"))
    assert "AWS_PROFILE" in ok(service.run("config", "--all"))


def test_config_with_errors_shows_the_rest_and_ends_with_78(service):
    result = service.run("config", NUM_THREADS="many")
    assert result.returncode == 78
    assert "NUM_THREADS=many (environment)" in result.stderr
    assert "RETRY_DELAY" in result.stdout


def test_the_configuration_reference_is_what_the_program_prints(service):
    assert ok(service.run("config", "--markdown")) == (ROOT / "docs/CONFIGURATION.md").read_text()


# Checking


def test_check_consumes_nothing(service):
    service.send("ledger", body("waits"))
    result = service.run("check")
    assert result.returncode == 0
    assert "Queue ledger at " in result.stderr
    assert "All is well" in result.stderr
    assert service.ids("begin") == []
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == ["waits"]


def test_check_of_a_folder_elsewhere(service, tmp_path):
    result = subprocess.run(
        [executable("svchost"), "check", service.path], cwd=tmp_path, env=service.environment(), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_a_start_says_the_lines_that_the_originals_users_look_for(service):
    result = service.run(EXIT_WHEN_FINISHED=1)
    line = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[INFO\] %s:\d+ - %s$"
    for module, text in (
        ("host", r"Rococo Service Host Version: \d+\.\d+\.\d+"),
        ("service_processor_factory", r"processor_module: ledger_service\.processor"),
        ("service_processor_factory", "processor_type: LedgerServiceProcessor"),
        ("service_processor_factory", r"Service Processor Version: 1\.0\.0"),
    ):
        assert re.search(line % (module, text), result.stderr, re.MULTILINE), text


def test_a_folder_alone_means_run(service, tmp_path):
    service.send("ledger", body("one"))
    result = subprocess.run(
        [executable("svchost"), service.path], cwd=tmp_path, env=service.environment(EXIT_WHEN_FINISHED=1),
        capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stderr
    assert service.ids() == ["one"]


# A new service


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system, for which it must be root")
def test_new_on_a_full_disk_says_so_and_leaves_nothing(service):
    disk = service.path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk], check=True)
    try:
        result = subprocess.run([executable("svchost"), "new", "shop"], cwd=disk, capture_output=True, text=True)
        assert result.returncode == 69
        assert re.fullmatch(r"svchost: cannot write shop/\S+: No space left on device\n", result.stderr)
        assert list(disk.iterdir()) == [], "so that it can be tried again"
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("options", [[], ["--cron"]], ids=["messages", "cron"])
def test_new_makes_a_service(service, options):
    text = ok(service.run("new", "order_mail", *options))
    assert text.startswith("order_mail/ is ready. Next:\n")
    next_lines = [line.strip() for line in text.splitlines()[2:]]
    assert next_lines[:2] == ["cd order_mail", "cmake -B build && cmake --build build"]
    assert max(map(len, text.splitlines())) <= 80
    folder = service.path / "order_mail"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files >= {
        "CMakeLists.txt", "processor.cpp", ".env", ".gitignore", "README.md", "Dockerfile",
        "tests/CMakeLists.txt", "tests/processor_test.cpp",
    }
    assert "class OrderMailServiceProcessor" in (folder / "processor.cpp").read_text()
    for file in files:
        assert not re.search(r"@\w+@", (folder / file).read_text()), f"{file} has a mark that nobody filled in"
    assert ".env.secrets" in (folder / ".gitignore").read_text()
    # Its settings are sound.
    env = {"PATH": os.environ["PATH"]}
    shown = subprocess.run([executable("svchost"), "config", folder], env=env, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
