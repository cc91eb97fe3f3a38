"""Configurations in files and in plain data: `save`, `load`, `state_dict` and their kin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experimaestro import _core
from experimaestro.taskglobals import Env

from .data_paths import SerializationContext, loader_of
from .loading import read, read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .data_paths import SerializedPathLoader

DEFINITION = "experimaestro.json"
"""Name of the file that `save` writes."""

OLDER_DEFINITION = "definition.json"
"""Name that releases before 2.0 gave it."""


def state_bytes(obj: Any, context: SerializationContext) -> bytes:
    """`{"objects": .., "data": ..}` as JSON; the files of the configurations are saved in the context."""
    if isinstance(obj, tuple):
        obj = list(obj)
    if not isinstance(obj, (_core.ConfigBase, list, dict)):
        raise NotImplementedError(
            f"{obj!r} cannot be serialized alone: give a configuration, or a list, tuple or dictionary of them"
        )
    for config in _core.configurations_in(obj):
        _core.validate(config)
    files = context.files_of(obj)
    workspace = None if context.workspace_path is None else str(context.workspace_path)
    job = None if context.job_path is None else str(context.job_path)
    return _core.state_json(obj, workspace, job, files)


def state_dict(context: SerializationContext, obj: Any) -> dict[str, Any]:
    """Configurations as plain data that fits in JSON.

    Args:
        context: where the files of the configurations go.
        obj: a configuration, or a list, tuple (it comes back as a list) or dictionary with configurations in it.

    Returns:
        `{"objects": [..], "data": ..}`, for `from_state_dict`.

    Raises:
        ValidationError: a required parameter is missing, or a value has no stored form.
        NotImplementedError: `obj` is something else.

    >>> from experimaestro import Config, Param
    >>> class Adam(Config):
    ...     __xpmid__ = "demo.adam"
    ...     lr: Param[float] = 1e-3
    >>> state_dict(SerializationContext(), [Adam.C(lr=0.1)])["data"]
    [{'type': 'python', 'value': 0}]
    """
    import json

    return json.loads(state_bytes(obj, context))  # type: ignore[no-any-return]


def from_state_dict(
    state: dict[str, Any],
    path: str | Path | SerializedPathLoader | None = None,
    *,
    as_instance: bool = False,
    partial_loading: bool | None = None,
) -> Any:
    """What `state_dict` was given: sealed configurations, or instances.

    Args:
        state: what `state_dict` answered.
        path: folder of the saved files, or a function from their relative path to a path.
        as_instance: make instances instead of configurations.
        partial_loading: leave out tasks that only give their outputs an identity (default: as `as_instance`).

    Raises:
        LoadError: the data is damaged, a class is gone, or there are files and no `path`.
    """
    import json

    data = json.dumps(state).encode()
    return read(data, as_instance=as_instance, partial=partial_loading, loader=loader_of(path)).result


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that it has its old content or all of the new one, whatever happens."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)


def existing_folder(directory: str | Path) -> Path:
    """The folder to save into; an error if there is none."""
    folder = Path(directory)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: create it before saving into it")
    return folder


def save(obj: Any, save_directory: str | Path, definition_filename: str = DEFINITION) -> None:
    """Save configurations, with their files, in a folder that exists; what was saved there before is replaced.

    Args:
        obj: a configuration, or a list, tuple or dictionary with configurations in it.
        save_directory: the folder.
        definition_filename: name of the file with the definition.

    Raises:
        FileNotFoundError: there is no such folder, or no such file of a configuration.
        ValidationError: a required parameter is missing, or a value has no stored form.
        ValueError: two files would be saved under the same name.
    """
    folder = existing_folder(save_directory)
    # All files first: a definition that can be read has all its files.
    write_whole(folder / definition_filename, state_bytes(obj, SerializationContext(save_directory=folder)))


def load(
    path: str | Path | SerializedPathLoader,
    as_instance: bool = False,
    partial_loading: bool | None = None,
    definition_filename: str | None = None,
) -> Any:
    """What was saved in a folder: sealed configurations, or instances.

    Args:
        path: the folder, or a function from a relative path to a path on this machine.
        as_instance: make instances instead of configurations, and run their pre-tasks.
        partial_loading: leave out tasks that only give their outputs an identity (default: as `as_instance`).
        definition_filename: name of the file with the definition; default: the usual ones.

    Raises:
        LoadError: there is no definition (also a FileNotFoundError), it is damaged, or a class is gone.
    """
    loader = loader_of(path)
    file = find_definition(loader, path, definition_filename)
    loaded = read_file(file, as_instance=as_instance, partial=partial_loading, loader=loader)
    if as_instance:
        for task in loaded.tasks:
            task.execute()
    return loaded.result


def find_definition(loader: Callable[..., Any] | None, path: Any, name: str | None) -> Path:
    """The file with the definition, in a folder or where the function finds it."""
    if loader is None:
        raise TypeError("the folder to load from is missing: give a path, or a function that finds files")
    names = (name,) if name else (DEFINITION, OLDER_DEFINITION)
    for candidate in names:
        try:
            file = Path(loader(candidate))
        except OSError:  # a loader that fetches says so when there is nothing to fetch
            continue
        if file.is_file():
            return file
    where = "it" if callable(path) else path
    if not callable(path) and Path(path).is_file():
        raise _core.MissingFileError(f"{path} is a file: give the folder that it was saved into, {Path(path).parent}")
    raise _core.MissingFileError(f"nothing was saved in {where}: there is no {' or '.join(names)}")


def serialize(
    obj: Any,
    save_directory: str | Path,
    *,
    init_tasks: Iterable[Any] = (),
    definition_filename: str = DEFINITION,
) -> None:
    """Save a configuration with the lightweight tasks that bring its instance to life; see `save`."""
    save([obj, list(init_tasks)], save_directory, definition_filename)


def deserialize(
    path: str | Path | SerializedPathLoader,
    as_instance: bool = False,
    partial_loading: bool | None = None,
    definition_filename: str | None = None,
) -> Any:
    """What `serialize` saved: `(configuration, init tasks)`; as an instance, that alone, its init tasks executed."""
    obj, init_tasks = load(path, as_instance, partial_loading, definition_filename)
    if not as_instance:
        return obj, init_tasks
    for task in init_tasks:
        task.execute()
    return obj


def _job_folder(path: str | Path) -> Path:
    """The folder itself, of a link to it; where `jobs` is a link, as some put it on another disk, it stays one."""
    folder = Path(os.path.abspath(path))
    while folder.is_symlink():
        folder = Path(os.path.normpath(folder.parent / os.readlink(folder)))
    return folder


def from_task_dir(path: str | Path, as_instance: bool = False, partial_loading: bool | None = None) -> Any:
    """The task of a job directory, from its `params.json`: a sealed configuration, or an instance.

    Its init tasks are not run. Outside a job, `Env.taskpath` and `Env.wspath` are set to those of the task.

    Raises:
        LoadError: the file is missing (also a FileNotFoundError), damaged or of a newer version, or a class is gone.
    """
    directory = _job_folder(path)
    workspace = directory.parent.parent.parent
    if Env.current_task is None:
        Env.taskpath, Env.wspath = directory, workspace
    return read_file(
        directory / "params.json",
        workspace=workspace,
        directory=directory,
        as_instance=as_instance,
        partial=partial_loading,
    ).result
