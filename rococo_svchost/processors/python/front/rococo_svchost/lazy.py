# SPDX-License-Identifier: MIT
"""`rococo.messaging` without its cost, and `rococo` without the packages that it needs.

Importing the real `rococo.messaging` imports pika and boto3: 300 ms and 30 MB that most processors, which want the base class
only, never use. So a finder takes over a few of its modules:

- `rococo.messaging` executes nothing but the real `base`; adapters are imported when somebody asks for them, and the real
  `__init__` is executed when somebody asks for a name that it alone may know.
- `rococo.messaging.rabbitmq`, `.sqs`, `rococo.config` and `rococo.config.config` are the real ones, unless one of the packages
  that they need is missing: then ours stands in for that module alone.

Where there is no rococo, `back/rococo` at the end of sys.path is found without this file's help.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import CodeType, ModuleType
from typing import Any, Dict, Optional, Sequence, Set, cast

from . import logs
from .project import installed_version

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
FRONT = os.path.dirname(_PACKAGE)


def _folder(name: str) -> str:
    """Beside the front where the host is installed, inside of the package in the wheel."""
    inside = os.path.join(_PACKAGE, f"_{name}")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(FRONT), name)


BACK = _folder("back")
LEGACY = _folder("legacy")

_ADAPTERS = {"RabbitMqConnection": "rabbitmq", "SqsConnection": "sqs"}
_NEEDS = {"pika", "boto3", "botocore", "dotenv"}
_WITH_STAND_IN = {
    "rococo.messaging.rabbitmq": "messaging/rabbitmq.py",
    "rococo.messaging.sqs": "messaging/sqs.py",
    "rococo.config": "config/__init__.py",
    "rococo.config.config": "config/config.py",
}

_told: Set[str] = set()


def install() -> str:
    """Puts the finder in place. Returns which rococo the service has: its version, or `built in`."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    place = _real_rococo()
    if not place:
        return "built in"
    return installed_version("rococo") or place


def _real_rococo() -> str:
    """The folder of the service's own rococo, or nothing."""
    spec = PathFinder.find_spec("rococo", [entry for entry in sys.path if entry != BACK])
    if spec is None or not spec.origin:  # a namespace package gives way to ours
        return ""
    return os.path.dirname(spec.origin)


def _is_ours(spec: ModuleSpec) -> bool:
    return (spec.origin or "").startswith(BACK + os.sep)


class Finder:
    """A finder on sys.meta_path, for the modules named above; for all others it knows nothing."""

    @staticmethod
    def find_spec(name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None) -> Optional[ModuleSpec]:
        """The real module's spec, with a loader of ours."""
        if name != "rococo.messaging" and name not in _WITH_STAND_IN:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None or _is_ours(spec):
            return spec
        if name == "rococo.messaging":
            base = os.path.join(os.path.dirname(spec.origin or ""), "base.py")
            if os.path.isfile(base):
                spec.loader = cast(Any, _LazyPackageLoader(spec.loader))
        else:
            spec.loader = cast(Any, _FallbackLoader(spec.loader, _WITH_STAND_IN[name]))
        return spec


class _Loader:
    """A loader that leaves all but the execution to the real one. importlib.abc, whose class it might have as its base, costs 10 ms."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> Optional[ModuleType]:
        return None

    def __getattr__(self, name: str) -> Any:  # get_source, get_data, … for tracebacks and importlib.resources
        return getattr(self._real, name)


class _LazyPackageLoader(_Loader):
    """Executes `base` in place of the package's `__init__`, and the rest when it is asked for."""

    def exec_module(self, module: ModuleType) -> None:
        names = vars(module)
        # `from . import MessageAdapter` in the adapters finds what the real __init__ would have put there.
        base = _import_module("rococo.messaging.base")
        names.update((key, value) for key, value in vars(base).items() if not key.startswith("_"))
        if "BaseServiceProcessor" not in names:  # rococo before it had one
            names["BaseServiceProcessor"] = type("BaseServiceProcessor", (), {"process": lambda self, message: None})
        names["__all__"] = ["BaseServiceProcessor", *_ADAPTERS, *(["MessageAdapter"] if "MessageAdapter" in names else [])]
        executed = False

        def __getattr__(name: str) -> Any:
            nonlocal executed
            if name in _ADAPTERS:
                value = getattr(_import_module(f"rococo.messaging.{_ADAPTERS[name]}"), name)
                names[name] = value
                return value
            if not executed and not name.startswith("__"):
                executed = True
                _execute(self._real, names)
                if name in names:
                    return names[name]
            raise AttributeError(f"module 'rococo.messaging' has no attribute {name!r}")

        names["__getattr__"] = __getattr__


def _execute(loader: Any, names: Dict[str, Any]) -> None:
    """Executes the real `__init__`, for what only it may know. What it cannot import is as if it were not there."""
    try:
        code: CodeType = loader.get_code("rococo.messaging")
        exec(code, names)
    except ImportError:
        pass


class _FallbackLoader(_Loader):
    """Executes the real module, and the stand-in where a package is missing."""

    def __init__(self, real: Any, stand_in: str) -> None:
        super().__init__(real)
        self._stand_in = os.path.join(BACK, "rococo", *stand_in.split("/"))

    def exec_module(self, module: ModuleType) -> None:
        before = dict(vars(module))
        try:
            self._real.exec_module(module)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _NEEDS:
                raise
            vars(module).clear()
            vars(module).update(before)
            with open(self._stand_in, encoding="utf-8") as file:
                exec(compile(file.read(), self._stand_in, "exec"), vars(module))
            _tell(module.__name__, str(error.name))


def _tell(module: str, missing: str) -> None:
    if missing not in _told:
        _told.add(missing)
        logs.notice("INFO", f"{missing} is not installed: svchost's own stands in for {module}")


def _import_module(name: str) -> ModuleType:
    __import__(name)
    return sys.modules[name]
