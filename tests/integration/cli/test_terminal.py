# SPDX-License-Identifier: MIT
"""What svchost does on a real terminal and nowhere else: colours, its width, questions."""

import json
import re

import pytest
from support.terminal import Terminal

ESCAPE = "\x1b["


def shown(service, *arguments, **more):
    terminal = Terminal(service, *arguments, **more)
    terminal.wait()
    return terminal.shown


@pytest.fixture
def with_dead_letters(service):
    for number in range(3):
        assert service.run("send", "ledger", json.dumps({"id": str(number), "do": "permanent"})).returncode == 0
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    return service


def letters(service):
    return json.loads(service.run("dead-letters", "list", "--json").stdout)


# Colours


def test_colours_are_for_terminals(with_dead_letters):
    service = with_dead_letters
    assert f"{ESCAPE}1mUsage:{ESCAPE}0m" in shown(service, "--help")
    assert f"{ESCAPE}1mID " in shown(service, "dead-letters", "list")
    assert shown(service, "chekc").startswith(f"{ESCAPE}1;31msvchost:{ESCAPE}0m there is no folder")
    for words in (["--help"], ["dead-letters", "list"], ["chekc"]):
        result = service.run(*words, TERM="xterm")
        assert ESCAPE not in result.stdout + result.stderr


def test_the_log_has_its_levels_in_colour_from_warning_on(service):
    assert service.run("send", "ledger", '{"id": "1", "do": "permanent"}').returncode == 0
    log = shown(service, "run", EXIT_WHEN_FINISHED=1, PROCESSOR_MODULE="", ODDLY_QUEUE_NAME="x")
    assert f"[{ESCAPE}1;31mERROR{ESCAPE}0m]" in log
    assert "[INFO]" in log
    assert ESCAPE not in shown(service, "run", EXIT_WHEN_FINISHED=1, LOG_FORMAT="json")


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_who_wants_no_colours_gets_none(with_dead_letters, more):
    for words in (["--help"], ["dead-letters", "list"], ["chekc"], ["run"]):
        text = shown(with_dead_letters, *words, EXIT_WHEN_FINISHED=1, **more)
        assert ESCAPE not in text, words


def test_an_empty_no_color_counts_as_unset(service):
    assert ESCAPE in shown(service, "--help", NO_COLOR="")


# Its width


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_output_fits_the_terminal(with_dead_letters, columns):
    for words in (["--help"], ["send", "--help"], ["dead-letters", "list"], ["next", "0 9 * * *"]):
        text = re.sub(r"\x1b\[[\d;]*m", "", shown(with_dead_letters, *words, columns=columns))
        assert max(map(len, text.splitlines())) <= columns, words


def test_a_list_spends_no_room_on_the_json_librarys_own_names(service):
    assert service.run("send", "ledger", "{}").returncode == 0
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert "key 'id' not found" in shown(service, "dead-letters", "list", columns=80)
    assert letters(service)[0]["error"].startswith("[json.exception.")  # programs get all of it


def test_a_pipe_gets_everything(with_dead_letters):
    [letter, *_] = letters(with_dead_letters)
    assert letter["id"] in with_dead_letters.run("dead-letters", "list").stdout


# Questions


def test_delete_asks_first(with_dead_letters):
    service = with_dead_letters
    for answer in ("n\n", "\n", "nonsense\n", "\x04"):
        terminal = Terminal(service, "dead-letters", "delete", "--all")
        terminal.answer("Delete 3 dead letters of ledger for good? [y/N] ", answer)
        assert terminal.wait() == 0
        assert "nothing deleted" in terminal.shown
    assert len(letters(service)) == 3

    [letter, *_] = letters(service)
    terminal = Terminal(service, "dead-letters", "delete", letter["id"])
    terminal.answer("Delete 1 dead letter of ledger for good? [y/N] ", "y\n")
    assert terminal.wait() == 0
    assert "1 deleted" in terminal.shown
    assert len(letters(service)) == 2


def test_delete_with_yes_asks_nothing(with_dead_letters):
    terminal = Terminal(with_dead_letters, "dead-letters", "delete", "--all", "--yes")
    assert terminal.wait() == 0
    assert terminal.shown == "3 deleted\n"


@pytest.mark.parametrize("input", ["", "y\n"], ids=["nobody", "a pipe that says yes"])
def test_without_a_terminal_delete_needs_yes(with_dead_letters, input):
    service = with_dead_letters
    [letter, *_] = letters(service)
    for words in (["--all"], [letter["id"]]):
        result = service.run("dead-letters", "delete", *words, input=input)
        assert result.returncode == 64
        assert "would be deleted for good" in result.stderr and "--yes" in result.stderr
    assert len(letters(service)) == 3
    assert service.run("dead-letters", "delete", letter["id"], "-y").stdout == "1 deleted\n"
    assert service.run("dead-letters", "delete", "--all", "--yes").stdout == "2 deleted\n"
    # There is nothing to lose any more.
    assert service.run("dead-letters", "delete", "--all").returncode == 0


def test_a_long_message_is_not_broken_within_words(service):
    text = shown(service, "dead-letters", "list", "--queue", "x", columns=60, NO_COLOR="1")
    whole = service.run("dead-letters", "list", "--queue", "x").stderr
    assert len(whole) > 60
    assert text.split() == whole.split()
    path = str(service.path)
    assert all(len(line) <= 60 or path in line for line in text.splitlines())
