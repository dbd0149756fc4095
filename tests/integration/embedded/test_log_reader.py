# SPDX-License-Identifier: MIT
"""Whoever reads the log stalls, goes away, or never was there: the host does its work and obeys."""

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess

from support.host import executable, wait_until


def body(id, do=""):
    return json.dumps({"id": id, "do": do})


@contextlib.contextmanager
def running(service, output, redirection="", **more):
    """A host whose standard output and error is that descriptor, or by a shell's redirection."""
    command = ["sh", "-c", f"exec {executable('svchost')} {redirection}"]
    process = subprocess.Popen(
        command, cwd=service.path, env=service.environment(**more), stdout=output, stderr=output
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_reader_that_goes_away_ends_nothing(service):
    """The host used to die of SIGPIPE with its message in hand; five times, and that was a dead letter."""
    service.send("ledger", body("in-hand", "sleep:300"), body("next"))
    reader, writer = os.pipe()
    with running(service, writer) as host:
        os.close(writer)
        wait_until(lambda: service.ids("begin") == ["in-hand"])
        os.close(reader)
        wait_until(lambda: service.ids() == ["in-hand", "next"])
        service.send("ledger", body("spoken", "log:100"))
        wait_until(lambda: "spoken" in service.ids())
        host.send_signal(signal.SIGTERM)
        assert host.wait(60) == 0


def test_a_reader_that_stalls_holds_nothing_up(service):
    """Workers, the dispatcher and SIGTERM used to wait for it; leases ran out meanwhile."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    service.send("ledger", body("spoken", "log:10000"), *(body(f"rest-{n}") for n in range(10)))
    with running(service, writer) as host:
        os.close(writer)
        wait_until(lambda: len(service.ids()) == 11)
        assert host.poll() is None
        host.send_signal(signal.SIGTERM)
        assert host.wait(60) == 0
    # What was written is whole, in order, and tells of what is missing.
    with open(reader) as log:
        numbers = [int(line.split("line ")[1].split()[0]) for line in log if " - line " in line]
    assert numbers == list(range(len(numbers)))
    assert service.run("dead-letters", "list", "--json").stdout.strip() == "[]"


def test_a_reader_that_catches_up_is_told_what_it_missed(service):
    reader, writer = os.pipe()
    service.send("ledger", body("spoken", "log:10000"))
    with running(service, writer) as host:
        os.close(writer)
        wait_until(lambda: service.ids() == ["spoken"])
        with open(reader) as log:
            told = next(line for line in log if "dropped" in line)
            host.send_signal(signal.SIGTERM)
            rest = log.read()
        assert re.search("log lines? dropped, because the reader of the log did not keep up", told)
        assert "Stopped: 1 acknowledged" in rest
        assert host.wait(60) == 0


def test_a_host_whose_output_is_closed_works(service):
    """`svchost >&- 2>&-`: no socket and no file becomes descriptor 2, and gets the log."""
    service.send("ledger", body("one"))
    with running(service, None, "<&- >&- 2>&-") as host:
        wait_until(lambda: service.ids() == ["one"])
        assert [os.readlink(f"/proc/{host.pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
        host.send_signal(signal.SIGTERM)
        assert host.wait(60) == 0


def test_a_host_that_logs_to_a_full_disk_works(service):
    service.send("ledger", body("one", "log:100"), body("two"))
    with open("/dev/full", "w") as full, running(service, full, EXIT_WHEN_FINISHED=1) as host:
        assert host.wait(60) == 0
    assert service.ids() == ["one", "two"]


def test_a_host_at_its_limit_of_file_size_works(service):
    """SIGXFSZ would end it, as SIGPIPE did."""
    service.send("ledger", body("one"))
    (service.path / "limited.log").write_bytes(b"x" * (200 << 10))  # nothing more fits
    command = f"ulimit -f 200; exec {executable('svchost')} 2>>limited.log"
    done = subprocess.run(
        ["bash", "-c", command], cwd=service.path, env=service.environment(EXIT_WHEN_FINISHED=1), timeout=180
    )
    assert done.returncode == 0
    assert service.ids() == ["one"]


def test_commands_end_quietly_where_nobody_reads_on(service):
    for command in ("next '* * * * *' -n 100000", "config --all --markdown", "--help"):
        done = subprocess.run(
            ["bash", "-c", f"{executable('svchost')} {command} | head -1; echo ${{PIPESTATUS[0]}}"],
            cwd=service.path, env=service.environment(), capture_output=True, text=True, timeout=180)
        assert done.stderr == "", command
        assert done.stdout.splitlines()[-1] in ("0", "141"), command


def test_a_command_says_that_its_output_is_lost(service):
    with open("/dev/full", "w") as full:
        done = subprocess.run([executable("svchost"), "config"], cwd=service.path, env=service.environment(),
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=180)
    assert done.returncode == 69
    assert done.stderr == "svchost: cannot write to standard output: No space left on device\n"


def test_programs_that_a_service_runs_have_the_default_again(service):
    """Handlers, not SIG_IGN: `yes | head -1` in a service must end."""
    with service.start() as host:
        host.wait_for("Consuming")
        status = open(f"/proc/{host.pid}/status").read()
        ignored = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn")), 16)
        caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
        bit = 1 << (signal.SIGPIPE - 1)
        assert caught & bit and not ignored & bit
        assert host.terminate() == 0
