# SPDX-License-Identifier: MIT
"""What a service in Python is called and depends on: by its build backend, or read from pyproject.toml itself."""

import email
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from venv_pip import QUIET, say

# svchost brings it along.
OWN = "rococo-svchost"
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "venv", "__pycache__", ".svchost", ".env", ".env.secrets", "dev_packages")


class BuildError(Exception):
    """The service cannot be built; the text says why, and what to do."""


@dataclass
class Project:
    """A service's dependencies, without rococo-svchost."""

    dependencies: List[str] = field(default_factory=list)  # PEP 508
    wheel: Optional[pathlib.Path] = None  # the service itself, as a package
    requirements_file: Optional[pathlib.Path] = None  # in place of dependencies

    @staticmethod
    def locked_versions(lock: pathlib.Path) -> List[str]:
        """`name==version` for what poetry.lock has once, from a package index."""
        if not lock.is_file():
            return []
        packages = tomllib.loads(lock.read_text("utf-8")).get("package", [])
        names = [canonicalize_name(package["name"]) for package in packages]
        return [
            f"{package['name']}=={package['version']}"
            for package, name in zip(packages, names)
            if names.count(name) == 1 and name != OWN and "source" not in package
        ]


def read_project(source: pathlib.Path, work: pathlib.Path, build_package: bool) -> Project:
    """Reads the service in a folder; with `build_package` its own package is made too, where it has a build backend."""
    file = source / "pyproject.toml"
    if not file.is_file():
        requirements = source / "requirements.txt"
        return Project(requirements_file=requirements if requirements.is_file() else None)
    try:
        document = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BuildError(f"pyproject.toml cannot be read: {error}") from None
    check_python(document)
    if is_package(document) and (build_package or not is_static(document)):
        return read_built(source, work, document, build_package)
    return Project(without_own(static_dependencies(document)))


def is_package(document: Dict[str, Any]) -> bool:
    """Whether a build backend makes a package of it."""
    return "build-system" in document and poetry_table(document).get("package-mode", True) is not False


def poetry_table(document: Dict[str, Any]) -> Dict[str, Any]:
    return document.get("tool", {}).get("poetry", {})


def is_static(document: Dict[str, Any]) -> bool:
    """Whether pyproject.toml itself says what the service depends on."""
    if "project" in document:
        return "dependencies" not in document["project"].get("dynamic", []) or bool(poetry_table(document))
    return bool(poetry_table(document))


def check_python(document: Dict[str, Any]) -> None:
    """Raises BuildError if the service is not for this image's Python."""
    wanted = document.get("project", {}).get("requires-python", "")
    here = ".".join(map(str, sys.version_info[:3]))
    if not wanted and isinstance(poetry_table(document).get("dependencies", {}).get("python"), str):
        from poetry.core.constraints.version import Version, parse_constraint

        wanted = poetry_table(document)["dependencies"]["python"]
        fits = parse_constraint(wanted).allows(Version.parse(here))
    else:
        fits = SpecifierSet(wanted).contains(here)
    if not fits:
        raise BuildError(f"pyproject.toml asks for Python {wanted}, and this image has {here}")


def static_dependencies(document: Dict[str, Any]) -> List[str]:
    """From `[project]`, or from `[tool.poetry.dependencies]`."""
    project = document.get("project", {})
    if "dependencies" in project or not poetry_table(document):
        return list(project.get("dependencies", []))
    from poetry.core.factory import Factory

    found = []
    for name, constraints in poetry_table(document).get("dependencies", {}).items():
        for constraint in constraints if isinstance(constraints, list) else [constraints]:
            optional = isinstance(constraint, dict) and constraint.get("optional")
            if name.lower() != "python" and not optional:
                found.append(Factory.create_dependency(name, constraint).to_pep_508())
    return found


def without_own(dependencies: List[str]) -> List[str]:
    """Without rococo-svchost, and without what is for extras or other systems."""
    kept = []
    for text in dependencies:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise BuildError(f"pyproject.toml: {text!r} is no dependency as pip knows it: {error}") from None
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if canonicalize_name(requirement.name) != OWN and applies:
            kept.append(text)
    return kept


def read_built(source: pathlib.Path, work: pathlib.Path, document: Dict[str, Any], keep: bool) -> Project:
    """By the service's build backend (PEP 517)."""
    copy = work / "source"
    shutil.copytree(source, copy, symlinks=True, ignore=NOT_COPIED)
    add_missing_readmes(copy, document)
    wheel = make_wheel(copy, document, work / "wheel")
    if wheel is None:
        offline = os.environ.get("PIP_NO_INDEX") not in (None, "", "0", "false")
        if has_backend(document) or not offline or not is_static(document):
            raise BuildError("the build backend of pyproject.toml has failed, see above")
        say("PIP_NO_INDEX is set and the build backend is not here: the service runs from its folder, and is not installed as a package")
        return Project(without_own(static_dependencies(document)))
    return Project(without_own(dependencies_of(wheel)), wheel if keep else None)


def make_wheel(project: pathlib.Path, document: Dict[str, Any], target: pathlib.Path) -> Optional[pathlib.Path]:
    """The wheel of a folder or a source archive; None if its build backend has failed, which says why."""
    words = [sys.executable, "-m", "pip", "wheel", *QUIET, "--no-deps", f"--wheel-dir={target}"]
    isolation = ["--no-build-isolation"] if has_backend(document) else []
    if subprocess.run([*words, *isolation, project], check=False).returncode != 0:
        return None
    (wheel,) = target.glob("*.whl")
    return wheel


def add_missing_readmes(copy: pathlib.Path, document: Dict[str, Any]) -> None:
    """Backends refuse a project whose readme is not there; images often leave it out."""
    for readme in (document.get("project", {}).get("readme"), poetry_table(document).get("readme")):
        names = [readme] if isinstance(readme, str) else readme if isinstance(readme, list) else []
        names += [readme["file"]] if isinstance(readme, dict) and "file" in readme else []
        for name in names:
            if not (copy / name).exists():
                (copy / name).write_text("")


def has_backend(document: Dict[str, Any]) -> bool:
    """Whether this image's Python has the build backend; another one takes a package index."""
    system = document.get("build-system", {"requires": ["setuptools", "wheel"]})
    requirements = [Requirement(text) for text in system.get("requires", [])]
    for requirement in requirements:
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        # Before version 2 it does not know the table [project].
        knows_project = canonicalize_name(requirement.name) != "poetry-core" or int(version.split(".")[0]) >= 2
        if not requirement.specifier.contains(version, prereleases=True) or ("project" in document and not knows_project):
            return False
    return True


def dependencies_of(wheel: pathlib.Path) -> List[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        return email.message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []
