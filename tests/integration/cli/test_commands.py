# SPDX-License-Identifier: MIT
"""Every command of svchost as a user types it."""

import json
import os
import pathlib
import pty
import re
import shlex
import subprocess

import pytest
from support.host import executable

COMMANDS = ["run", "check", "config", "next", "send", "dead-letters", "new", "version", "completion"]
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
    assert re.fullmatch(r"svchost \d+\.\d+\.\d+\n", ok(service.run("version")))
    assert ok(service.run("--version")) == ok(service.run("version"))


# Sending


def bodies_of(service, queue="ledger"):
    """What is in a queue, by a processor that keeps failing: dead letters are listed with everything."""
    drained = service.run(EXIT_WHEN_FINISHED=1, MAX_ATTEMPTS=1, LedgerServiceProcessor_QUEUE_NAME=queue)
    assert drained.returncode == 0, drained.stderr
    return json.loads(ok(service.run("dead-letters", "list", "--queue", queue, "--json")))


def test_send_one_message(service):
    result = service.run("send", "ledger", body("one"))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == ["one"]


def test_send_with_everything_that_a_message_may_have(service):
    ok(
        service.run(
            "send", "ledger", "not JSON", "--id", "id-1", "--content-type", "text/plain", "--correlation-id", "c-1",
            "--header", "tenant=blue", "--header", "formula=a=b", "--header", "empty=",
        )
    )
    [letter] = bodies_of(service)
    assert letter["body"] == "not JSON"
    assert letter["content_type"] == "text/plain"
    assert letter["headers"]["tenant"] == "blue"
    assert letter["headers"]["formula"] == "a=b"
    assert letter["headers"]["empty"] == ""
    assert letter["original_queue"] == "ledger"


def test_send_lines_of_standard_input_in_their_order(service):
    lines = [body(f"m{number}") for number in range(2500)]
    result = service.run("send", "ledger", "-", input="\n".join(lines))  # the last line has no end
    assert result.returncode == 0
    assert re.fullmatch(r"2500 sent, \d+/s\n", result.stderr)
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert service.ids() == [f"m{number}" for number in range(2500)]


def test_send_skips_empty_lines_and_keeps_any_bytes(service):
    sent = subprocess.run(
        [executable("svchost"), "send", "ledger", "-"], cwd=service.path, env=service.environment(),
        input=b"\n\nfirst\n\n\xff\x00\xfe\n  \n", capture_output=True,
    )
    assert sent.returncode == 0, sent.stderr
    assert sent.stderr.startswith(b"3 sent")
    assert [letter["body"] for letter in bodies_of(service)] == ["first", "\ufffd\0\ufffd", "  "]


def test_send_from_an_empty_standard_input_sends_nothing(service):
    result = service.run("send", "ledger", "-", input="")
    assert result.returncode == 0
    assert result.stderr.startswith("0 sent")


def test_send_a_body_that_is_a_dash_or_begins_with_one(service):
    ok(service.run("send", "ledger", "--", "--not-an-option"))
    assert [letter["body"] for letter in bodies_of(service)] == ["--not-an-option"]


def test_send_shows_its_progress_on_a_terminal(service):
    host_side, terminal = pty.openpty()
    sending = subprocess.Popen(
        [executable("svchost"), "send", "ledger", "-"], cwd=service.path, env=service.environment(),
        stdin=subprocess.PIPE, stderr=terminal,
    )
    sending.communicate(b"x\n" * 5000)
    os.close(terminal)
    shown = os.read(host_side, 65536).decode()
    os.close(host_side)
    assert sending.returncode == 0
    assert "\r" in shown
    assert "5000 sent" in shown


# Dead letters


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
    assert ok(service.run("dead-letters", "list")).endswith("0 of 0 shown\n")
    assert json.loads(ok(service.run("dead-letters", "list", "--json"))) == []


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
    assert "no-such-id" in result.stderr or "1 of the ids given" in result.stderr
    assert len(json.loads(ok(service.run("dead-letters", "list", "--json")))) == 4


def test_the_beginning_of_an_id_is_enough_where_no_other_begins_so(service):
    for id in ("apple-1", "apple-22", "pear-1", "apple"):
        ok(service.run("send", "ledger", body(id, "permanent"), "--id", id))
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0

    assert json.loads(ok(service.run("dead-letters", "show", "pe")))["id"] == "pear-1"
    assert json.loads(ok(service.run("dead-letters", "show", "apple")))["id"] == "apple", "the whole one counts"
    several = service.run("dead-letters", "delete", "app")
    assert several.returncode == 64
    assert "app: several dead letters begin so: apple-1, apple-22, apple" in several.stderr
    assert ok(service.run("dead-letters", "delete", "apple-2", "pear")) == "2 deleted\n"


def test_what_is_there_is_changed_beside_an_id_that_is_not(with_dead_letters):
    service, ids = with_dead_letters
    result = service.run("dead-letters", "delete", ids[0], "no-such-id")
    assert (result.returncode, result.stdout) == (64, "1 deleted\n")


def test_requeue_and_delete_by_id_and_all(with_dead_letters):
    service, ids = with_dead_letters
    assert ok(service.run("dead-letters", "requeue", ids[1])) == "1 requeued\n"
    assert ok(service.run("dead-letters", "delete", ids[0], ids[2])) == "2 deleted\n"
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


@pytest.mark.parametrize("options", [[], ["--cron"]], ids=["messages", "cron"])
def test_new_makes_a_service(service, options):
    text = ok(service.run("new", "order_mail", *options))
    assert "cd order_mail && cmake -B build && cmake --build build && svchost" in text
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


# Completion


def completed(service, line):
    """What a real bash offers for a command line that ends here."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    script = f"""
        PATH={shlex.quote(str(executable("svchost").parent))}:$PATH
        source <(svchost completion bash)
        COMP_WORDS=({" ".join(map(shlex.quote, words))})
        COMP_CWORD={len(words) - 1}
        $(complete -p svchost | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    result = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=service.path)
    assert result.stderr == ""
    return [word for word in result.stdout.split("\n") if word]


def test_bash_completes_commands_actions_and_options(service):
    assert set(COMMANDS) <= set(completed(service, "svchost "))
    assert completed(service, "svchost dea") == ["dead-letters"]
    assert completed(service, "svchost ch") == ["check"]
    assert {"list", "show", "requeue", "delete"} <= set(completed(service, "svchost dead-letters "))
    assert completed(service, "svchost dead-letters req") == ["requeue"]
    assert set(completed(service, "svchost dead-letters requeue --")) >= {"--all", "--queue", "--dir"}
    assert completed(service, "svchost send --corr") == ["--correlation-id"]
    assert completed(service, "svchost nothing-like-it") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(service, shell):
    assert "svchost __complete" in ok(service.run("completion", shell))
