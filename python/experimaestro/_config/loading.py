"""Classes and objects from stored files."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from experimaestro import _core

SCRIPT_MODULE = "_main_"
"""Name under which a top-level script is loaded in a job: its `if __name__ == "__main__"` part stays asleep."""


def resolve_class(module: str, qualname: str, file: str | None) -> type:
    """The class with this name; `file` is the source of a module that is in no package.

    Raises:
        LoadError: the module cannot be imported or has no such class.
    """
    try:
        found: Any = _module(module, file)
    except Exception as error:
        where = f" (from {file})" if file else ""
        raise _core.LoadError(
            f"the class {module}.{qualname} cannot be imported{where}: {type(error).__name__}: {error}. "
            "Put the module back, or add its folder to PYTHONPATH"
        ) from error
    try:
        for part in qualname.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise _core.LoadError(
            f"the module {module} has no class {qualname} any more: it was renamed, moved or removed"
        ) from None
    if not isinstance(found, type):
        raise _core.LoadError(f"{module}.{qualname} is not a class but {found!r}")
    return found


def _module(name: str, file: str | None) -> Any:
    if name in ("__main__", SCRIPT_MODULE):
        return _script(file)
    known = sys.modules.get(name)
    if known is not None:
        return known
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if file is None or error.name != name:
            raise
        return _load_file(name, file)


def _script(file: str | None) -> Any:
    """A top-level script as a module, executed once per process and file."""
    main = sys.modules.get("__main__")
    if file is None or _same_file(getattr(main, "__file__", None), file):
        return main
    known = sys.modules.get(SCRIPT_MODULE)
    if known is not None and _same_file(getattr(known, "__file__", None), file):
        return known
    return _load_file(SCRIPT_MODULE, file)


def _same_file(one: str | None, other: str) -> bool:
    return one is not None and Path(one).resolve() == Path(other).resolve()


def _load_file(name: str, file: str) -> Any:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python source")
    module = module_from_spec(spec)
    sys.modules[name] = module
    folder = str(Path(file).parent)
    if folder not in sys.path:
        # The script's own folder is where it found its neighbours.
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def load_task(directory: Path) -> Any:
    """The object of a job, its init tasks run.

    Raises:
        LoadError: the file is missing, damaged or of a newer version, or a class cannot be imported.
    """
    file = directory / "params.json"
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _core.LoadError(f"{file} cannot be read: {error.strerror}") from error
    workspace = str(directory.parent.parent.parent)
    try:
        task, init_tasks, envelope = _core.load_objects(data, resolve_class, workspace, str(directory))
    except _core.LoadError as error:
        raise _core.LoadError(f"{file}: {error}") from error.__cause__
    name = directory.parent.name.rsplit(".", 1)[-1]
    task.__taskdir__ = task.__maintaskdir__ = directory
    task.__tags__ = envelope.get("tags", {})
    task.__xpm_stdout__ = directory / f"{name}.out"
    task.__xpm_stderr__ = directory / f"{name}.err"
    for init_task in init_tasks:
        init_task.execute()
    return task
