"""What goes wrong between an experiment file and the experiment's code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from experimaestro._core import ExperimaestroError


class ExperimentFileError(ExperimaestroError, ValueError):
    """An experiment file cannot be used: unreadable, not YAML, or pointing at something that is not there."""


class Problem(NamedTuple):
    """One mistake in a configuration."""

    where: str
    """Place of the mistake: ``experiment.yaml:12``, ``--conf``, or an empty string when nothing better is known."""
    message: str
    """What is wrong, in one sentence without a full stop."""
    hint: str | None = None
    """What to do about it."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint}"


class ConfigurationError(ExperimentFileError):
    """The content of an experiment file does not fit the configuration class; holds every mistake found."""

    def __init__(self, schema: str, problems: Sequence[Problem]) -> None:
        self.schema = schema
        self.problems = tuple(problems)
        count = "" if len(self.problems) == 1 else f" ({len(self.problems)} mistakes)"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"the configuration does not fit {schema}{count}\n{lines}")
