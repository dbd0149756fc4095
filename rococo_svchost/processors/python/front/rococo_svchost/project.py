# SPDX-License-Identifier: MIT
"""Package and version of a service, from its pyproject.toml and from what is installed."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple


class Project(NamedTuple):
    """What pyproject.toml says. All is empty where there is none."""

    name: str
    version: str
    packages: List[Tuple[str, str]]  # (package, folder that it lies in, relative)
    problem: str = ""  # why it could not be read


def read_project(folder: str) -> Project:
    """Reads `<folder>/pyproject.toml`: `[project]`, and `[tool.poetry]` for what is not there."""
    try:
        with open(os.path.join(folder, "pyproject.toml"), encoding="utf-8-sig") as file:
            text = file.read()
    except FileNotFoundError:
        return Project("", "", [])
    except (OSError, UnicodeDecodeError) as error:
        return Project("", "", [], f"pyproject.toml cannot be read: {error}")
    try:
        project, poetry = _tables(text)
    except ValueError as error:
        return Project("", "", [], f"pyproject.toml cannot be read: {error}")
    name, version = (str(project.get(key) or poetry.get(key) or "") for key in ("name", "version"))
    packages = [
        (str(entry["include"]).strip("/").replace("/", "."), str(entry.get("from", "")))
        for entry in poetry.get("packages", ())
        if isinstance(entry, dict) and isinstance(entry.get("include"), str) and "*" not in entry["include"]
    ]
    return Project(name, version, packages)


def package_of(name: str) -> str:
    """The package that a project of this name has, as a rule: `my-service` has `my_service`."""
    return re.sub(r"[-.]", "_", name)


def installed_version(name: str) -> str:
    """The version of an installed distribution; empty if there is none.

    It is read from the names of the `.dist-info` folders: importlib.metadata costs more time than all else at the start.
    """
    wanted = _normalized(name)
    for entry in sys.path:
        for found, version in _distributions(entry):
            if _normalized(found) == wanted:
                return version
    return ""


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _distributions(folder: str) -> Iterator[Tuple[str, str]]:
    if os.path.basename(folder) not in ("site-packages", "dist-packages"):
        return
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        stem, extension = os.path.splitext(name)
        if extension in (".dist-info", ".egg-info") and "-" in stem:
            parts = stem.split("-")
            yield parts[0], parts[1]


def _tables(text: str) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    if sys.version_info >= (3, 11):
        import tomllib

        document = tomllib.loads(text)
        tool = document.get("tool")
        return _table(document.get("project")), _table(_table(tool).get("poetry"))
    return small_table(text, "project"), small_table(text, "tool.poetry")


def _table(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


_STRING = r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)')"""
_KEY_AND_STRING = re.compile(r"""^\s*(?:"(\w+)"|'(\w+)'|(\w+))\s*=\s*""" + _STRING + r"\s*(?:\#.*)?$")
_PACKAGES = re.compile(r"^\s*packages\s*=\s*\[", re.MULTILINE)
_INLINE_TABLE = re.compile(r"\{[^{}]*\}")
_PAIR = re.compile(r"(\w+)\s*=\s*" + _STRING)


def small_table(text: str, name: str) -> Dict[str, Any]:
    """One table of a TOML document, for Python before 3.11: its strings, and `packages` as poetry writes it. Nothing else."""
    lines = _lines_of(text, name)
    values: Dict[str, Any] = {}
    for line in lines:
        found = _KEY_AND_STRING.match(line)
        if found:
            key = found.group(1) or found.group(2) or found.group(3)
            values.setdefault(key, _string(found.group(4), found.group(5)))
    body = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    packages = _PACKAGES.search(body)
    if packages:
        values["packages"] = [
            {pair.group(1): _string(pair.group(2), pair.group(3)) for pair in _PAIR.finditer(table)}
            for table in _INLINE_TABLE.findall(_array(body, packages.end()))
        ]
    return values


def _array(text: str, start: int) -> str:
    """The text of an array up to its closing bracket. `start` is behind the opening one."""
    depth, quote = 1, ""
    for at in range(start, len(text)):
        mark = text[at]
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "\"'":
            quote = mark
        else:
            depth += (mark == "[") - (mark == "]")
        if depth == 0:
            return text[start:at]
    return ""


def _lines_of(text: str, table: str) -> List[str]:
    """The lines between the table's heading and the next, without those of multi-line strings."""
    lines: List[str] = []
    inside = False
    quotes = ""
    for line in text.splitlines():
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        for mark in ('"""', "'''"):
            if line.count(mark) % 2 and not line.lstrip().startswith("#"):
                quotes = mark
        heading = re.match(r"""^\s*\[\s*([\w.\s"'-]+?)\s*\]\s*(?:#.*)?$""", line)
        if heading or re.match(r"^\s*\[\[", line):
            inside = heading is not None and re.sub(r"""[\s"']""", "", heading.group(1)) == table
        elif inside and not quotes:
            lines.append(line)
    return lines


_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def _string(basic: str, literal: str) -> str:
    if basic is None:
        return literal
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found.group(1), found.group(0)), basic)
