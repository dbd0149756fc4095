# SPDX-License-Identifier: MIT
"""Completion as the shells do it, and the man pages."""

import json
import os
import re
import shlex
import shutil
import subprocess

import pytest
from support.host import BUILD, executable

COMMANDS = [
    "run", "check", "config", "next", "send", "dead-letters", "queues", "status", "top", "pause", "resume", "run-now", "health", "dashboard", "new",
    "version", "completion"]  # fmt: skip
SHARE = BUILD / "rococo_svchost/cli/share"


def shell(service, *command, script=None):
    program = executable("svchost").parent
    environment = service.environment(PATH=f"{program}:{os.environ['PATH']}", HOME=service.path, TERM="dumb")
    result = subprocess.run([*command], cwd=service.path, env=environment, input=script, capture_output=True, text=True, timeout=180)
    assert result.stderr == "", result.stderr
    return [line for line in result.stdout.split("\n") if line]


def bash(service, line):
    """As bash cuts a line: at = and : too."""
    words = [part for word in shlex.split(line) for part in re.findall(r"[=:]|[^=:]+", word)]
    words += [""] if line.endswith(" ") else []
    script = f"""
        source <(svchost completion bash)
        COMP_WORDS=({" ".join(map(shlex.quote, words))})
        COMP_CWORD={len(words) - 1}
        _svchost
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return shell(service, "bash", "-c", script)


def zsh(service, line):
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    script = f"""
        autoload -Uz compinit; compinit -u -D
        source <(svchost completion zsh)
        compadd() {{ shift; print -rl -- "$@" }}
        _files() {{ print -rl -- */(N) }}
        words=({" ".join(map(shlex.quote, words))})
        CURRENT={len(words)}
        _svchost
    """
    return shell(service, "zsh", "-f", script=script)


def fish(service, line):
    script = f"svchost completion fish | source; complete -C {shlex.quote(line)}"
    return [line.split("\t")[0] for line in shell(service, "fish", "--no-config", "-c", script)]


SHELLS = [
    pytest.param(complete, id=complete.__name__,
                 marks=pytest.mark.skipif(shutil.which(complete.__name__) is None, reason="this shell is not installed"))
    for complete in (bash, zsh, fish)
]
each_shell = pytest.mark.parametrize("complete", SHELLS)


@each_shell
def test_commands_actions_and_options(service, complete):
    assert set(COMMANDS) <= set(complete(service, "svchost "))
    assert complete(service, "svchost dead") == ["dead-letters"]
    assert complete(service, "svchost dead-letters req") == ["requeue"]
    assert {"list", "show", "requeue", "delete"} <= set(complete(service, "svchost dead-letters "))
    assert {"--all", "--queue", "--dir"} <= set(complete(service, "svchost dead-letters requeue --"))
    assert complete(service, "svchost send --corr") == ["--correlation-id"]


@each_shell
def test_values(service, complete):
    assert complete(service, "svchost completion ") == ["bash", "fish", "zsh"]
    assert complete(service, "svchost next --format j") == ["json"]
    assert complete(service, "svchost next --tz Europe/Berl") == ["Europe/Berlin"]
    assert complete(service, "svchost next --tz America/Argentina/Bu") == ["America/Argentina/Buenos_Aires"]
    # Bash completes what is behind the =; the others the whole word.
    behind = complete(service, "svchost next --format=j")
    assert behind == (["json"] if complete is bash else ["--format=json"])


@each_shell
def test_folders(service, complete):
    (service.path / "shop").mkdir()
    (service.path / "file").write_text("")
    for line in ("svchost run ", "svchost send --dir ", "svchost "):
        offered = [name.rstrip("/") for name in complete(service, line)]
        assert "shop" in offered and "file" not in offered, line


@each_shell
def test_queues_and_dead_letters(service, complete):
    service.send("other", "{}")
    for id in ("apple-1", "apple:2", "pear"):
        assert service.run("send", json.dumps({"id": "x", "do": "permanent"}), "--id", id).returncode == 0
    assert complete(service, "svchost send o") == ["other"]
    assert complete(service, "svchost dead-letters list --queue l") == ["ledger"]
    assert complete(service, "svchost dead-letters show ") == []
    assert service.run(EXIT_WHEN_FINISHED=1).returncode == 0
    assert complete(service, "svchost dead-letters show p") == ["pear"]
    assert set(complete(service, "svchost dead-letters delete ")) == {"apple-1", "apple:2", "pear"}
    assert complete(service, "svchost dead-letters requeue pear apple-") == ["apple-1"]
    assert complete(service, "svchost dead-letters show --queue other ") == []
    assert complete(service, "svchost dead-letters show apple:") == (["2"] if complete is bash else ["apple:2"])


def test_completion_writes_and_says_nothing_where_there_is_no_queue(service):
    before = list(service.path.iterdir())
    for words in (["dead-letters", "show", ""], ["send", ""], ["next", "--tz", "x"], ["run", "--once", ""]):
        result = service.run("__complete", *words, SERVICE_LIBRARY="gone.so")
        assert result.returncode == 0
    assert list(service.path.iterdir()) == before


def test_a_broker_out_of_reach_keeps_nobody_waiting(service):
    result = service.run(
        "__complete", "dead-letters", "show", "", timeout=180, MESSAGING_TYPE="RabbitMqConnection", RABBITMQ_HOST="127.0.0.1",
        RABBITMQ_PORT="1",
    )
    assert (result.returncode, result.stdout) == (0, "")


# What the packages install


def test_scripts_are_where_the_shells_look(service):
    for path, name in (
        ("bash-completion/completions/svchost", "bash"), ("zsh/vendor-completions/_svchost", "zsh"),
        ("zsh/site-functions/_svchost", "zsh"), ("fish/vendor_completions.d/svchost.fish", "fish"),
    ):
        assert (SHARE / path).read_text() == service.run("completion", name).stdout


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_loads_it_from_its_path(service):
    script = f"""
        fpath=({SHARE}/zsh/site-functions $fpath)
        autoload -Uz compinit; compinit -u -D
        print -- $_comps[svchost]
    """
    assert shell(service, "zsh", "-f", script=script) == ["_svchost"]


PAGES = ["svchost", *(f"svchost-{command}" for command in COMMANDS)]


def test_there_is_a_man_page_for_each_command():
    assert sorted(path.name for path in (SHARE / "man/man1").iterdir()) == sorted(f"{name}.1" for name in PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_man_page_renders_without_warnings_and_says_what_help_says(service, name):
    page = SHARE / f"man/man1/{name}.1"
    for command in (["man", "--warnings", "-E", "UTF-8", "-l", page], ["mandoc", "-Tlint", "-Wstyle", page]):
        if shutil.which(command[0]) is None:
            continue
        result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "200"})
        # mandoc knows no .RB and the like of lowercase titles; everything else counts.
        assert result.stderr + (result.stdout if command[0] == "mandoc" else "") == ""
        rendered = result.stdout if command[0] == "man" else ""
        words = name.removeprefix("svchost").removeprefix("-")
        help = service.run(*([words] if words else []), "--help", COLUMNS=200).stdout
        for option in re.findall(r"--[a-z-]+", help.split("Options:")[1].split("Examples:")[0]):
            assert not rendered or option in rendered


def test_installing_brings_man_pages_and_completion(tmp_path):
    installed = subprocess.run(
        ["cmake", "--install", BUILD, "--prefix", tmp_path, "--component", "host"], capture_output=True, text=True
    )
    assert installed.returncode == 0, installed.stderr
    for path in (
        "bin/svchost", "share/man/man1/svchost.1", "share/man/man1/svchost-dead-letters.1",
        "share/bash-completion/completions/svchost", "share/zsh/vendor-completions/_svchost",
        "share/fish/vendor_completions.d/svchost.fish",
    ):
        assert (tmp_path / path).is_file(), path
