# SPDX-License-Identifier: MIT
"""Signals of a worker. Python's side and the host's must agree on STACK_SIGNAL."""

from __future__ import annotations

import faulthandler
import signal

STACK_SIGNAL = 40
"""The real-time signal (SIGRTMIN+6 with glibc) at which a worker writes the stacks of its threads to standard error."""


def prepare() -> None:
    """Ctrl-C is the host's affair, SIGTERM ends the process, crashes and STACK_SIGNAL show stacks on descriptor 2.

    What the host blocked or ignored for itself is undone: an exec keeps it.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    try:
        faulthandler.enable(file=2, all_threads=True)
        faulthandler.register(STACK_SIGNAL, file=2, all_threads=True, chain=False)
    except (OSError, ValueError, RuntimeError):
        signal.signal(STACK_SIGNAL, signal.SIG_IGN)  # without standard error there is nothing to show, and the signal would kill
