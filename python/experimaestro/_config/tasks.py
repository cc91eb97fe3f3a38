"""Kinds of tasks and what surrounds a submission: loaders, resumable tasks, preparation, hooks, actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from experimaestro import _core

from .annotations import DataPath, Param
from .classes import Config, LightweightTask, Task
from .types import HOOKED, HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ConfigT = TypeVar("ConfigT", bound="Config")
Class = TypeVar("Class", bound="type[Config]")


class ResumableTask(Task):
    """A task that keeps its job folder when it is started again, and goes on from what it finds there."""

    def remaining_time(self) -> float | None:
        """Seconds before the job is stopped by its time limit; None when that is unknown."""
        from experimaestro.taskglobals import Env

        ask = getattr(Env.launcher_info, "remaining_time", None)
        seconds: Any = ask() if callable(ask) else ask
        return None if seconds is None else float(seconds)


class SerializationLWTask(LightweightTask):
    """Loads the state of an object, inside the job that needs it.

    `execute` is to be defined: it fills `value`. As a pre-task of a configuration of the class of `value`, it fills the
    object that it is a pre-task of.
    """

    value: Param[Config]

    def __xpm_pretask_of__(self, owner: Any) -> None:
        # A configuration cannot be a parameter of its own pre-task: the loader was given one like it.
        if type(self.value) is type(owner):
            self.value = owner

    def register(self, config: Any) -> None:
        """Remember an object that takes part in the loading."""
        self.registered.append(config)

    @property
    def registered(self) -> list[Any]:
        """Objects that were registered, in order."""
        found: list[Any] = self.__dict__.setdefault("__xpm_registered__", [])
        return found


class PathSerializationLWTask(SerializationLWTask):
    """Loads the state of an object from a file or folder."""

    path: DataPath

    @classmethod
    def construct(cls, value: ConfigT, path: str | Path, dep: Callable[[Any], Any]) -> ConfigT:
        """A copy of the configuration whose state is loaded from the path before it is used.

        Args:
            value: what is to be loaded.
            path: where the task leaves the state.
            dep: what `task_outputs` was given: the loader becomes an output of that task.
        """
        copied = value.copy()
        # The loader holds the copy without its pre-tasks, which would be itself.
        loader = dep(_core.construct(cls, {"value": value, "path": path}))
        copied.add_pretasks(loader)
        return copied


class Prepare(Config):
    """Something to prepare on the machine of the driver (a download, an index), before the jobs that use it.

    Any `Prepare` found in the parameters of a submitted task runs once per identifier and process.
    """

    def prepare(self) -> None:
        """Do what is to be done; called on an object."""
        raise NotImplementedError(f"{type(self).__qualname__} must define prepare()")

    def is_prepared(self) -> bool:
        """Whether nothing is left to do; needed to run the preparation as a job."""
        raise NotImplementedError(f"{type(self).__qualname__} does not define is_prepared()")


class SubmitHook:
    """A decorator of configuration classes that changes the jobs of the tasks that use them.

    Each distinct hook (by class and `spec()`) is applied once to a job, before it is scheduled.
    """

    def spec(self) -> Any:
        """What makes two hooks of a class the same; can be hashed."""
        return None

    def process(self, job: Any, launcher: Any) -> None:
        """Change the job, or the launcher's options, before it is scheduled."""
        raise NotImplementedError(f"{type(self).__qualname__} must define process()")

    def __call__(self, cls: Class) -> Class:
        if not (isinstance(cls, type) and issubclass(cls, Config)):
            raise TypeError(f"a submit hook decorates Config classes, not {cls!r}")
        setattr(cls, HOOKS, (*cls.__dict__.get(HOOKS, ()), self))
        HOOKED.append(cls)
        return cls

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SubmitHook) and type(self) is type(other) and self.spec() == other.spec()

    def __hash__(self) -> int:
        return hash((type(self), self.spec()))


def submit_hooks(config: Any) -> list[SubmitHook]:
    """The hooks of a configuration and of all below it, each once; tasks that it depends on are left out."""
    found: dict[SubmitHook, None] = {}
    for reached in reversed(_core.reachable_configurations(config)):
        state = _core.state_of(reached)
        if reached is not config and (state.submitted or state.task is not None):
            # It was made by another task, whose own submission applied these.
            continue
        found.update(dict.fromkeys(type(reached).__xpmtype__.submit_hooks))
    return list(found)


class Interaction:
    """How an action asks the user."""

    def choice(self, key: str, label: str, choices: list[str]) -> str:
        """One of the choices."""
        raise NotImplementedError

    def checkbox(self, key: str, label: str, *, default: bool = False) -> bool:
        """Yes or no."""
        raise NotImplementedError

    def text(self, key: str, label: str, *, default: str = "") -> str:
        """A line of text."""
        raise NotImplementedError


class CLIInteraction(Interaction):
    """Asks in the terminal.

    Args:
        prefill: answers by key, given on the command line: these are not asked.
    """

    YES: ClassVar = {"true", "yes", "1", "y"}
    NO: ClassVar = {"false", "no", "0", "n"}

    def __init__(self, prefill: dict[str, str] | None = None) -> None:
        self.prefill = dict(prefill or {})

    def choice(self, key: str, label: str, choices: list[str]) -> str:
        if key in self.prefill:
            given = self.prefill[key]
            if given not in choices:
                raise ValueError(f"{key}: {given!r} is none of the choices: {', '.join(choices)}")
            return given
        import click

        return str(click.prompt(label, type=click.Choice(choices)))

    def checkbox(self, key: str, label: str, *, default: bool = False) -> bool:
        if key in self.prefill:
            given = str(self.prefill[key]).strip().lower()
            if given not in self.YES | self.NO:
                raise ValueError(f"{key}: {self.prefill[key]!r} is neither yes nor no")
            return given in self.YES
        import click

        return click.confirm(label, default=default)

    def text(self, key: str, label: str, *, default: str = "") -> str:
        if key in self.prefill:
            return str(self.prefill[key])
        import click

        return str(click.prompt(label, default=default))


class Action(Config):
    """Something to do by hand after an experiment, such as publishing a model."""

    def describe(self) -> str:
        """One line for the list of actions."""
        return type(self).__xpmtype__.title

    def execute(self, interaction: Interaction) -> None:
        """Do it; called on an object."""
        raise NotImplementedError(f"{type(self).__qualname__} must define execute()")


def standard_output(context: Any, config: Any) -> str:  # noqa: ARG001
    """Name of the log of a job: for `pathgenerator(STDOUT)`."""
    return f"{type(config).__xpmtype__.name()}.out"


def standard_error(context: Any, config: Any) -> str:  # noqa: ARG001
    """Name of the error log of a job: for `pathgenerator(STDERR)`."""
    return f"{type(config).__xpmtype__.name()}.err"


STDOUT, STDERR = standard_output, standard_error
