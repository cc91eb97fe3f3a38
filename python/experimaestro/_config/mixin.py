"""What a configuration can do and an object cannot: the methods of `A.C(...)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from typing_extensions import Self

    from .differences import Differences
    from .information import ConfigInformation


class ConfigMixin(_core.ConfigBase):
    """Stands between a configuration class and the class that the user wrote."""

    __new__ = _core.new_object
    # The user's __init__ is for objects: configurations are complete when __new__ returns.
    __init__ = object.__init__

    def __init_subclass__(cls, **_: Any) -> None:
        # Generated classes are not announced to the users' own __init_subclass__.
        return

    @property
    def __xpm__(self) -> ConfigInformation:
        from .information import ConfigInformation

        return ConfigInformation(self)

    # --- tags

    def tag(self, name: str, value: Any) -> Self:
        """Tag this configuration; returns it."""
        _core.add_tag(self, name, value)
        return self

    def tags(self) -> Any:
        """Tags of this configuration and of all below it."""
        from .tags import tags

        return tags(self)

    # --- life cycle

    def __identifier__(self) -> _core.Identifier:
        """What identifies this configuration, tags and metadata apart."""
        return _core.identifier(self)

    def seal(self) -> Self:
        """Forbid further changes, here and below; returns the configuration."""
        from .generation import PathlessContext

        _core.validate(self)
        _core.seal(self, PathlessContext())
        return self

    def instance(self, context: Any = None, *, objects: Any = None, keep: bool = True) -> Any:
        """An object with these parameters, sub-objects included.

        Args:
            context: where generated paths point, such as `DirectoryContext(folder)`.
            objects: an `ObjectStore` whose objects are used again.
            keep: let the objects know their configuration.
        """
        from .instantiation import instance

        return instance(self, context, objects=objects, keep=keep)

    def copy(self) -> Self:
        """An open copy, sub-configurations included."""
        from .copying import deep_copy

        return cast("Self", deep_copy(self))

    def __arguments__(self) -> dict[str, Any]:
        """Parameters that have a value."""
        return dict(self.__xpm__.xpmvalues())

    def diff(self, other: Any) -> Differences:
        """Which values differ, and whether that counts in the identifiers; neither has to be sealed.

        Args:
            other: a configuration, or the path of a job folder, of a `params.json`, or of a folder that `save` wrote.

        Raises:
            ValidationError: a required parameter has no value.
            LoadError: there is no such file, or it is damaged.
        """
        from .difference import diff

        return diff(self, other)

    def __json__(self) -> str:
        """A JSON list of objects (docs/serialization.md), this one last."""
        return _core.objects_json([self]).decode()

    # --- tasks

    @property
    def xpmconfig(self) -> Self:
        """The configuration itself; on an object, the one that it was made of."""
        return self

    @property
    def pre_tasks(self) -> list[Any]:
        """Lightweight tasks that run as soon as the objects are made."""
        return cast("list[Any]", _core.state_of(self).pre_tasks)

    def add_pretasks(self, *tasks: Any) -> Self:
        """Add lightweight tasks that run as soon as the objects are made; returns the configuration."""
        from .pretasks import add_pretasks

        add_pretasks(self, tasks)
        return self

    def add_pretasks_from(self, *configs: Any) -> Self:
        """Add the pre-tasks of other configurations; returns the configuration."""
        from .pretasks import add_pretasks

        for config in configs:
            if not isinstance(config, _core.ConfigBase):
                raise AssertionError(f"add_pretasks_from() takes configurations, not {config!r}")
            add_pretasks(self, tuple(_core.state_of(config).pre_tasks))
        return self

    def copy_dependencies(self, other: Any) -> Self:
        """Wait for what another one waits for, and be an output of the same task; returns the configuration."""
        own, state = _core.state_of(self), _core.state_of(other)
        if own.task is not None:
            raise AssertionError(f"{self!r} is already the output of {own.task!r}")
        own.dependencies = [*own.dependencies, *state.dependencies]
        if state.task is not None:
            _core.mark_output(self, state.task)
        return self

    def watch_output(self, method: Any, callback: Callable[[Any], Any]) -> Any:
        """Have a callback called for each output that a method of a configuration makes while this task runs."""
        from .watching import watch_output

        return watch_output(self, method, callback)

    def submit(
        self,
        *,
        workspace: Any = None,
        launcher: Any = None,
        run_mode: Any = None,
        init_tasks: Iterable[Any] = (),
        max_retries: int | None = None,
        transient: Any = None,
        backup: bool | None = None,
        priority: int = 0,
    ) -> Any:
        """Hand the task to the current experiment; see `Task.submit`."""
        # The only way upstairs: configurations do not know how they are run.
        from experimaestro._run.submission import submit_task

        return submit_task(
            self,
            workspace=workspace,
            launcher=launcher,
            run_mode=run_mode,
            init_tasks=list(init_tasks),
            max_retries=max_retries,
            transient=transient,
            backup=backup,
            priority=priority,
        )

    @property
    def job(self) -> Any:
        """The job of a submitted task; `None` before."""
        return _core.state_of(self).job

    @property
    def jobpath(self) -> Path:
        """The job directory of a submitted task."""
        return cast("Path", self._submitted_job().path)

    def wait(self) -> Any:
        """Wait until the job has ended; returns its state."""
        return self._submitted_job().wait()

    def stdout(self) -> Path:
        """Log of the job's standard output."""
        return cast("Path", self._submitted_job().stdout)

    def stderr(self) -> Path:
        """Log of the job's standard error."""
        return cast("Path", self._submitted_job().stderr)

    def on_completed(self, callback: Callable[[], Any]) -> None:
        """Call back once when the job has ended with success; at once if it already has."""
        self._submitted_job().on_completed(callback)

    def _submitted_job(self) -> Any:
        state = _core.state_of(self)
        job = state.job
        if job is None and state.task is not None:
            job = state.task.job
        if job is None:
            raise AssertionError(f"{self!r} was not submitted: call .submit() first")
        return job

    def add_dependencies(self, *dependencies: Any) -> Self:
        """Make the task wait for these too (tokens, for instance); returns the configuration."""
        state = _core.state_of(self)
        state.dependencies = [*state.dependencies, *dependencies]
        return self

    @property
    def _deprecated_from(self) -> Any:
        """The configuration of a deprecated class that this one was made in place of; None for others."""
        return _core.state_of(self).deprecated_from

    # --- as a value

    def __eq__(self, other: object) -> Any:
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        from .comparison import equal

        return equal(self, other)

    def __hash__(self) -> int:
        if not _core.state_of(self).sealed:
            raise TypeError(f"{self!r} is not sealed: it can still change, hence has no hash; call .seal() first")
        return hash(_core.identifier(self, own=True))

    def __repr__(self) -> str:
        return f"Config[{type(self).__xpmtype__.identifier}]"

    def __str__(self) -> str:
        return self.to_str()

    def to_str(self, max_depth: int = 3) -> str:
        """`module.Class(name=value, …)`, down to a depth."""
        from .comparison import to_str

        return to_str(self, max_depth)

    def __rich__(self) -> Any:
        from .rendering import rich_tree

        return rich_tree(self)

    def _repr_html_(self) -> str:
        from .rendering import html

        return html(self)

    def __matmul__(self, inner: Any) -> Self:
        if not isinstance(inner, _core.ConfigBase):
            return NotImplemented
        from .composition import compose

        return cast("Self", compose(self, inner))

    def __reduce_ex__(self, protocol: Any) -> Any:
        from .copying import reduce

        return reduce(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from .copying import deep_copy

        return deep_copy(self, memo)
