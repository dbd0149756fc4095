# SPDX-License-Identifier: MIT
"""`python src/version.py` prints name and version of the service in the current folder."""

import sys

sys.path.insert(0, "/usr/share/rococo/python/front")

from rococo_svchost.project import read_project  # noqa: E402


def get_service_version():
    """The version in ./pyproject.toml; empty if there is none."""
    return read_project(".").version


def get_project_name():
    """The name in ./pyproject.toml, as a title."""
    return read_project(".").name.title()


if __name__ == "__main__":
    print(f"{get_project_name()} running at version: {get_service_version()}")
