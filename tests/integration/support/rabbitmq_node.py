# SPDX-License-Identifier: MIT
"""RabbitMQ nodes of the tests' own: own name, ports, directories and port mapper daemon.

As a program it serves one node to a test executable: it prints the port when the node is up and
stops the node when its standard input ends.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))  # it is a program and a module of two packages

from ports import free_port  # noqa: E402

SBIN = next(
    (path for path in sorted(pathlib.Path("/usr/lib/rabbitmq/lib").glob("*/sbin"), reverse=True)),
    pathlib.Path("/usr/lib/rabbitmq/bin"),
)
COOKIE = "rococo-tests"


class RabbitMqNode:
    """One node. `start` it; `stop`, `kill` and start it again as often as need be; `close` it last.

    `epmd_port`: nodes of one cluster share it. `settings`: lines for rabbitmq.conf.
    """

    def __init__(self, folder=None, epmd_port=None, settings=(), name=None):
        self._own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="rococo-rabbitmq-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.epmd_port = epmd_port or free_port()
        self._owns_epmd = epmd_port is None
        self._dist_port = free_port()
        self.name = f"{name or 'rococo'}-{self.port}@localhost"
        self._process = None
        (self.folder / ".erlang.cookie").write_text(COOKIE)
        (self.folder / ".erlang.cookie").chmod(0o600)
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "loopback_users = none",
            "vm_memory_high_watermark.relative = 0.6",
            "disk_free_limit.absolute = 50MB",
            "log.file.level = warning",
            "log.console = false",
            *settings,
        ]
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        # What a delay queue (at-least-once dead-lettering) was passing on when a node died it passes on again after
        # this time; the default is three minutes.
        (self.folder / "advanced.config").write_text(
            "[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")

    @property
    def url(self):
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def pid(self):
        return self._process.pid

    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_USE_LONGNAME": "false",
            # Two cores: schedulers that spin while they wait would be in the way of the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
            + f" -setcookie {COOKIE}",
            "RABBITMQ_CTL_ERL_ARGS": f"-setcookie {COOKIE}",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def start(self, timeout=240, wait=True):
        """Starts the node and waits until it takes connections."""
        assert self._process is None, "it runs already"
        output = (self.folder / "output.log").open("a")
        self._process = subprocess.Popen(
            [SBIN / "rabbitmq-server"],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        output.close()
        if wait:
            self.wait_until_up(timeout)
        return self

    def wait_until_up(self, timeout=240):
        deadline = time.monotonic() + timeout
        while not self._greets():
            assert self._process.poll() is None, f"the node ended:\n{self._tail()}"
            assert time.monotonic() < deadline, f"the node is not up after {timeout} s:\n{self._tail()}"
            time.sleep(0.1)

    def _greets(self):
        # The listener opens last, when the node is ready to serve.
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                connection.settimeout(5)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _tail(self):
        return (self.folder / "output.log").read_text()[-3000:]

    def ctl(self, *arguments, timeout=180):
        """Runs `rabbitmqctl` against the node; returns what it prints."""
        done = subprocess.run(
            [SBIN / "rabbitmqctl", "-q", "-n", self.name, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0, f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def eval(self, expression, timeout=180):
        """Evaluates Erlang within the node."""
        return self.ctl("eval", expression, timeout=timeout)

    def stop(self):
        """Stops the node in good order."""
        if self._process is None:
            return
        os.kill(self._beam_pid(), signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self):
        """SIGKILL for the node's whole session."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _beam_pid(self):
        # The script is replaced by the virtual machine, or waits for it as its parent.
        children = subprocess.run(
            ["ps", "-o", "pid=,comm=", "--ppid", str(self._process.pid)], capture_output=True, text=True
        ).stdout
        for line in children.splitlines():
            pid, command = line.split(None, 1)
            if command.startswith("beam"):
                return int(pid)
        return self._process.pid

    def close(self):
        """Stops the node and its port mapper, and removes its folder."""
        self.kill()
        if self._owns_epmd:
            self._stop_epmd()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _stop_epmd(self):
        # It refuses while it believes that nodes live, which it does for a moment after they were killed.
        for _ in range(50):
            asked = subprocess.run(
                ["epmd", "-port", str(self.epmd_port), "-kill"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "ERL_EPMD_ADDRESS": "127.0.0.1"},
            )
            if "not allowed" not in asked.stdout:
                return
            time.sleep(0.1)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


class RabbitMqCluster:
    """Three nodes that share their queues: what a quorum queue needs to outlive the loss of one."""

    def __init__(self, folder=None, size=3):
        self._folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="rococo-rabbitmq-cluster-"))
        self._own_folder = folder is None
        epmd_port = free_port()
        self.nodes = [
            RabbitMqNode(self._folder / f"node{number}", epmd_port, name=f"rococo{number}") for number in range(size)
        ]
        self.nodes[0]._owns_epmd = True

    def start(self):
        try:
            self._form()
        except BaseException:
            self.close()  # one that did not come up must not leave the others running
            raise
        return self

    def _form(self):
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            node.wait_until_up()
        for node in self.nodes[1:]:
            node.ctl("stop_app")
            node.ctl("join_cluster", self.nodes[0].name, timeout=240)
            node.ctl("start_app", timeout=240)

    def leader_of(self, queue):
        """The node that leads a quorum queue."""
        for node in self.nodes:
            if node._process is None:
                continue
            for line in node.ctl("list_queues", "name", "leader").splitlines():
                name, _, leader = line.partition("\t")
                if name == queue:
                    return next(one for one in self.nodes if one.name == leader.strip())
        raise AssertionError(f"nobody leads '{queue}'")

    def close(self):
        for node in reversed(self.nodes):
            node.close()
        if self._own_folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


def main():
    # Ends also if the test executable is killed: the pipe closes then.
    node = RabbitMqNode(settings=sys.argv[1:])
    try:
        node.start()
        print(f"{node.port} {node.name} {node.folder}", flush=True)
        for line in sys.stdin:
            command = line.split()
            if not command:
                continue
            try:
                if command[0] == "kill":
                    node.kill()
                elif command[0] == "stop":
                    node.stop()
                elif command[0] == "start":
                    node.start()
                elif command[0] == "ctl":
                    node.ctl(*command[1:])
                elif command[0] == "eval":
                    node.eval(line.strip()[5:])
                print("ok", flush=True)
            except AssertionError as error:
                print(str(error).replace("\n", " "), flush=True)
    finally:
        node.close()


if __name__ == "__main__":
    main()
