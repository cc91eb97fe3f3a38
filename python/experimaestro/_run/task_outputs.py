"""Outputs that running tasks announce: follows the files of the jobs, makes the outputs, calls whoever watches.

Floor: `_run`. Each line of a job's `task-outputs.jsonl` reaches each callback of a run exactly once, in the order of
the file, and before the experiment ends. A run starts at the first line: what was announced before it is told again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro._run.current import working_for

if TYPE_CHECKING:
    from pathlib import Path

    from experimaestro._config.watching import WatchedOutput
    from experimaestro._run.experiment import experiment
    from experimaestro._run.job import Job

__all__ = ["TaskOutputs"]

# The file is looked at, since notifications of changes do not cross network file systems.
_LOOK_SECONDS = 0.2
_JOIN_SECONDS = 0.25


class _Announced(NamedTuple):
    """One line of a job."""

    args: list[Any]
    kwargs: dict[str, Any]


class _Follower:
    """What one callback was told of the file of one job."""

    def __init__(self, job: Job, watched: WatchedOutput) -> None:
        self.job = job
        self.watched = watched
        self.path: Path = job.experimaestro_path / "task-outputs.jsonl"
        self.is_settled = False
        """The job has ended, and all that it announced was told."""
        self._key = watched.key
        self._offset = 0

    def has_ended(self) -> bool:
        """Whether the job writes no more."""
        handle = self.job._handle
        return handle is None or handle.state in ("done", "error", "transient")

    def read(self, to_the_end: bool) -> list[_Announced]:
        """Take the lines that are new.

        Args:
            to_the_end: nobody writes any more: a last line whose end is missing is not waited for.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            # The thread must live: everybody waits for it.
            if to_the_end:
                _log().error("what %s announced cannot be read: %s", self.job.identifier, error)
            return []
        complete, newline, last = data.rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        lines = complete.split(b"\n") if newline else []
        found = [one for line in lines if (one := self._parse(line, is_torn=False)) is not None]
        if to_the_end and last:
            # Only the end of the line may be missing: then it is whole, and the next writer ends it.
            one = self._parse(last, is_torn=True)
            if one is not None:
                self._offset += len(last)
                found.append(one)
        return found

    def _parse(self, line: bytes, *, is_torn: bool) -> _Announced | None:
        import json

        if not line.strip():
            return None
        try:
            told = json.loads(line)
            key, args, kwargs = told["key"], list(told["args"]), dict(told["kwargs"])
        except (ValueError, KeyError, TypeError):
            if not is_torn:
                _log().warning("%s: a line was cut off when its writer was killed, and is skipped", self.path)
            return None
        return _Announced(args, kwargs) if key == self._key else None


class TaskOutputs:
    """The outputs of the tasks of one run; its thread starts with the first one that is watched.

    Args:
        owner: the experiment: what callbacks submit belongs to it.
    """

    def __init__(self, owner: experiment) -> None:
        self._owner = owner
        self._changed = threading.Condition()
        self._followers: list[_Follower] = []
        self._thread: threading.Thread | None = None
        self._is_ending = False
        self._undelivered = 0

    @property
    def queue_size(self) -> int:
        """How many outputs were read and not told yet."""
        return self._undelivered

    def watch(self, job: Job, watched: WatchedOutput) -> None:
        """Tell a callback about all outputs of a job, from the first."""
        with self._changed:
            self._followers.append(_Follower(job, watched))
            if self._thread is None:
                self._is_ending = False
                self._thread = threading.Thread(target=self._loop, name="task-outputs-worker", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def is_settled(self) -> bool:
        """Whether all watched jobs have ended and all outputs were told."""
        with self._changed:
            return not any(self._is_open(follower) for follower in self._followers)

    def wait(self, seconds: float) -> bool:
        """Wait until all outputs of ended jobs were told; False when the time is over first."""
        with self._changed:
            if not any(self._is_open(follower) for follower in self._followers):
                return True
            self._changed.notify_all()
            self._changed.wait(seconds)
            return not any(self._is_open(follower) for follower in self._followers)

    def close(self) -> None:
        """End the thread, after the callback that runs now."""
        with self._changed:
            self._is_ending = True
            thread, self._thread = self._thread, None
            self._changed.notify_all()
        if thread is None or thread is threading.current_thread():
            return
        while thread.is_alive():
            thread.join(_JOIN_SECONDS)  # in pieces, so that Ctrl-C comes through

    def _is_open(self, follower: _Follower) -> bool:
        # A job in error that was submitted again writes again.
        return not follower.is_settled or not follower.has_ended()

    def _loop(self) -> None:
        with working_for(self._owner):
            while True:
                with self._changed:
                    followers = list(self._followers)
                for follower in followers:
                    self._advance(follower)
                with self._changed:
                    if self._is_ending:
                        return
                    self._changed.notify_all()
                    everything = followers == self._followers
                    if everything and all(follower.is_settled and follower.has_ended() for follower in followers):
                        self._changed.wait()
                    elif everything:
                        self._changed.wait(_LOOK_SECONDS)

    def _advance(self, follower: _Follower) -> None:
        # Asked before the file is read: what a job wrote before its end is then in what is read.
        has_ended = follower.has_ended()
        if has_ended and follower.is_settled:
            return
        follower.is_settled = False
        lines = follower.read(has_ended)
        self._undelivered += len(lines)
        for line in lines:
            if self._is_ending or self._owner.stopped:
                self._undelivered = 0
                return
            self._deliver(follower, line)
            self._undelivered -= 1
        follower.is_settled = has_ended

    def _deliver(self, follower: _Follower, line: _Announced) -> None:
        from experimaestro._config.outputs import mark_output

        watched = follower.watched

        def dep(config: Any) -> Any:
            return mark_output(watched.task, config, dynamic=True)

        try:
            watched.callback(watched.method(dep, *line.args, **line.kwargs))
        except BaseException:  # noqa: BLE001 - the user's; even sys.exit() must not end the thread that all wait for
            _log().exception(
                "%s/%s announced an output, and %s or the callback that watches it failed (args %r, %r)",
                follower.job.task_id, follower.job.identifier, watched.method_name, line.args, line.kwargs,
            )  # fmt: skip


def _log() -> Any:
    import logging

    return logging.getLogger("xpm")
