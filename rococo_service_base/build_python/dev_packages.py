# SPDX-License-Identifier: MIT
"""Archives in a service's dev_packages/ that take the place of what it depends on, while developing."""

import datetime
import email
import os
import pathlib
import re
import tarfile
import tempfile
import tomllib
from typing import Any, Dict, List, NamedTuple, Optional

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version
from project import OWN, BuildError, make_wheel
from venv_pip import Environment


class Archive(NamedTuple):
    """A wheel or a source archive of a package."""

    changed: float
    version: Version
    path: pathlib.Path
    name: str

    def __str__(self) -> str:
        return described(self.path)


def described(path: pathlib.Path) -> str:
    moment = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)
    return f"{path.name} ({moment:%Y-%m-%d %H:%M:%S})"


def read_archive(path: pathlib.Path) -> Optional[Archive]:
    """None for a file that is no package in Python."""
    try:
        if path.suffix == ".whl":
            name, version, _, _ = parse_wheel_filename(path.name)
        elif path.name.endswith((".tar.gz", ".tgz")):
            with tarfile.open(path) as archive:
                info = next(member for member in archive if re.fullmatch(r"[^/]+/PKG-INFO", member.name))
                fields = email.message_from_binary_file(archive.extractfile(info))
            name, version = canonicalize_name(fields["Name"]), Version(fields["Version"])
        else:
            return None
    except (InvalidWheelFilename, InvalidVersion, StopIteration, tarfile.TarError, TypeError):
        return None
    return Archive(path.stat().st_mtime, version, path, name)


def replace_dependencies(environment: Environment, folder: pathlib.Path, in_use: bool) -> None:
    """Installs, for each dependency, the archive that was changed last, and prints what was replaced by what."""
    if not folder.is_dir():
        return
    chosen_environment = os.environ.get("ENVIRONMENT", "")
    if not in_use:
        print(f"\n== dev_packages is ignored: ENVIRONMENT is '{chosen_environment}', and only 'local' and 'development' use it")
        return
    print(f"\n== dev_packages: ENVIRONMENT is '{chosen_environment}'")
    before = {canonicalize_name(name): version for name, version in environment.installed().items()}
    chosen = choose(read_folder(folder), before)
    if not chosen:
        print(f"  nothing in dev_packages replaces a dependency of the service ({' '.join(sorted(before)) or 'it has none'})")
        return
    for name, archive in sorted(chosen.items()):
        install(environment, archive)
        print(f"  replaced: {name} {before[name]}\n        by: {name} {archive.version} of {archive}")
    for complaint in environment.complaints():
        if OWN not in complaint:
            print(f"  warning: {complaint}")


def install(environment: Environment, archive: Archive) -> None:
    """A wheel as it is; a source archive by its build backend, which may be in the image."""
    with tempfile.TemporaryDirectory() as folder:
        wheel: Optional[pathlib.Path] = archive.path
        if archive.path.suffix != ".whl":
            wheel = make_wheel(archive.path, project_in(archive.path), pathlib.Path(folder))
        if wheel is None:
            raise BuildError(f"no package can be made of dev_packages/{archive.path.name}, see above")
        environment.pip("install", "--no-deps", "--force-reinstall", wheel)


def project_in(path: pathlib.Path) -> Dict[str, Any]:
    """The pyproject.toml of a source archive; nothing where it has none."""
    with tarfile.open(path) as archive:
        for member in archive:
            if re.fullmatch(r"[^/]+/pyproject\.toml", member.name):
                return tomllib.load(archive.extractfile(member))
    return {}


def read_folder(folder: pathlib.Path) -> List[Archive]:
    """Oldest first; of equally old ones, the lower version first."""
    archives = []
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        archive = read_archive(path)
        if archive is None:
            print(f"  passed over: {described(path)} is no wheel and no source archive of a Python package")
        elif archive.name == OWN:
            print(f"  passed over: {archive} is svchost's own, in the version of this image")
        else:
            archives.append(archive)
    return sorted(archives)


def choose(archives: List[Archive], dependencies: Dict[str, str]) -> Dict[str, Archive]:
    """The last archive of each dependency."""
    chosen: Dict[str, Archive] = {}
    for archive in archives:
        if archive.name not in dependencies:
            print(f"  passed over: {archive} is {archive.name}, which the service does not depend on")
            continue
        if archive.name in chosen:
            print(f"  passed over: {chosen[archive.name]} is older")
        chosen[archive.name] = archive
    return chosen
