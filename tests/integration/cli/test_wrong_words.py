# SPDX-License-Identifier: MIT
"""A wrong word, value, folder or option on the command line: one message that says what is allowed, the right exit code, and
nothing made."""

import pytest

USAGE, CONFIGURATION = 64, 78


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["no_such_folder"], "there is no folder and no command no_such_folder\nSee svchost --help."),
        (["launch"], "there is no folder and no command launch\nSee svchost --help."),
        (["run", "no_such_folder"], "there is no folder no_such_folder"),
        (["check", "no_such_folder"], "there is no folder no_such_folder"),
        (["check", "a_file"], "a_file is not a folder"),
        (["config", "no_such_folder"], "there is no folder no_such_folder"),
        (["next", "--dir", "no_such_folder"], "there is no folder no_such_folder"),
        (["send", "--dir", "no_such_folder", "q", "x"], "there is no folder no_such_folder"),
        (["dead-letters", "list", "--dir", "no_such_folder"], "there is no folder no_such_folder"),
        (["--bogus"], "svchost run has no option --bogus"),
        (["--versoin"], "svchost run has no option --versoin; did you mean --version?"),
        (["run", "--bogus"], "svchost run has no option --bogus"),
        (["run", "--one"], "svchost run has no option --one; did you mean --once?"),
        (["run", "one", "two"], "svchost run: 'two' is one argument too many"),
        (["run", "--once"], "--once is for services that run on a schedule, but this one processes messages"),
        (["send"], "BODY is missing"),
        (["send", "q"], "'q' is not JSON (at byte 1): if it is a queue, the body is missing (svchost send q BODY)"),
        (["send", "two words"], "'two words' is not JSON (at byte 2): mend it, or give its type, such as --content-type text/plain"),
        (["send", "q", "{'id': 7}"], "'{'id': 7}' is not JSON (at byte 2): mend it, or give its type"),
        (["send", "q", '{"id": 7'], """'{"id": 7' is not JSON (it ends too early)"""),
        (["send", "q", ""], "'' is not JSON (it ends too early)"),
        (["send", "q", "@orders.json"], "'@orders.json' is not JSON (at byte 1)"),
        (["send", "q", "two", "words"], "svchost send: 'words' is one argument too many; quote an argument that has spaces"),
        (["send", "q", "x", "--header", "no-equals"], "--header no-equals: expected NAME=VALUE"),
        (["send", "q", "x", "--header", "=value"], "expected NAME=VALUE"),
        (["send", "q", "x", "--header"], "--header needs a value"),
        (["send", "q", "x", "--id", "a", "--id", "b"], "--id may be given only once"),
        (["send", "q", "-", "--id", "a"], "--id is for a single message, but standard input has many"),
        (["send", "q", "x", "--priority", "256"], "--priority: expected a whole number from 0 to 255, not '256'"),
        (["send", "q", "x", "--priority", "high"], "--priority: expected a whole number from 0 to 255, not 'high'"),
        (["send", "", "x"], "the queue's name is empty"),
        (["dead-letters"], "svchost dead-letters needs one of list, show, requeue, delete"),
        (["dead-letters", "burn"], "there is no svchost dead-letters burn; there are list, show, requeue, delete"),
        (["dead-letters", "lst"], "list, show, requeue, delete; did you mean list?"),
        (["dead-letters", "list", "--limit", "all"], "--limit: expected a whole number from 0 to 1000000, not 'all'"),
        (["dead-letters", "show"], "ID is missing"),
        (["dead-letters", "requeue"], "which ones? Give ids, or --all"),
        (["dead-letters", "delete", "some-id", "--all"], "give ids or --all, not both"),
        (["next", "-n", "0"], "-n: expected a whole number from 1 to 1000000, not '0'"),
        (["next", "--format", "jsn"], "--format: expected one of text, json, not 'jsn'; did you mean json?"),
        (["config", "--josn"], "svchost config has no option --josn; did you mean --json?"),
        (["new"], "NAME is missing"),
        (["new", "Bad-Name"], "lower-case letters"),
        (["new", "../escape"], "lower-case letters"),
        (["new", ""], "'': a service's name consists of lower-case letters"),
        (["new", "test"], "test: CMake has a target of this name already"),
        (["completion"], "SHELL is missing"),
        (["completion", "fisch"], "SHELL: expected one of bash, zsh, fish, not 'fisch'; did you mean fish?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_ends_with_64(service, arguments, said):
    (service.path / "a_file").write_text("")
    result = service.run(*arguments)
    assert result.returncode == USAGE, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("svchost: ") and said in result.stderr
    # One message, and where to read on for what the parser refuses.
    assert result.stderr.count("svchost: ") in (1, 2) and len(result.stderr.splitlines()) <= 3
    assert not (service.path / "no_such_folder").exists()
    assert not (service.path / ".svchost").exists()


def test_what_the_parser_refuses_shows_usage_and_where_help_is(service):
    result = service.run("send", "q", "x", "--heade", "a=b")
    assert result.stderr == (
        "svchost: svchost send has no option --heade; did you mean --header?\n"
        "Usage: svchost send [OPTIONS] [QUEUE] BODY\n"
        "See svchost send --help.\n"
    )


@pytest.mark.parametrize("words", [["help"], ["help", "send"], ["help", "dead-letters", "list"]], ids=" ".join)
def test_help_is_a_word_too(service, words):
    assert service.run(*words).stdout == service.run(*words[1:], "--help").stdout


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["next"], "there is no schedule here: give an expression, such as svchost next '0 9 * * MON-FRI'"),
        (["next", "61 * * * *"], "svchost: '61 * * * *': minute 61 is out of range: 0 to 59"),
        (["next", "0 9 * * *", "--tz", "Europe/Berln"], "svchost: --tz 'Europe/Berln': "),
        (["next", "0 9 * * *", "--tz", "Europe/Berln"], "did you mean Europe/Berlin?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_schedule_ends_with_78(service, arguments, said):
    result = service.run(*arguments)
    assert result.returncode == CONFIGURATION
    assert said in result.stderr
    assert "CRON_EXPRESSIONS=" not in result.stderr and "CRON_TIMEZONE" not in result.stderr


@pytest.mark.parametrize("arguments", [["--from", "noon"], ["--until", "2027-13-01"]], ids=" ".join)
def test_a_wrong_time_is_told_with_its_option(service, arguments):
    result = service.run("next", "0 9 * * *", *arguments)
    assert result.returncode == USAGE
    assert result.stderr.startswith(f"svchost: {arguments[0]}: ")


def test_a_command_that_is_misspelt_is_suggested(service):
    result = service.run("chekc")
    assert result.returncode == USAGE
    assert "there is no folder and no command chekc; did you mean svchost check?" in result.stderr


def test_new_overwrites_nothing(service):
    (service.path / "shop").mkdir()
    (service.path / "shop/precious").write_text("mine")
    result = service.run("new", "shop")
    assert result.returncode == USAGE
    assert "shop already exists" in result.stderr
    assert [path.name for path in (service.path / "shop").iterdir()] == ["precious"]
