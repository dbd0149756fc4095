# SPDX-License-Identifier: MIT
"""What the terminal shows, word for word: every help page, and the tables at three widths.

A change that is meant is written down by

    RENEW_SNAPSHOTS=1 ROCOCO_BUILD_DIR=build/dev python3 -m pytest tests/integration/cli/test_snapshots.py

and is then a part of the diff that others read.
"""

import os
import pathlib
import re
import subprocess

import pytest
from support.host import executable

SNAPSHOTS = pathlib.Path(__file__).parent / "snapshots"
COMMANDS = [
    "run", "check", "config", "send", "dead-letters", "queues", "next", "status", "top", "pause", "resume", "run-now", "health", "dashboard", "new",
    "version", "completion"]  # fmt: skip
ACTIONS = ["list", "show", "requeue", "delete"]
PAGES = [[], *([command] for command in COMMANDS), *(["dead-letters", action] for action in ACTIONS)]
WIDTHS = [40, 80, 200]


def compare(name, text):
    """The text is what the file has; RENEW_SNAPSHOTS=1 makes it so."""
    path = SNAPSHOTS / name
    if os.environ.get("RENEW_SNAPSHOTS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"{path} is missing: RENEW_SNAPSHOTS=1 writes it"
    assert text == path.read_text(), f"differs from {path}: RENEW_SNAPSHOTS=1 renews it where that is meant"


def widest(text):
    return max(map(len, text.splitlines()))


def svchost(*arguments, folder, width, **environment):
    result = subprocess.run(
        [executable("svchost"), *arguments], cwd=folder, capture_output=True, text=True, timeout=180,
        env={"PATH": os.environ["PATH"], "COLUMNS": str(width), **environment},
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def test_every_command_has_a_snapshot(tmp_path):
    top = svchost("--help", folder=tmp_path, width=80)
    listed = re.findall(r"^  ([a-z-]+)  ", top.split("Commands:")[1].split("Options:")[0], re.MULTILINE)
    assert listed == COMMANDS
    group = svchost("dead-letters", "--help", folder=tmp_path, width=80)
    assert re.findall(r"^  ([a-z-]+)  ", group.split("Actions:")[1].split("Options:")[0], re.MULTILINE) == ACTIONS


@pytest.mark.parametrize("words", PAGES, ids=lambda words: "-".join(words) or "svchost")
def test_help(tmp_path, words):
    text = svchost(*words, "--help", folder=tmp_path, width=80)
    assert widest(text) <= 80
    assert "Examples:" in text
    compare(f"help/{'-'.join(['svchost', *words])}.txt", text)


@pytest.mark.parametrize("width", [40, 200])
@pytest.mark.parametrize("words", PAGES, ids=lambda words: "-".join(words) or "svchost")
def test_help_fits_narrow_and_wide_terminals(tmp_path, words, width):
    text = svchost(*words, "--help", folder=tmp_path, width=width)
    assert widest(text) <= min(width, 100), "longer lines are hard to read"
    # No word is broken: all of them are those of the page at 80 columns.
    page = svchost(*words, "--help", folder=tmp_path, width=80)
    assert text.replace("\\\n", "").split() == page.replace("\\\n", "").split()
    if words in ([], ["send"]):
        compare(f"help-{width}/{'-'.join(['svchost', *words])}.txt", text)


@pytest.fixture(scope="module")
def dead_letters(tmp_path_factory):
    """A queue with dead letters whose ids begin alike."""
    from support.host import ServiceFolder

    service = ServiceFolder(tmp_path_factory.mktemp("letters") / "service")
    for id in ("0d3c5a52-1111-4c0e-9d6a-000000000001", "0d3c5a52-2222-4c0e-9d6a-000000000002", "order-17"):
        assert service.run("send", '{"id": "x", "do": "permanent"}', "--id", id).returncode == 0
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    return service


@pytest.mark.parametrize("width", WIDTHS)
def test_dead_letters_list(dead_letters, width):
    result = dead_letters.run("dead-letters", "list", COLUMNS=width)
    assert result.returncode == 0, result.stderr
    assert widest(result.stdout) <= width
    compare(f"tables/dead-letters-{width}.txt", re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "2026-11-29 19:28:28Z", result.stdout))


def test_shortened_ids_are_taken(dead_letters):
    listed = dead_letters.run("dead-letters", "list", COLUMNS=40).stdout
    ids = re.findall(r"^(\S+)(?:  |$)", listed, re.MULTILINE)
    assert len(ids) == 3
    for id in ids:
        assert dead_letters.run("dead-letters", "show", id).returncode == 0, id


SCHEDULE = {
    "EXECUTION_TYPE": "CRON", "CRON_TIMEZONE": "Europe/Berlin", "RUN_AT_STARTUP": "true",
    "CRON_EXPRESSIONS": "30 9 * * mon-fri; 0 17 1 * *",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_next(tmp_path, width):
    text = svchost("next", "-n", "12", "--from", "2026-11-20T08:59:30.5", folder=tmp_path, width=width, **SCHEDULE)
    assert widest(text) <= width
    compare(f"tables/next-{width}.txt", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_config(tmp_path, width):
    (tmp_path / ".env").write_text(
        "OrdersServiceProcessor_QUEUE_NAME=orders\nQUEUE_NAME_PREFIX=dev_\nRABBITMQ_PASSWORD=hunter2\n"
        "SQLITE_PATH=/srv/queue.db\n"
    )
    text = svchost("config", folder=tmp_path, width=width)
    assert widest(text) <= width
    compare(f"tables/config-{width}.txt", text)
