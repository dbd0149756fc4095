# SPDX-License-Identifier: MIT
"""From a folder to a processor's class: where modules are looked for, which module it is, and which class in it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

from .judging import error_line, formatted
from .lazy import BACK, FRONT, LEGACY
from .project import Project, installed_version, package_of, read_project

_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages", "tests", "test", "venv"}


class Refusal(Exception):
    """The service cannot be run. `stage` is protocol, import, choice or constructor; `text` is one line for the operator."""

    def __init__(self, stage: str, text: str, traceback: str = "", candidates: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.stage = stage
        self.text = " ".join(text.split())
        self.traceback = traceback
        self.candidates = list(candidates)

    def meta(self) -> Dict[str, Any]:
        """What the REFUSED frame says."""
        return {"stage": self.stage, "text": self.text, "traceback": self.traceback, "candidates": self.candidates}


class Service(NamedTuple):
    """A service that was found and imported; no instance of its processor was made."""

    package: str
    version: str
    module: str
    processor: type
    kind: str  # messages, batches, schedule
    notes: List[str]  # warnings for the operator


def arrange_path(folder: str, extra: str) -> List[str]:
    """Puts sys.path into order and returns the folders that are the service's own.

    Ours, `extra` (PROCESSOR_PATH), `<folder>/src`, `<folder>` and what pyproject.toml names as source folders, what Python had
    (PYTHONPATH, the library, site-packages), and at the end what stands in for rococo and for the original's modules.
    """
    roots = [os.path.abspath(os.path.join(folder, entry)) for entry in extra.split(":") if entry]
    source = os.path.join(folder, "src")
    if os.path.isdir(source):
        roots.append(source)
    roots.append(folder)
    for _, place in read_project(folder).packages:
        roots.append(os.path.normpath(os.path.join(folder, place)))
    before = [FRONT, *roots]
    after = [BACK, LEGACY]
    ours = {*before, *after}
    middle = [os.path.abspath(entry) for entry in sys.path]
    # The list itself is changed: somebody may hold it.
    sys.path[:] = _without_repetition([*before, *(entry for entry in middle if entry not in ours), *after])
    importlib.invalidate_caches()
    pythonpath = [os.path.abspath(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return _without_repetition([*roots, *pythonpath])


def _without_repetition(entries: Sequence[str]) -> List[str]:
    return list(dict.fromkeys(entries))


def load(folder: str, roots: Sequence[str], work: str, module_name: str, type_name: str) -> Service:
    """Finds, imports and chooses. Empty names are found out. Raises Refusal."""
    project = read_project(folder)
    notes = [project.problem] if project.problem else []
    package = _package(project)
    name = module_name or _find_module(project, package, roots)
    module = _import(name, bool(module_name), roots)
    processor = _choose(module, work, type_name)
    kind = "schedule" if work == "schedule" else "batches" if callable(getattr(processor, "process_batch", None)) else "messages"
    notes += _notes_on(processor, kind)
    version = (installed_version(project.name) if project.name else "") or project.version
    return Service(package or name.partition(".")[0], version, name, processor, kind, notes)


# Which module.


def _package(project: Project) -> str:
    if project.packages:
        named = package_of(project.name)
        names = [name for name, _ in project.packages]
        return named if named in names else names[0]
    return package_of(project.name)


def _find_module(project: Project, package: str, roots: Sequence[str]) -> str:
    looked_for: List[str] = []
    for name in _without_repetition([package, *(name for name, _ in project.packages)]):
        if not name:
            continue
        found = [f"{name}.{inner}" for place in _folders_of(name) for inner in _processors_in(place)]
        if f"{name}.processor" in found:
            return f"{name}.processor"
        if len(found) > 1:
            raise Refusal("choice", f"{name} has several modules called processor: name one in PROCESSOR_MODULE", "", found)
        if found:
            return found[0]
        looked_for.append(f"{name}.processor")
    for name in ("processor", "services.processor"):
        if any(_is_module(os.path.join(root, *name.split("."))) for root in roots):
            return name
        looked_for.append(name)
    text = f"no processor was found in {', '.join(roots)} (looked for {', '.join(looked_for)}): name it in PROCESSOR_MODULE"
    raise Refusal("choice", text)


def _folders_of(package: str) -> List[str]:
    """Where a package lies. Nothing is imported, but for the parents of a package with a dotted name."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return []
    return list(spec.submodule_search_locations or ()) if spec else []


def _is_module(path: str) -> bool:
    return os.path.isfile(path + ".py") or os.path.isfile(os.path.join(path, "__init__.py"))


def _processors_in(folder: str) -> List[str]:
    """The dotted names of all modules called `processor` in a package's folder and below."""
    names = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED_FOLDERS and f.isidentifier())
        inner = os.path.relpath(place, folder).replace(os.sep, ".").strip(".")
        if "processor.py" in files or os.path.isfile(os.path.join(place, "processor", "__init__.py")):
            names.append(f"{inner}.processor" if inner else "processor")
    return names


def _import(name: str, named: bool, roots: Sequence[str]) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BaseException as error:  # sys.exit in a module is no reason to end without a word
        text = _import_text(name, named, roots, error)
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(("rococo_svchost.", "importlib")):
            trace = trace.tb_next
        raise Refusal("import", text, formatted(type(error), error, trace)) from None


def _import_text(name: str, named: bool, roots: Sequence[str], error: BaseException) -> str:
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if missing and (name == missing or name.startswith(missing + ".")):
        given = f"PROCESSOR_MODULE={name}" if named else name
        return f"{given}: there is no module {missing!r} in {', '.join(roots)}"
    text = f"{name} cannot be imported: {error_line(error)}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{text} [{error.filename}:{error.lineno}]"
    place = _place_of(error)
    if missing:
        text = f"{text} (imported in {place})" if place else text
        if missing.startswith("rococo.") or missing == "rococo":
            text += "; what stands in for rococo has only messaging and config: install rococo"
        return text
    return f"{text} [{place}]" if place else text


def _place_of(error: BaseException) -> str:
    """The innermost line of the user's code that an exception came through."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith("<") and not file.startswith((FRONT, os.path.dirname(os.__file__))):
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


# Which class.


def _choose(module: ModuleType, work: str, type_name: str) -> type:
    if type_name:
        return _named(module, work, type_name)
    classes = [c for c in _classes_of(module) if _can_process(c, work)]
    own = [c for c in classes if c.__module__ == module.__name__]
    imported = [c for c in classes if c not in own]
    if work == "schedule":
        groups = [own, imported]
        what = "class with a method process(self)"
    else:
        groups = [[c for c in own if _is_derived(c)], [c for c in imported if _is_derived(c)]]
        groups += [[c for c in group if c.__name__.lower().endswith("serviceprocessor")] for group in (own, imported)]
        what = "class that derives from BaseServiceProcessor, or whose name ends in ServiceProcessor"
    for group in groups:
        if len(group) == 1:
            return group[0]
        if group:
            names = [c.__name__ for c in group]
            raise Refusal("choice", f"{module.__name__} has several processors: name one in PROCESSOR_TYPE ({', '.join(names)})", "", names)
    names = [c.__name__ for c in _classes_of(module) if c.__module__ == module.__name__]
    raise Refusal("choice", f"{module.__name__} ({_file_of(module)}) has no {what}: name the class in PROCESSOR_TYPE", "", names)


def _named(module: ModuleType, work: str, name: str) -> type:
    try:
        found = getattr(module, name)
    except AttributeError:
        import difflib

        names = [c.__name__ for c in _classes_of(module)]
        close = difflib.get_close_matches(name, names, 1)
        hint = f"; did you mean {close[0]}?" if close else f" (it has {', '.join(names)})" if names else " (it has no class at all)"
        text = f"PROCESSOR_TYPE={name}: {module.__name__} ({_file_of(module)}) has nothing of that name{hint}"
        raise Refusal("choice", text, "", names) from None
    if not isinstance(found, type):
        raise Refusal("choice", f"PROCESSOR_TYPE={name}: that is no class, but {found!r:.100}")
    if not _has_method(found, work):
        raise Refusal("choice", f"PROCESSOR_TYPE={name}: the class has no method process")
    return found


def _classes_of(module: ModuleType) -> Iterator[type]:
    seen = set()
    for value in list(vars(module).values()):
        if isinstance(value, type) and value not in seen and not value.__name__.startswith("_"):
            seen.add(value)
            if value.__name__ != "BaseServiceProcessor":
                yield value


def _file_of(module: ModuleType) -> str:
    return str(getattr(module, "__file__", None) or "no file")


def _is_derived(candidate: type) -> bool:
    """Whether it derives from a BaseServiceProcessor, be it rococo's or ours."""
    return any(base.__name__ == "BaseServiceProcessor" for base in candidate.__mro__[1:])


def _has_method(candidate: type, work: str) -> bool:
    names = ("process",) if work == "schedule" else ("process", "process_batch")
    return any(callable(getattr(candidate, name, None)) for name in names)


def _can_process(candidate: type, work: str) -> bool:
    if not _has_method(candidate, work) or getattr(candidate, "__abstractmethods__", None):
        return False
    return work != "schedule" or _takes(getattr(candidate, "process"), 1)


# Flags of code objects, as `inspect` calls them: importing that takes 4 ms and a megabyte, for these few bits.
_VARARGS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x20, 0x80, 0x200


def _takes(function: Any, count: int) -> bool:
    """Whether a function may be called with so many positional arguments; True if nobody can tell."""
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__"):
        return True
    required = code.co_argcount - len(function.__defaults__ or ())
    named = code.co_kwonlyargcount - len(function.__kwdefaults__ or {})
    return bool(required <= count and (count <= code.co_argcount or code.co_flags & _VARARGS) and named == 0)


def _static(processor: type, name: str) -> Any:
    """The attribute as the class has it, not bound to anything."""
    return next((vars(base)[name] for base in processor.__mro__ if name in vars(base)), None)


def _notes_on(processor: type, kind: str) -> List[str]:
    name = "process_batch" if kind == "batches" else "process"
    method = getattr(processor, name)
    count = (1 if kind == "schedule" else 2) - isinstance(_static(processor, name), staticmethod)
    where = f"{processor.__name__}.{name}"
    notes = []
    if not isinstance(_static(processor, name), classmethod) and not _takes(method, count):
        given = {"schedule": "no argument", "batches": "one argument, the messages"}.get(kind, "one argument, the message")
        notes.append(f"{where} cannot be called with {given}: every call will fail")
    if _flags(method) & (_GENERATOR | _ASYNC_GENERATOR):
        notes.append(f"{where} is a generator: calling it does nothing. Remove the yield")
    return notes


def _flags(function: Any) -> int:
    code = getattr(function, "__code__", None)
    return int(getattr(code, "co_flags", 0))


def is_async(processor: type) -> bool:
    """Whether calls of this class are awaited."""
    names = ("process", "process_batch")
    return any(_flags(getattr(processor, name, None)) & _COROUTINE for name in names)
