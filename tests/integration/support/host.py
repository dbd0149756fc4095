# SPDX-License-Identifier: MIT
"""Real `svchost` processes for the tests: each in a service folder of its own."""

import fcntl
import os
import pathlib
import re
import signal
import subprocess
import time

# How long a test waits for what must happen. No test passes faster for it; a busy machine needs it.
DEADLINE_S = 240

# What ledger_service writes. SIGKILL can cut a write at a page's end; the next process's line then follows the stump.
LEDGER_ENTRY = re.compile(r"(begin|done) (\S+) (\d+) (\d+) (\d{16})\n")

BUILD = pathlib.Path(os.environ.get("ROCOCO_BUILD_DIR", "build/dev")).resolve()


def executable(name):
    """The path of a program of the build, such as `svchost` or `mutant_svchost`; a path is one already."""
    if pathlib.Path(name).is_absolute():
        return name
    return _find(name, lambda path: os.access(path, os.X_OK) and path.is_file())


def service_library(name):
    """The path of a test service's library, such as `ledger_service`."""
    return _find(f"{name}.service.so", lambda path: True)


def _find(name, fits):
    found = [path for path in BUILD.rglob(name) if fits(path)]
    assert found, f"{name} is not in {BUILD}: build it first, or set ROCOCO_BUILD_DIR"
    return min(found, key=lambda path: len(path.parts))


class ServiceFolder:
    """A folder as a user's service has it: an `.env`, state, and a ledger written by the service."""

    def __init__(self, path, library="ledger_service", **settings):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.ledger_log = self.path / "ledger.log"
        self.settings = {
            "QUEUE_NAME_PREFIX": "",
            "LedgerServiceProcessor_QUEUE_NAME": "ledger",
            "MESSAGING_TYPE": "SqliteConnection",
            "LEDGER_LOG": str(self.ledger_log),
            "RETRY_DELAY": "50ms",
        }
        if library:
            self.settings["SERVICE_LIBRARY"] = str(service_library(library))
        self.settings.update({name: str(value) for name, value in settings.items()})

    def environment(self, **more):
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TZ") if name in os.environ}
        for name, value in os.environ.items():
            if name.startswith(("ASAN_", "UBSAN_", "LSAN_", "TSAN_")):
                inherited[name] = value
        return {**inherited, **self.settings, **{name: str(value) for name, value in more.items()}}

    def start(self, program="svchost", arguments=(), reader=False, before=(), **more):
        """Starts a host, its log in a file; `before`: a command that becomes it. Stop it, or wait for it."""
        return Host(self, program, arguments, more, reader, before)

    def run(self, *arguments, input=None, timeout=DEADLINE_S, **more):
        """Runs `svchost` with these arguments until it ends."""
        return subprocess.run(
            [executable("svchost"), *arguments],
            cwd=self.path,
            env=self.environment(**more),
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def send(self, queue, *bodies):
        """Sends messages by `svchost send`, one a line."""
        sent = self.run("send", queue, "-", input="".join(body + "\n" for body in bodies))
        assert sent.returncode == 0, sent.stderr

    def ledger(self, event="done"):
        """(id, attempt, pid of the host, microseconds) of each line of that event, in order."""
        return self.ledger_by_process(event)

    def ledger_by_process(self, event="done"):
        """The same with the number of the process that wrote the line: a service in Python has processes of its own."""
        if not self.ledger_log.exists():
            return []
        return [
            (id, int(attempt), int(pid), int(at))
            for what, id, attempt, pid, at in LEDGER_ENTRY.findall(self.ledger_log.read_text())
            if what == event
        ]

    def ids(self, event="done"):
        return [entry[0] for entry in self.ledger(event)]


class Host:
    """One running host. `reader`: its log goes through a process of its own, `log_reader`, which a test may stop."""

    def __init__(self, folder, program, arguments, more, reader=False, before=()):
        self.log_path = folder.path / f"host-{time.monotonic_ns()}.log"
        self._log = self.log_path.open("w")
        self.log_reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=self._log) if reader else None
        self.process = subprocess.Popen(
            [*before, executable(program), *arguments],
            cwd=folder.path,
            env=folder.environment(**more),
            stdout=self.log_reader.stdin if reader else self._log,
            stderr=subprocess.STDOUT,
        )
        if reader:
            fcntl.fcntl(self.log_reader.stdin, fcntl.F_SETPIPE_SZ, 4096)  # soon full
            self.log_reader.stdin.close()  # the host alone holds it now

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text()

    def wait(self, timeout=DEADLINE_S):
        """The exit code once it has ended."""
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self, timeout=DEADLINE_S):
        """SIGTERM, and the exit code. Not before the host listens: until then a signal just ends the process."""
        wait_until(lambda: self.process.poll() is not None or re.search("Consuming|Schedule: ", self.log()), timeout, self.log)
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait_for(self, pattern, timeout=DEADLINE_S):
        """Waits until the log matches the regular expression."""
        wait_until(lambda: re.search(pattern, self.log()), timeout, lambda: f"{pattern!r} in:\n{self.log()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        if self.log_reader is not None:
            self.log_reader.kill()
            self.log_reader.wait()
        self._log.close()


def wait_until(condition, timeout=DEADLINE_S, what=lambda: "the condition"):
    """Polls until the condition holds; fails with `what()` when the time is over."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout} s: {what()}"
        time.sleep(0.02)


def lives(pid):
    """Whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
