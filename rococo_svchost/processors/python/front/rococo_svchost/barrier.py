# SPDX-License-Identifier: MIT
"""Lets the host make this process pass a memory barrier, so that nothing that was written to the page stays unseen.

Python has no fence of its own. The kernel has one for others: whoever has asked to take part is made to pass a barrier, wherever it
is at the time, when somebody calls membarrier(2). The host does when it retracts messages (docs/adr/0010).
"""

from __future__ import annotations

import os
import sys

_REGISTER_GLOBAL_EXPEDITED = 1 << 2  # linux/membarrier.h
_NUMBERS = {"x86_64": 324, "aarch64": 283, "riscv64": 283, "loongarch64": 283, "ppc64le": 365, "s390x": 356}
"""The number of the system call, for programs of 64 bits."""


def take_part() -> bool:
    """Asks to take part. False where that cannot be: then the host's wait is all there is."""
    number = _NUMBERS.get(os.uname().machine)
    if number is None or sys.maxsize < 2**32:
        return False
    try:
        import ctypes

        arguments = [ctypes.c_long(value) for value in (number, _REGISTER_GLOBAL_EXPEDITED, 0, 0)]
        return bool(ctypes.CDLL(None).syscall(*arguments) == 0)
    except Exception:  # a Python without libffi, or a system that lets nobody make code
        return False
