"""What the `run` function of an experiment gets as its first argument."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from experimaestro.experiments.errors import ExperimentFileError

if TYPE_CHECKING:
    from typing_extensions import Self

    from experimaestro._run.experiment import experiment

ExperimentCallable = Callable[["ExperimentHelper", Any], Any]
"""A `run(helper, configuration)` function."""

Helper = TypeVar("Helper", bound="ExperimentHelper")


class ExperimentHelper:
    """Carries the current experiment, and calls the user's function.

    Libraries subclass it to prepare things for their experiments, and hand out ``decorator``:

    >>> class Greeting(ExperimentHelper):
    ...     greeting = "hello"
    >>> @Greeting.decorator
    ... def run(helper, configuration):
    ...     return f"{helper.greeting} {configuration}"
    >>> run.run([], "world")
    'hello world'
    """

    xp: experiment
    """The running experiment."""

    def __init__(self, callable: ExperimentCallable) -> None:
        self.callable = callable

    def run(self, args: Sequence[str], configuration: Any) -> Any:
        """Call the function.

        :param args: what followed the YAML file on the command line; subclasses may accept some
        :param configuration: an instance of the function's configuration class
        :raises ExperimentFileError: when there are arguments
        """
        if args:
            raise ExperimentFileError(f"this experiment takes no further arguments, got: {' '.join(args)}")
        return self.callable(self, configuration)

    @overload
    @classmethod
    def decorator(cls, function: ExperimentCallable, /) -> Self: ...
    @overload
    @classmethod
    def decorator(cls, /, **options: Any) -> Callable[[ExperimentCallable], Self]: ...
    @classmethod
    def decorator(cls, function: ExperimentCallable | None = None, /, **options: Any) -> Any:
        """Make a helper of this class out of a function; options go to the constructor."""
        if function is not None:
            return cls(function, **options)

        def decorate(function: ExperimentCallable) -> ExperimentHelper:
            return cls(function, **options)

        return decorate
