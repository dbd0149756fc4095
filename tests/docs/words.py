# SPDX-License-Identifier: MIT
"""What `svchost` and `./dev` understand, so that a document says nothing else, not even where it is not run."""

import functools
import os
import re
import shlex
import subprocess

from documents import ROOT, DocumentError, name_of

# They change the machine, or ask for another: no block runs them but where it says what it needs, and gets it.
NEVER_RUN = {"apt", "apt-get", "docker", "docker-compose", "git", "kubectl", "sudo"}
OPERATORS = {"&&", "||", "|", ";", "&", "(", ")"}
# The environment of whoever runs the tests does not decide on them.
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "200"}
# A service's name, a folder or a path where a command could stand.
NO_COMMAND = re.compile(r"[A-Z.~/$…\[<]|[a-z_]+_example$")


class Vocabulary:
    def __init__(self, prefix):
        self._svchost = f"{prefix}/bin/svchost"

    @functools.lru_cache(maxsize=None)
    def help_of(self, *command):
        done = subprocess.run([self._svchost, *command, "--help"], capture_output=True, text=True, env=ENVIRONMENT)
        return done.stdout if done.returncode == 0 else None

    @functools.cached_property
    def dev_commands(self):
        return set(re.findall(r"^#: ([a-z-]+)", (ROOT / "dev").read_text(), re.MULTILINE))

    @functools.cached_property
    def dev_parts(self):
        return set(re.findall(r"^test_(?!parts)(\w+)\(\)", (ROOT / "dev").read_text(), re.MULTILINE))

    @functools.cached_property
    def variables(self):
        done = subprocess.run([self._svchost, "config", "--markdown"], capture_output=True, text=True, env=ENVIRONMENT)
        return set(re.findall(r"^\| `([A-Z0-9_]+)`", done.stdout, re.MULTILINE))

    def check(self, block):
        """Every use of the two programs in a block of commands."""
        for words in simple_commands(block.text):
            if words[0] in NEVER_RUN and not block.needs:
                raise block.error(f"{words[0]} is not run by this test: mark the block with what it needs")
            if wrong := self.wrong_in(words):
                raise block.error(wrong)

    def check_prose(self, path):
        """Every `svchost …` and `./dev …` within a document's sentences and tables."""
        text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
        for span in re.findall(r"`([^`\n]*(?:\n[^`\n]+)?)`", text):
            if not re.match(r"(svchost|\./dev)\s", span):
                continue
            for words in simple_commands(span.replace("\\|", "…").replace("\n", " ")):
                if wrong := self.wrong_in(words):
                    raise DocumentError(f"{name_of(path)}: `{span}`: {wrong}")

    def check_variables(self, block):
        for name in re.findall(r"^#?(\w+)=", block.text, re.MULTILINE):
            if name not in self.variables and not name.endswith("_QUEUE_NAME") and not name.endswith("_FILE"):
                raise block.error(f"svchost knows no variable {name}")

    def wrong_in(self, words):
        """What is wrong with a command and its arguments; nothing where all is well or it is another program's."""
        for at, word in enumerate(words):
            if word == "svchost" or word.endswith("/svchost"):
                if at == 0 or words[0] in ("docker", "timeout"):
                    return self._wrong_svchost(words[at + 1 :])
            elif word == "./dev" and at == 0:
                return self._wrong_dev(words[1:])
        return None

    def _wrong_svchost(self, words):
        command = []
        if words and not words[0].startswith("-") and not NO_COMMAND.match(words[0]):
            if self.help_of(words[0]) is None:
                return f"svchost has no command '{words[0]}'"
            command = [words[0]]
            # A command of commands: `dead-letters list`.
            if len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]) and self.help_of(*words[:2]) not in (None, self.help_of(words[0])):
                command = words[:2]
        known = self.help_of(*command) + (self.help_of("run") if not command else "")
        for word in words:
            option = re.match(r"--[a-z][a-z-]*", word)
            if option and not re.search(rf"{re.escape(option[0])}(?![\w-])", known):
                return f"svchost {' '.join(command)} has no option '{option[0]}'"
        return None

    def _wrong_dev(self, words):
        if not words:
            return None
        if not re.match(r"[A-Z…]", words[0]) and words[0] not in self.dev_commands:
            return f"./dev has no command '{words[0]}'"
        if words[0] == "test":
            for part in words[1:]:
                if re.fullmatch(r"[a-z]\w*", part) and part not in self.dev_parts:
                    return f"./dev test has no part '{part}'"
        return None


def simple_commands(text):
    """The words of each command in a piece of shell; comments and assignments in front are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(re.sub(r"^\$ ", "", line), posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a quotation that goes on in the next line
            words = line.split()
        command = []
        for word in [*words, ";"]:
            if word in OPERATORS or set(word) <= set("();<>|&"):
                while command and re.match(r"\w+=", command[0]):
                    command.pop(0)
                if command:
                    yield command
                command = []
            else:
                command.append(word)
