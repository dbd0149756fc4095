# SPDX-License-Identifier: MIT
"""A virtual environment, and pip in it."""

import json
import pathlib
import subprocess
import sys
from typing import Dict

QUIET = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar=off"]


def say(*words: str) -> None:
    """A step of the build, as rococo-build-service prints it."""
    print("\n==", *words, flush=True)


class Environment:
    """A virtual environment in a folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: pathlib.Path) -> "Environment":
        """Makes it anew. The folder itself may be one that this user cannot remove."""
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        return cls(folder)

    def pip(self, command: str, *words: object, check: bool = True) -> bool:
        """Runs pip, which says by itself what is wrong; whether it has succeeded."""
        return subprocess.run([self.folder / "bin/python", "-m", "pip", command, *QUIET, *map(str, words)], check=check).returncode == 0

    def complaints(self) -> "list[str]":
        """What `pip check` finds."""
        words = [self.folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "check"]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.splitlines() if done.returncode else []

    def installed(self) -> Dict[str, str]:
        """Version of each installed package, but for the tools that every environment has."""
        words = [self.folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "list", "--format=json"]
        listed = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
        return {entry["name"]: entry["version"] for entry in listed if entry["name"] not in ("pip", "setuptools", "wheel")}
