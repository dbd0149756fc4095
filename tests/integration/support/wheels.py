# SPDX-License-Identifier: MIT
"""Wheels and source archives of packages that exist nowhere else."""

import io
import pathlib
import tarfile
import zipfile


def write_wheel(folder, name, version, files, requires=(), scripts=()):
    """A wheel with these files, {path: text}; gives its path. `scripts`: lines `command = module:function`."""
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    path = pathlib.Path(folder, f"{module}-{version}-py3-none-any.whl")
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {one}\n" for one in requires)
    entries = "[console_scripts]\n" + "".join(f"{line}\n" for line in scripts)
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in files.items():
            archive.writestr(place, text)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", entries)
        archive.writestr(f"{info}/RECORD", "")
    return path


def write_source_archive(folder, name, version, files):
    """A source archive that setuptools makes a package of; gives its path."""
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    path = pathlib.Path(folder, f"{name}-{version}.tar.gz")
    setup = f"from setuptools import setup\nsetup(name={name!r}, version={version!r}, packages=[{name!r}])\n"
    info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with tarfile.open(path, "w:gz") as archive:
        for place, text in {"setup.py": setup, "PKG-INFO": info, **files}.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{place}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path
