"""Outputs that a task announces while it runs: declared on the task, written by the job, replayed by the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Callable


class WatchedOutput(NamedTuple):
    """What a driver does when a job announces an output."""

    task: Any
    """The task that announces it"""
    config: Any
    """The configuration whose method makes the output"""
    method_name: str
    method: Callable[..., Any]
    """Called with `dep` and what the job gave"""
    callback: Callable[[Any], Any]
    """Called with what the method made"""

    @property
    def key(self) -> str:
        """The key of the lines that the job writes."""
        return output_key(_core.identifier(self.config), self.method_name)


def output_key(identifier: Any, method: str) -> str:
    """`<identifier>/<method>`: who announces."""
    return f"{identifier}/{method}"


def watch_output(task: Any, method: Any, callback: Callable[[Any], Any]) -> WatchedOutput:
    """Have a callback called for each output that `method` (of a configuration) makes while the task runs.

    Raises:
        TypeError: the task is not resumable, or this is no method of a configuration.
    """
    from .tasks import ResumableTask

    if not isinstance(task, ResumableTask):
        raise TypeError(f"{task!r} announces no outputs: only a ResumableTask can be watched")
    config = getattr(method, "__self__", None)
    if not isinstance(config, _core.ConfigBase):
        raise TypeError(f"watch_output() takes a method of a configuration, not {method!r}")
    watched = WatchedOutput(task, config, method.__name__, method, callback)
    state = _core.state_of(task)
    state.watched = [*state.watched, watched]
    if state.job is not None:
        follow = getattr(state.job, "watch_output", None)
        if follow is not None:
            follow(watched)
    return watched


def register_task_output(value: Any, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Announce an output from inside a job: a line of `task-outputs.jsonl`.

    Raises:
        RuntimeError: this process runs no job.
        TypeError: an argument cannot be written as JSON.
    """
    import json
    import os

    from experimaestro.taskglobals import Env

    folder = Env.taskpath
    if folder is None:
        raise RuntimeError("register_task_output() is called inside a running job")
    config = getattr(value, "__config__", None)
    identifier = getattr(value, "__xpmidentifier__", None) if config is None else _core.identifier(config)
    key = output_key(identifier, method.__name__)
    line = json.dumps({"key": key, "args": list(args), "kwargs": kwargs}) + "\n"
    own = folder / ".experimaestro"
    own.mkdir(exist_ok=True)
    file = os.open(own / "task-outputs.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            line = "\n" + line  # an attempt that was killed left the last line without its end
        # One write: lines of several threads do not mix.
        os.write(file, line.encode())
    finally:
        os.close(file)
