# SPDX-License-Identifier: MIT
"""What can happen to a host on any queue. Each fault is a function of the run, with a name in HOST_FAULTS."""

import contextlib
import signal
import time

from .host import wait_until
from .ledger_causes import FROZEN, Fate

STOP_LIMIT_S = 90


def kill(run):
    """SIGKILL."""
    run.kill_host()


def freeze(run):
    """SIGSTOP for longer than its heartbeats, leases or visibility last."""
    host, _ = run.some_host()
    began = time.time()
    if not _signal(host, signal.SIGSTOP):
        return
    time.sleep(run.queue.frozen_s)
    _signal(host, signal.SIGCONT)
    run.causes.add(FROZEN, began, pid=host.pid)


def stop_twice(run):
    """Two SIGTERM within milliseconds, as supervisors that signal a group send them: it drains all the same."""
    _stop(run, signal.SIGTERM, times=2)


def hang_up(run):
    """SIGHUP, as a terminal that closes sends it: it drains."""
    _stop(run, signal.SIGHUP)


def lose_log_reader(run):
    """Whoever reads its log ends: the host goes on, and stops when it is asked to."""
    host = _with_reader(run)
    host.log_reader.kill()
    host.log_reader.wait()
    _work_and_stop(run, host, "its log's reader gone")


def stall_log_reader(run):
    """Whoever reads its log stands still, with more lines than a pipe holds: the host goes on, and stops when asked."""
    host = _with_reader(run, LOG_LEVEL="DEBUG")
    host.log_reader.send_signal(signal.SIGSTOP)
    with run.sending_paused():
        run.send_orders(["permanent"] * 150)  # a line for each
    _work_and_stop(run, host, "its log's reader stalled")
    host.log_reader.kill()
    host.log_reader.wait()


HOST_FAULTS = {
    "host killed": kill,
    "host frozen": freeze,
    "host stopped by two signals": stop_twice,
    "log reader gone": lose_log_reader,
    "log reader stalls": stall_log_reader,
    "terminal closed": hang_up,
}
# What version 1.0.0 can do as well: the faults of the ledger's test in CI, beside the queue's own.
EARLY_HOST_FAULTS = ["host killed"]


def _signal(host, number):
    if host.process.poll() is not None:
        return False
    host.process.send_signal(number)
    return True


def _listens(host):
    wait_until(lambda: host.process.poll() is not None or "Consuming" in host.log(), what=host.log)
    return host.process.poll() is None


def _stop(run, number, times=1):
    host, _ = run.some_host()
    if not _listens(host):
        return
    with run.sending_paused():
        jobs = set(run.send_orders(["sleep:1500"] * 12))
    # With something in hand; it may be the others who take all of it.
    with contextlib.suppress(AssertionError):
        wait_until(lambda: any(id in jobs and pid == host.pid for id, _, pid, _ in run.folder.ledger("begin")), timeout=10)
    host.fate = Fate(f"{times} {signal.Signals(number).name}", (0,))
    for _ in range(times):
        _signal(host, number)
        time.sleep(0.005)
    _wait(run, host)


def _with_reader(run, **settings):
    _, slot = run.some_host()
    host = run.replace_host(slot, reader=True, **settings)
    _listens(host)
    return host


def _work_and_stop(run, host, what):
    time.sleep(3)
    if host.process.poll() is None:
        host.fate = Fate(f"SIGTERM, {what}", (0,))
        _signal(host, signal.SIGTERM)
        _wait(run, host)
    elif host.fate is None and host.process.returncode == -signal.SIGPIPE:
        host.fate = Fate(what, (0,))


def _wait(run, host):
    try:
        host.wait(STOP_LIMIT_S)
    except Exception:  # noqa: BLE001 - subprocess.TimeoutExpired
        run.findings.append(f"a host did not end within {STOP_LIMIT_S} s: {host.fate.what}")
        host.kill()
