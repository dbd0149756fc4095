# SPDX-License-Identifier: MIT
"""`python -m rococo_svchost.process`, and the script `svchost` of the wheel: svchost, with this interpreter for the service."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Iterator, NoReturn

EX_UNAVAILABLE = 69


def main() -> NoReturn:
    """Becomes svchost, with this program's arguments. Its processor is then run by this interpreter, PROCESSOR_PYTHON not given."""
    os.environ.setdefault("PROCESSOR_PYTHON", sys.executable)
    named = os.environ.get("ROCOCO_SVCHOST")
    for candidate in [named] if named else _candidates():
        if _is_program(candidate):
            os.execv(candidate, ["svchost", *sys.argv[1:]])
    if named:
        sys.stderr.write(f"ROCOCO_SVCHOST={named} is not svchost: name the program, which the package rococo-svchost installs.\n")
    else:
        sys.stderr.write(
            "svchost is not installed, neither on PATH nor beside this package: install the Debian package rococo-svchost, "
            "or name the program in ROCOCO_SVCHOST.\n"
        )
    sys.exit(EX_UNAVAILABLE)


def _candidates() -> Iterator[str]:
    # From <prefix>/lib/…/rococo/python/front/rococo_svchost up to <prefix>/bin.
    place = os.path.dirname(os.path.realpath(__file__))
    while place != os.path.dirname(place):
        place = os.path.dirname(place)
        yield os.path.join(place, "bin", "svchost")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield shutil.which("svchost", path=folder) or ""


def _is_program(path: str) -> bool:
    """Whether it is the program itself: a script of that name may be the one that called us."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF" and os.access(path, os.X_OK)
    except OSError:
        return False


if __name__ == "__main__":
    main()
