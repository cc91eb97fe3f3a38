"""Files that belong to configurations: copied when these are saved, found again when they are loaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from experimaestro import _core

if TYPE_CHECKING:
    from .classes import Config


class SerializedPath:
    """A saved file or folder, relative to the folder of the definition; usable wherever a path is.

    Args:
        path: relative path.
        is_folder: whether it is a folder; None: a file.

    >>> Path("/saved") / SerializedPath("model/w.pt")
    PosixPath('/saved/model/w.pt')
    """

    def __init__(self, path: str | Path, is_folder: bool | None = None) -> None:
        self.path = Path(path)
        self.is_folder = is_folder

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"SerializedPath({str(self.path)!r}, is_folder={self.is_folder!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SerializedPath) and (self.path, bool(self.is_folder)) == (
            other.path,
            bool(other.is_folder),
        )

    def __hash__(self) -> int:
        return hash(self.path)


class SerializedPathLoader(Protocol):
    """Finds a saved file: from its relative path to a path on this machine."""

    def __call__(self, path: str | Path | SerializedPath, /) -> Path:
        """Answer the path of a file or folder on this machine."""
        ...


class SerializationContext:
    """Where configurations are saved, and what was saved so far.

    Args:
        save_directory: folder into which files are copied; None: they are only recorded in `serialized_paths`.

    Attributes:
        var_path: names that lead from what is saved to the configuration at hand: parameters, list indices, keys.
        serialized_paths: recorded files, by their relative path.
        serialized: the configurations whose files were dealt with.
        job_path: paths below it are written relative to it.
        workspace_path: paths below it are written relative to it.
    """

    def __init__(self, *, save_directory: str | Path | None = None) -> None:
        self.save_directory = None if save_directory is None else Path(save_directory)
        self.var_path: list[str] = []
        self.serialized: list[Any] = []
        self.serialized_paths: dict[Path, Path] = {}
        self.job_path: Path | None = None
        self.workspace_path: Path | None = None

    @property
    def depth(self) -> int:
        """How many names lead to the configuration at hand."""
        return len(self.var_path)

    @contextmanager
    def push(self, name: str) -> Iterator[SerializationContext]:
        """Go one name further down, for the time of a `with`."""
        before = self.var_path
        self.var_path = [*before, name]
        try:
            yield self
        finally:
            self.var_path = before

    def serialize(self, var_path: list[str], path: str | Path, config: Config | None = None) -> SerializedPath:
        """Save a file or a folder under `save_directory/<var_path>`, as hard links where that is possible.

        Args:
            var_path: names of folders, then of the file.
            path: what is saved.
            config: the configuration it belongs to, for the error message.

        Returns:
            What is to be written in the definition.

        Raises:
            ValueError: something else is saved under these names.
            FileNotFoundError: there is no such file.
        """
        source = Path(path)
        target = Path(*(_component(name) for name in var_path))
        known = self.serialized_paths.get(target)
        if known is not None and known != source:
            whose = "" if config is None else f" of {config!r}"
            raise ValueError(
                f"Serialization path conflict: {source}{whose} would be saved as {target}, where {known} is saved "
                "already; give it another name in __xpm_serialize__"
            )
        if not source.exists():
            whose = "" if config is None else f", a file of {config!r},"
            raise FileNotFoundError(f"{source}{whose} cannot be saved: it does not exist")
        is_folder = source.is_dir()
        if known is None:
            self.serialized_paths[target] = source
            if self.save_directory is not None:
                put(source, self.save_directory / target)
        return SerializedPath(target, is_folder)

    def files_of(self, data: Any) -> dict[int, dict[str, SerializedPath]]:
        """Save the files of all configurations in `data`: address of the configuration -> field -> saved file."""
        from .classes import Config

        found: dict[int, dict[str, SerializedPath]] = {}
        above = self.var_path
        try:
            for config, names in _core.data_owners(data, Config.__xpm_serialize__):
                self.var_path = [*above, *names]
                found[id(config)] = dict(config.__xpm_serialize__(self))
                self.serialized.append(config)
        finally:
            self.var_path = above
        return found


def _component(name: str) -> str:
    text = str(name)
    if text in ("", ".", ".."):
        raise ValueError(f"{text!r} cannot be a name in a folder of saved files")
    return text


def serialize_data_paths(config: Config, context: SerializationContext) -> dict[str, SerializedPath]:
    """Save every `DataPath` of a configuration under its own name."""
    saved: dict[str, SerializedPath] = {}
    for argument, value in config.__xpm__.arguments():
        if argument.is_data and value is not None:
            saved[argument.name] = context.serialize([*context.var_path, argument.name], value, config)
    return saved


def put(source: Path, target: Path) -> None:
    """Make `target` the same as `source`, whatever it was before; it appears at once or not at all."""
    source = source.resolve()
    if target.exists() and os.path.samefile(source, target):
        return
    if source.is_dir() and target.resolve().is_relative_to(source):
        raise ValueError(f"{source} cannot be saved inside itself, as {target}: choose another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    remove(temporary)
    try:
        if source.is_dir():
            shutil.copytree(source, temporary, copy_function=_link_or_copy)
        else:
            _link_or_copy(str(source), str(temporary))
        if temporary.is_dir() or target.is_dir():
            remove(target)
        os.replace(temporary, target)
    finally:
        remove(temporary)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def loader_of(path: str | Path | Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The function that finds saved files: the given one, or that of a folder."""
    if path is None or callable(path):
        return path
    folder = Path(path)

    def find(relative: str | Path | SerializedPath) -> Path:
        return folder / relative

    return find
