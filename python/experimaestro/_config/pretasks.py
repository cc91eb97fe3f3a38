"""Pre-tasks: lightweight tasks that belong to a configuration and run as soon as its objects are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro import _core
from experimaestro.exceptions import SealedError

if TYPE_CHECKING:
    from collections.abc import Callable


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


def run_pretasks(config: Any, instance_of: Callable[[Any], Any]) -> None:
    """Execute the pre-tasks of a configuration and of all below it, each once, sub-configurations first."""
    done: set[int] = set()
    for reached in _core.reachable_configurations(config):
        for task in _core.state_of(reached).pre_tasks:
            if id(task) not in done:
                done.add(id(task))
                instance_of(task).execute()
