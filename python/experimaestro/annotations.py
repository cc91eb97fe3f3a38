"""What one writes about configurations: tags, decorators."""

from __future__ import annotations

from experimaestro._config.annotations import Choices, TypeAnnotation, default, help, pathgenerator
from experimaestro._config.decorators import cache, config_only, documentation, initializer
from experimaestro._config.deprecation import deprecate, deprecateClass
from experimaestro._config.legacy import (
    ConstantParam,
    argument,
    config,
    configmethod,
    constant,
    option,
    param,
    pathoption,
    task,
)
from experimaestro._config.tags import TagDict, stop_tags, tag, tags, tagspath
from experimaestro._config.tasks import STDERR, STDOUT

__all__ = [
    "STDERR", "STDOUT", "Choices", "ConstantParam", "TagDict", "TypeAnnotation", "argument", "cache", "config",
    "config_only", "configmethod", "constant", "default", "deprecate", "deprecateClass", "documentation", "help",
    "initializer", "option", "param", "pathgenerator", "pathoption", "stop_tags", "tag", "tags", "tagspath", "task",
]  # fmt: skip
