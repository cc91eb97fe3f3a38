"""What `submit()` returns, and what links an output to its task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

DependentMarker = "Callable[[T], T]"
"""The type of `dep`: links a configuration to the task, and returns it."""


def mark_output(task: Any, config: T, *, dynamic: bool = False) -> T:
    """Link a configuration to the task that makes it; returns the configuration.

    Args:
        task: makes the configuration.
        config: the output.
        dynamic: the output is there while the task still runs: who uses it does not wait for the end of the task.

    Raises:
        AssertionError: it is no configuration, is a task itself, or is the output of another task.
    """
    if not isinstance(config, _core.ConfigBase):
        raise AssertionError(f"dep() takes a configuration, not {config!r}")
    state = _core.state_of(config)
    if config is task:
        return config
    if state.schema.is_task:
        raise AssertionError(
            f"dep() takes a configuration that is no task: {config!r} is one, and waits for itself when submitted"
        )
    if state.task is not None and state.task is not task:
        raise AssertionError(f"{config!r} is already the output of {state.task!r}, and cannot be that of {task!r} too")
    _core.mark_output(config, task, dynamic)
    return config


def submission_outputs(task: Any, add_action: Callable[..., Any] | None = None) -> Any:
    """What `submit()` returns: `__submit__`'s answer, else `task_outputs`', else the task itself."""

    def dep(config: T) -> T:
        return mark_output(task, config)

    cls = type(task)
    own_submit = getattr(cls, "__submit__", None)
    if own_submit is not None:
        return own_submit(task, dep, add_action)
    outputs = getattr(cls, "task_outputs", None)
    if outputs is not None:
        return outputs(task, dep)
    return task
