"""A walk over a configuration and all below it, for programmes that make something of each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from experimaestro import _core

from .generation import ConfigWalkContext

if TYPE_CHECKING:
    from collections.abc import Iterator


class ConfigWalk:
    """Visits configurations, each once, sub-configurations first; override `preprocess` and `postprocess`.

    Args:
        context: knows the place of what is visited (`context.push(name)`).
        recurse_task: also visit the task that a configuration is an output of.
    """

    def __init__(self, context: ConfigWalkContext | None = None, recurse_task: bool = False) -> None:
        self.context = ConfigWalkContext() if context is None else context
        self.recurse_task = recurse_task
        self._made: dict[int, Any] = {}

    def preprocess(self, config: Any) -> tuple[bool, Any]:
        """`(True, config)` to visit what is below, `(False, result)` to stop there."""
        return True, config

    def postprocess(self, stub: Any, config: Any, values: dict[str, Any]) -> Any:  # noqa: ARG002
        """What is made of a configuration, whose parameters gave these results."""
        return stub

    def stub(self, config: Any) -> Any:
        """What stands for a configuration that holds itself, until it is made."""
        return config

    @contextmanager
    def push(self, name: str) -> Iterator[None]:
        """One component further down."""
        before = self.context
        self.context = before.push(name)
        try:
            yield
        finally:
            self.context = before

    def __call__(self, value: Any) -> Any:
        """What is made of a value."""
        if isinstance(value, _core.ConfigBase):
            return self._visit(value)
        if isinstance(value, (list, tuple)):
            return type(value)(self._inside(str(index), item) for index, item in enumerate(value))
        if isinstance(value, (set, frozenset)):
            return type(value)(self._inside(str(index), item) for index, item in enumerate(value))
        if isinstance(value, dict):
            return {self(key): self._inside(str(key), item) for key, item in value.items()}
        return value

    def _inside(self, name: str, value: Any) -> Any:
        with self.push(name):
            return self(value)

    def _visit(self, config: Any) -> Any:
        if id(config) in self._made:
            return self._made[id(config)]
        goes_on, result = self.preprocess(config)
        if not goes_on:
            self._made[id(config)] = result
            return result
        stub = self._made[id(config)] = self.stub(config)
        information = config.__xpm__
        if self.recurse_task and information.task is not None and information.task is not config:
            self._inside("__task__", information.task)
        values = {name: self._inside(name, value) for name, value in information.values.items()}
        for index, task in enumerate(information.init_tasks):
            with self.push("__init_tasks__"):
                self._inside(str(index), task)
        result = self._made[id(config)] = self.postprocess(stub, config, values)
        return result
