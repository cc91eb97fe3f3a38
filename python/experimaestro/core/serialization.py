"""Configurations in files and in plain data."""

from experimaestro._config.experiment_info import ExperimentInfo, load_configs, load_xp_info
from experimaestro._config.serialization import (
    deserialize,
    from_state_dict,
    from_task_dir,
    load,
    save,
    serialize,
    state_dict,
)

__all__ = [
    "ExperimentInfo",
    "deserialize",
    "from_state_dict",
    "from_task_dir",
    "load",
    "load_configs",
    "load_xp_info",
    "save",
    "serialize",
    "state_dict",
]
