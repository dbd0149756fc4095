# SPDX-License-Identifier: MIT
"""BaseConfig: the environment. svchost has read `.env` and `.env.secrets` into it before."""

from __future__ import annotations

import json
import logging
import os
from typing import Any, Dict, Optional

from rococo_svchost.project import read_project

logger = logging.getLogger(__name__)


class BaseConfig:
    """A copy of the environment, with a few conveniences."""

    def __init__(self) -> None:
        self.project_version: Optional[str] = None
        self.env_vars: Dict[str, Any] = dict(os.environ)

    def get_env_vars(self) -> Dict[str, Any]:
        """All variables, by name."""
        return self.env_vars

    def get_env_var(self, var_name: str) -> Any:
        """A variable's value. One that is not set is warned of, and None."""
        if var_name not in self.env_vars:
            logger.warning("Variable %s not found.", var_name)
        return self.env_vars.get(var_name)

    def load_toml(self, toml_folder_dir: str) -> bool:
        """Reads the project's version from `pyproject.toml` in this folder; False if there is none."""
        project = read_project(toml_folder_dir)
        if not project.version:
            logger.error("pyproject.toml in %s has no version. %s", toml_folder_dir, project.problem)
            return False
        self.project_version = project.version
        return True

    def get_project_version(self) -> Optional[str]:
        """What `load_toml` has read."""
        return self.project_version

    def convert_var_into_list(self, var_name: str) -> bool:
        """Makes a list of a variable's value, cut at commas; False if there is none."""
        value = self.get_env_var(var_name)
        if not isinstance(value, str):
            return False
        self.env_vars[var_name] = value.split(",")
        return True

    def convert_var_from_json_string(self, var_name: str) -> bool:
        """Makes of a variable's value what it says as JSON; False if it is none."""
        value = self.get_env_var(var_name)
        if value is None:
            return False
        try:
            self.env_vars[var_name] = json.loads(value)
        except ValueError:
            logger.error("Variable %s is not JSON.", var_name)
            return False
        return True

    def validate_env_vars(self) -> None:
        """For derived classes."""
