"""Classes and objects from stored files."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro import _core

from .classes import MAIN_MODULES

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT_MODULE = "_main_"
"""Name under which a top-level script is loaded: its `if __name__ == "__main__"` part stays asleep."""
JOB_MODULE = "__mp_main__"
"""The same in a job: the name that `multiprocessing` gives to the main script in the processes that it spawns."""


_scripts: dict[tuple[str, Any], Any] = {}
"""Modules of top-level scripts, by their source as it is written in files and what is the main module now."""


def resolve_class(module: str, qualname: str, file: str | None) -> type:
    """The class with this name; `file` is the source of a module that is in no package.

    Raises:
        MissingModuleError: the module cannot be imported.
        MissingClassError: the module has no such class.
    """
    found: Any = sys.modules.get(module)
    if found is None or module in MAIN_MODULES:
        found = _module(module, qualname, file)
    try:
        for part in qualname.split("."):
            found = getattr(found, part)
    except AttributeError:
        if module in MAIN_MODULES and file is None:
            raise _core.MissingClassError(typed_by_hand(qualname)) from None
        raise _core.MissingClassError(
            f"the module {module} has no class {qualname} any more: it was renamed, moved or removed"
        ) from None
    if not isinstance(found, type):
        raise _core.LoadError(f"{module}.{qualname} is not a class but {found!r}")
    return found


def typed_by_hand(qualname: str) -> str:
    """What to say of a class that an interactive session defined, when another process needs it."""
    return (
        f"the class {qualname} was typed into an interactive session or a notebook, where a job, which is another "
        "process, cannot find it: put it into a file (tasks.py) and import it from there"
    )


def resolve_installed(module: str, qualname: str, _file: str | None) -> type:
    """As `resolve_class`, for definitions that strangers wrote: never executes a source that such a file names."""
    return resolve_class(module, qualname, None)


def _module(name: str, qualname: str, file: str | None) -> Any:
    try:
        if name in MAIN_MODULES:
            return _script(file)
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if file is None or error.name != name:
                raise
            return _load_file(name, file)
    except Exception as error:
        raise _cannot_import(name, qualname, file, error) from error


def _cannot_import(module: str, qualname: str, file: str | None, error: Exception) -> _core.MissingModuleError:
    where = f" (from {file})" if file else ""
    remedy = "Put the module back, or add its folder to PYTHONPATH"
    if not isinstance(error, (ModuleNotFoundError, FileNotFoundError)):
        remedy = "Importing its module raises this error: mend it there"
    return _core.MissingModuleError(
        f"the class {module}.{qualname} cannot be imported{where}: {type(error).__name__}: {error}. {remedy}"
    )


def _resolve_in_job(module: str, qualname: str, file: str | None) -> type:
    """`resolve_class`, where the script that defines the task becomes the main one of the process.

    Processes that the task spawns then import it as they would if it had been started by hand, and what is pickled
    for them is found there.
    """
    main = sys.modules["__main__"]
    is_script = module in MAIN_MODULES and file is not None
    if is_script and not hasattr(main, "__xpm_job__") and not _same_file(getattr(main, "__file__", None), str(file)):
        try:
            _load_file(JOB_MODULE, str(file), is_main=True)
        except Exception as error:
            raise _cannot_import(module, qualname, file, error) from error
    return resolve_class(module, qualname, file)


def _script(file: str | None) -> Any:
    """A top-level script as a module, executed once per process and file."""
    main = sys.modules.get("__main__")
    if file is None:
        return main
    key = (file, main)
    known = _scripts.get(key)
    if known is None:
        known = _scripts[key] = _find_script(main, file)
    return known


def _find_script(main: Any, file: str) -> Any:
    if _same_file(getattr(main, "__file__", None), file):
        return main
    known = sys.modules.get(SCRIPT_MODULE)
    if known is not None and _same_file(getattr(known, "__file__", None), file):
        return known
    return _load_file(SCRIPT_MODULE, file)


def _same_file(one: str | None, other: str) -> bool:
    return one is not None and Path(one).resolve() == Path(other).resolve()


def _load_file(name: str, file: str, *, is_main: bool = False) -> Any:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python source")
    module: Any = module_from_spec(spec)
    former = sys.modules["__main__"]
    sys.modules[name] = module
    if is_main:
        # A script has no specification; with one, spawned processes would look for a module of this name.
        module.__spec__, module.__xpm_job__ = None, True
        sys.modules["__main__"] = module
    folder = str(Path(file).parent)
    if folder not in sys.path:
        # The script's own folder is where it found its neighbours.
        sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        sys.modules["__main__"] = former
        raise
    return module


class Loaded(NamedTuple):
    """What was read from a file."""

    result: Any
    tasks: list[Any]
    """Pre-tasks and init tasks of the main object, in the order in which a job runs them."""
    envelope: dict[str, Any]


def read(
    data: bytes,
    *,
    workspace: str | Path | None = None,
    directory: str | Path | None = None,
    as_instance: bool = False,
    partial: bool | None = None,
    every: bool = False,
    loader: Callable[..., Any] | None = None,
    resolver: Callable[[str, str, str | None], type] = resolve_class,
) -> Loaded:
    """Build what stored JSON describes.

    Args:
        data: the JSON.
        workspace: against which paths were written; default: that of `Env`.
        directory: the same, for the job directory.
        as_instance: instances instead of sealed configurations.
        partial: leave out what is reached only through links to tasks; default: as `as_instance`.
        every: the result is a dictionary of all objects by number.
        loader: finds saved files.
        resolver: finds classes.

    Raises:
        LoadError: the data is damaged or of a newer version, or a class is gone.
        ValidationError: a configuration's stored value does not fit its parameter any more.
    """
    from experimaestro.taskglobals import Env

    workspace = workspace or Env.wspath
    directory = directory or Env.taskpath
    if not as_instance and directory is not None:
        from .gathering import gathered, refers

        if refers(data):
            data = gathered(data, Path(directory))
    loaded = _core.load_objects(
        data,
        resolver,
        None if workspace is None else str(workspace),
        None if directory is None else str(directory),
        as_instance=as_instance,
        partial=partial,
        every=every,
        loader=loader,
    )
    return Loaded(*loaded)


def read_file(file: str | Path, **options: Any) -> Loaded:
    """Build what a file describes; see `read`. Errors name the file."""
    try:
        with open(file, "rb", buffering=0) as stream:
            data = stream.read()
    except FileNotFoundError as error:
        raise _core.MissingFileError(f"{file} cannot be read: {error.strerror}") from None
    except OSError as error:
        raise _core.LoadError(f"{file} cannot be read: {error.strerror}") from error
    try:
        return read(data, **options)
    except (_core.LoadError, _core.ValidationError) as error:
        raise type(error)(f"{file}: {error}") from error.__cause__


def load_task(directory: Path) -> Any:
    """The object of a job, its init tasks run.

    Raises:
        LoadError: the file is missing, damaged or of a newer version, or a class cannot be imported.
    """
    # Strings are taken apart faster than paths, and every job pays for this.
    folder = str(directory)
    task_folder = os.path.dirname(folder)
    workspace = os.path.dirname(os.path.dirname(task_folder))
    task, init_tasks, envelope = read_file(
        f"{folder}/params.json", workspace=workspace, directory=folder, as_instance=True, resolver=_resolve_in_job
    )
    name = task_folder[max(task_folder.rfind("/"), task_folder.rfind(".")) + 1 :]
    task.__taskdir__ = task.__maintaskdir__ = directory
    task.__tags__ = envelope.get("tags", {})
    task.__xpm_stdout__ = Path(f"{folder}/{name}.out")
    task.__xpm_stderr__ = Path(f"{folder}/{name}.err")
    for init_task in init_tasks:
        init_task.execute()
    return task


def default_as_instance(value: Any) -> Any:
    """A default for an instance: its configurations are instances."""
    if isinstance(value, _core.ConfigBase):
        return value.instance(keep=False)  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {default_as_instance(key): default_as_instance(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(default_as_instance(item) for item in value)
    return value


def generated_default(generator: Any, owner: Any) -> Any:
    """The value of a parameter that is newer than the file; `NotImplemented` where that needs a folder."""
    from .generation import PathlessContext

    return PathlessContext().generate(generator, owner)
