"""Configuration objects."""

import logging

from experimaestro._config.classes import Config, InstanceConfig, LightweightTask, Task
from experimaestro._config.copying import copyconfig
from experimaestro._config.copying import deep_copy as clone
from experimaestro._config.decorators import cache
from experimaestro._config.generation import ConfigWalkContext
from experimaestro._config.importing import add_to_path, getqualattr
from experimaestro._config.information import ConfigInformation, SetInfo
from experimaestro._config.instantiation import ObjectStore
from experimaestro._config.meta import setmeta
from experimaestro._config.mixin import ConfigMixin
from experimaestro._config.tasks import ResumableTask
from experimaestro._config.walking import ConfigWalk
from experimaestro._config.watching import WatchedOutput
from experimaestro._core import TaggedValue, TaskStub
from experimaestro.exceptions import SealedError

logger = logging.getLogger("xpm.core")
TypeConfig = ConfigMixin
ConfigWrapper = TaggedValue

__all__ = [
    "Config", "ConfigInformation", "ConfigMixin", "ConfigWalk", "ConfigWalkContext", "ConfigWrapper",
    "InstanceConfig", "LightweightTask", "ObjectStore", "ResumableTask", "SealedError", "SetInfo", "TaggedValue",
    "Task", "TaskStub", "TypeConfig", "WatchedOutput", "add_to_path", "cache", "clone", "copyconfig", "getqualattr",
    "logger", "setmeta",
]  # fmt: skip
