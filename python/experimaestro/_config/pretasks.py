"""Pre-tasks: lightweight tasks that belong to a configuration and run as soon as its objects are made."""

from __future__ import annotations

from typing import Any

from experimaestro import _core
from experimaestro.exceptions import SealedError


def add_pretasks(config: Any, tasks: tuple[Any, ...]) -> None:
    """Add pre-tasks to a configuration that is not sealed.

    Raises:
        AssertionError: one is no configuration of a lightweight task.
        SealedError: the configuration is sealed.
    """
    from .classes import LightweightTask, Task

    for task in tasks:
        if not (isinstance(task, _core.ConfigBase) and isinstance(task, LightweightTask)) or isinstance(task, Task):
            raise AssertionError(f"a pre-task is a configuration of a LightweightTask, not {task!r}")
    state = _core.state_of(config)
    if state.sealed:
        raise SealedError(f"{config!r} is sealed: add pre-tasks before it is submitted or made into an instance")
    known = state.pre_tasks
    for task in tasks:
        if not any(task is other for other in known):
            known.append(task)
    state.pre_tasks = known
