"""What an experiment run by `xpm run-experiment` imports (floor: above `_config` and `_run`, below `cli`)."""

from __future__ import annotations

from experimaestro.experiments.configuration import ConfigurationBase, configuration
from experimaestro.experiments.errors import ConfigurationError, ExperimentFileError
from experimaestro.experiments.helper import ExperimentCallable, ExperimentHelper

__all__ = [
    "ConfigurationBase",
    "ConfigurationError",
    "ExperimentCallable",
    "ExperimentFileError",
    "ExperimentHelper",
    "configuration",
]
