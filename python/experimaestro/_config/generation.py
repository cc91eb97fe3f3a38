"""Where generated paths point: contexts for sealing and for instances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .annotations import PathGenerator


class ConfigWalkContext:
    """Knows the place of a configuration below the root, hence the folder of its generated paths.

    Args:
        path: folder of the root, or `None` where no path can be generated.
        components: parameter names, list indices and dictionary keys that lead to the configuration.
    """

    def __init__(self, path: Path | None = None, components: tuple[str, ...] = ()) -> None:
        self.path = path
        self.components = components
        self.task: Any = None

    def at(self, components: list[str]) -> ConfigWalkContext:
        """The context of a configuration below this one."""
        below = object.__new__(type(self))
        below.__dict__.update(self.__dict__)
        below.components = (*self.components, *components)
        return below

    def push(self, key: str) -> ConfigWalkContext:
        """The context one component further down."""
        return self.at([key])

    def currentpath(self) -> Path:
        """Folder of the current configuration: the root's own, or `out/<component>/…` below it."""
        if self.path is None:
            raise AssertionError(
                "a path cannot be generated without a folder: submit the task, or give a context such as "
                "config.instance(context=DirectoryContext(folder))"
            )
        if not self.components:
            return self.path
        return self.path.joinpath("out", *self.components)

    def partial_path(self, partial: Any, config: Any) -> Path:
        """Folder shared by the jobs that agree on all but the excluded parameters."""
        raise AssertionError(f"partial folders need a workspace: {partial!r} of {config!r} cannot be placed here")

    def generate(self, generator: Any, config: Any) -> Any:
        """Call a generator, which takes nothing or the context and the configuration."""
        if isinstance(generator, PathGenerator):
            return generator(self, config)
        if _takes_context(generator):
            return generator(self, config)
        return generator()


def _takes_context(generator: Any) -> bool:
    """Whether a generator has two required positional parameters."""
    import inspect

    try:
        parameters = inspect.signature(generator).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [
        p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return len(required) == 2


class PathlessContext(ConfigWalkContext):
    """For configurations sealed outside a job: generated paths are left for later, other values are made."""

    def generate(self, generator: Any, config: Any) -> Any:  # noqa: ARG002 - the interface
        """Call a generator; `NotImplemented` where that needs a folder."""
        if isinstance(generator, PathGenerator) or _takes_context(generator):
            return NotImplemented
        return generator()


class DirectoryContext(ConfigWalkContext):
    """Generated paths point into a folder.

    >>> DirectoryContext(Path("/tmp/x")).at(["model"]).currentpath().as_posix()
    '/tmp/x/out/model'
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(Path(path))


class EmptyContext(ConfigWalkContext):
    """No folder: generating a path raises."""


class JobContext(ConfigWalkContext):
    """Generated paths point into a job directory."""

    def __init__(self, path: Path, task: Any) -> None:
        super().__init__(path)
        self.task = task
        self.partials: dict[Path, str] = {}
        """Folders that the job shares with others, and the name of the partial identifier of each."""

    def partial_path(self, partial: Any, config: Any) -> Path:
        """`WORKSPACE/partials/<type id>/<name>/<partial identifier>`."""
        assert self.path is not None
        workspace = self.path.parents[2]  # of jobs/<type id>/<identifier>
        type_id = type(config).__xpmtype__.identifier
        path = workspace.joinpath("partials", type_id, partial.name, str(partial.identifier(config)))
        self.partials[path] = partial.name
        return path
