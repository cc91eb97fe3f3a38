"""Import path of older projects: the names moved to `experimaestro.experiments` and `experimaestro.cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experimaestro.experiments.helper import ExperimentCallable, ExperimentHelper

if TYPE_CHECKING:
    from experimaestro.cli.run_experiment import run_experiment as experiments_cli

__all__ = ["ExperimentCallable", "ExperimentHelper", "experiments_cli"]


def __getattr__(name: str) -> object:
    if name == "experiments_cli":
        # The command line is a floor above: only those who ask for it import it.
        from importlib import import_module

        return import_module("experimaestro.cli.run_experiment").run_experiment
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
