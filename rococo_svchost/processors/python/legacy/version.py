# SPDX-License-Identifier: MIT
"""The original's top-level module `version`: name and version of the project in the current folder."""

from rococo_svchost.project import read_project


def get_service_version() -> str:
    """The version in ./pyproject.toml; empty if there is none."""
    return read_project(".").version


def get_project_name() -> str:
    """The name in ./pyproject.toml, as a title."""
    return read_project(".").name.title()


def main() -> None:
    """Prints both."""
    print(f"{get_project_name()} running at version: {get_service_version()}")


if __name__ == "__main__":
    main()
