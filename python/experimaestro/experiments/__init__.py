"""What an experiment run by `xpm run-experiment` imports (floor: above `_config` and `_run`, below `cli`)."""

from __future__ import annotations

from experimaestro._run.projects import DirtyGitAction
from experimaestro.experiments.configuration import ConfigurationBase, configuration
from experimaestro.experiments.errors import ConfigurationError, ExperimentFileError
from experimaestro.experiments.grid import GridSearch, generate_grid
from experimaestro.experiments.helper import ExperimentCallable, ExperimentHelper
from experimaestro.experiments.mocks import FakeModuleFinder, mock_modules, noop_decorator

__all__ = [
    "ConfigurationBase",
    "ConfigurationError",
    "DirtyGitAction",
    "ExperimentCallable",
    "ExperimentFileError",
    "ExperimentHelper",
    "FakeModuleFinder",
    "GridSearch",
    "configuration",
    "generate_grid",
    "mock_modules",
    "noop_decorator",
]
