"""Import path of older projects: the names moved to `experimaestro.experiments` and `experimaestro.cli`."""

from __future__ import annotations

from experimaestro.experiments.helper import ExperimentCallable, ExperimentHelper

__all__ = ["ExperimentCallable", "ExperimentHelper"]
