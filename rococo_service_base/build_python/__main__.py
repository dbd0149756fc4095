# SPDX-License-Identifier: MIT
"""build_python SOURCE [mounted]: a virtual environment for the service in SOURCE, with all that it depends on.

rococo-build-service calls it, in the onbuild image. Of the environment:

    ENVIRONMENT   local or development: archives of SOURCE/dev_packages take the place of what the service depends on
    PIP_…         pip's own settings: PIP_INDEX_URL, PIP_NO_INDEX, PIP_FIND_LINKS and others

`mounted`: SOURCE is no part of an image. It is run where it is, and not installed as a package.
"""

import os
import pathlib
import shutil
import subprocess
import sys
from typing import List, Tuple

from dev_packages import replace_dependencies
from project import BuildError, Project, read_project
from venv_pip import Environment, say

SVCHOST = "/usr/bin/svchost"
OWN_WHEELS = pathlib.Path("/usr/share/rococo/wheels")
VENV = pathlib.Path("/usr/local/lib/rococo/venv")
WORK = pathlib.Path("/tmp/rococo-build/python")


def main() -> None:
    source = pathlib.Path(sys.argv[1]).resolve()
    mounted = sys.argv[2:] == ["mounted"]
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    try:
        build(source, mounted)
    except BuildError as error:
        sys.exit(f"rococo-build-service: {error}")
    except subprocess.CalledProcessError as error:  # it has said why
        sys.exit(f"rococo-build-service: {' '.join(map(str, error.cmd))} ended with {error.returncode}")


def build(source: pathlib.Path, mounted: bool) -> None:
    """Makes the environment anew and installs into it."""
    say("Reading what the service depends on")
    project = read_project(source, WORK, build_package=not mounted)
    environment = Environment.create(VENV)
    development = source / "dev_packages"
    in_use = development.is_dir() and os.environ.get("ENVIRONMENT") in ("local", "development")
    install_dependencies(environment, project, source, development if in_use else None)
    if project.wheel:
        say(f"Installing {project.wheel.name}")
        environment.pip("install", "--no-index", "--no-deps", project.wheel)
    replace_dependencies(environment, development, in_use)
    install_own_package(environment)
    say("The service's environment")
    for name, version in sorted(environment.installed().items()):
        print(f"  {name} {version}")


def install_dependencies(environment: Environment, project: Project, source: pathlib.Path, links: "pathlib.Path | None") -> None:
    """What the service names: in the versions of poetry.lock if they can be had, else in any; from dev_packages only what is nowhere else."""
    if project.requirements_file:
        words = ["-r", str(project.requirements_file)]
    elif project.dependencies:
        words = project.dependencies
    else:
        return
    say("Installing", *words)
    ways: List[Tuple[List[str], str]] = []
    locked = project.locked_versions(source / "poetry.lock") if project.dependencies else []
    if locked:
        constraints = WORK / "constraints.txt"
        constraints.write_text("".join(f"{line}\n" for line in locked))
        ways.append(([f"--constraint={constraints}"], "poetry.lock does not go with pyproject.toml, or its versions cannot be had: it is ignored"))
    if links:
        ways.append(([], "Not all of that can be had: dev_packages is looked through, too"))
    for options, otherwise in ways:
        if environment.pip("install", *options, *words, check=False):
            return
        say(otherwise)
    environment.pip("install", *([f"--find-links={links}"] if links else []), *words)


def install_own_package(environment: Environment) -> None:
    """rococo_svchost is svchost's own, whatever a package index has under that name; and so is the program `svchost`."""
    for wheel in OWN_WHEELS.glob("rococo_svchost-*.whl"):
        environment.pip("install", "--no-index", "--no-deps", "--force-reinstall", wheel)
    program = environment.folder / "bin" / "svchost"
    program.unlink(missing_ok=True)
    program.symlink_to(SVCHOST)


if __name__ == "__main__":
    main()
