# SPDX-License-Identifier: MIT
"""A document as its reader follows it: one block after the other, in one folder, in one shell."""

import ast
import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile

import yaml
from documents import COMMANDS, ROOT, read_blocks
from words import Vocabulary

BLOCK_LIMIT_S = 300
ANY = "…"


class Session:
    """Runs documents in a copy of the repository, which has the real build folder.

    `prefix`: where host and SDK are installed. `given`: what blocks may need and get, by name; each value is a
    dictionary of environment variables, and the programs in `programs` are on the path.
    """

    def __init__(self, folder, prefix, given=None, programs=()):
        self.root = pathlib.Path(folder) / "rococo-service-host"
        self.given = given or {}
        self.vocabulary = Vocabulary(prefix)
        self._bin = pathlib.Path(folder) / "bin"
        self._state = pathlib.Path(folder) / "state"
        self._clone()
        self._bin.mkdir()
        for program in [pathlib.Path(__file__).parent / "svchost", *programs]:
            shutil.copy2(program, self._bin / program.name)
        kept = {key: os.environ[key] for key in ("CCACHE_DIR", "DOCKER_HOST", "XDG_CACHE_HOME") if key in os.environ}
        self._environment = {
            **kept,
            "PATH": f"{self._bin}:{prefix}/bin:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "CMAKE_PREFIX_PATH": str(prefix),
            "SECONDS_TO_RUN": "4",
            "DOCS_SVCHOST": f"{prefix}/bin/svchost",
        }
        # ccache looks into the home folder of whoever runs it.
        self._environment.setdefault("CCACHE_DIR", str(pathlib.Path.home() / ".cache" / "ccache"))
        self._output = None  # of the block before; none where that was only read

    def _clone(self):
        files = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                               check=True).stdout
        for name in filter(None, files.split("\0")):
            if (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.root / name)
        (ROOT / "build").mkdir(exist_ok=True)
        (self.root / "build").symlink_to(ROOT / "build")

    def follow(self, path):
        """Follows the document; raises DocumentError at the first thing in it that is wrong."""
        start = self.root / path.parent.relative_to(ROOT) if path.name == "README.md" and path.is_relative_to(ROOT) else self.root
        self._state.write_text(f"cd {shlex.quote(str(start))}\n")
        for block in read_blocks(path):
            if block.language in COMMANDS:
                self._commands(block)
            else:
                self._shown(block)

    def _commands(self, block):
        self.vocabulary.check(block)
        commands = split_commands(block)
        if block.needs - self.given.keys() - {"release"}:
            self._output = None
            return
        if block.language == "console":
            for command, expected in console(block):
                self._run(block, [command])
                compare(block, expected, self._output)
        else:
            self._run(block, commands)

    def _run(self, block, commands):
        """One script for the block, which ends at the first command that fails; folder and exports go on to the next."""
        lines = [f"source {self._state}"]
        if "in" in block.marks:
            lines.append(f"cd {self.root}/{block.marks['in']} || exit 96")
        if "before" in block.marks:
            lines.append(f"{{ {block.marks['before']}\n}} >/dev/null || exit 95")
        for command in commands:
            lines.append(command)
            lines.append("docs_status=$?; (exit $docs_status) || exit $docs_status; unset docs_status")
        lines.append(f"{{ export -p; printf 'cd %q\\n' \"$PWD\"; }} >{self._state}")
        environment = dict(self._environment)
        for need in block.needs:
            environment.update(self.given.get(need, {}))
        if "until" in block.marks:
            environment["DOCS_UNTIL"] = block.marks["until"]
        status, self._output = _bash("\n".join(lines), environment)
        if status != int(block.marks.get("exit", 0)):
            raise block.error(f"ended with {status}:\n{block.text}---- it printed\n{self._output[-4000:]}")

    def _folder(self):
        return pathlib.Path(shlex.split(self._state.read_text().splitlines()[-1])[1])

    def _shown(self, block):
        if "output" in block.marks and self._output is not None:
            compare(block, block.text, self._output)
        if "file" in block.marks:
            target = self._folder() / block.marks["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
        if "shows" in block.marks:
            compare_with_file(block, self._folder() / block.marks["shows"])
        if block.language == "python":
            ast.parse(block.text)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "env":
            self.vocabulary.check_variables(block)


def _bash(script, environment):
    """Exit code and output of a script; it and all that it started are ended after a while."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(["bash", "-c", script], env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(BLOCK_LIMIT_S)
        except subprocess.TimeoutExpired:
            status = f"nothing after {BLOCK_LIMIT_S} s"
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.seek(0)
        return status, output.read()


def split_commands(block):
    """The block's commands, each of one or more lines. Bash reads it first: what it does not understand is refused."""
    text = "".join(f"{command}\n" for command, _ in console(block)) if block.language == "console" else block.text
    commands, command = [], ""
    for line in text.splitlines():
        command += line + "\n"
        read = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True)
        if read.returncode == 0 and not read.stderr and not line.endswith("\\"):
            commands.append(command)
            command = ""
    if command:
        raise block.error(f"bash does not understand this:\n{command}{read.stderr}")
    return commands


def console(block):
    """(command, what is shown below it) of a block with prompts."""
    found = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif found and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif found:
            found[-1][1] += line + "\n"
        else:
            raise block.error("a console block begins with `$ ` and a command")
    return found


def compare(block, shown, output):
    """Holds what is shown against what was printed: `…` stands for anything in a line, a line of its own for any lines."""
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == ANY:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part.rstrip() if last else part) for part, last in _parts(line)) + r"\s*?\n"
    if not re.fullmatch(pattern, output if output.endswith("\n") or not output else output + "\n"):
        raise block.error(f"shown is\n{shown}---- but printed was\n{output[-4000:]}")


def _parts(line):
    parts = line.split(ANY)
    return [(part, at == len(parts) - 1) for at, part in enumerate(parts)]


def compare_with_file(block, path):
    """What is shown is what the file has, but for the file's comments and empty lines; `…` leaves lines out."""
    if not path.is_file():
        raise block.error(f"there is no {path}")
    kept = [line.rstrip() for line in path.read_text().splitlines() if line.strip() and not re.match(r"\s*(//|#(?!include))", line)]
    shown = [line for line in block.text.splitlines() if line.strip() and not re.match(r"\s*(//|#(?!include))", line)]
    compare(block, "".join(f"{line}\n" for line in shown), "".join(f"{line}\n" for line in kept))
