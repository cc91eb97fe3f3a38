"""A job: one task in one workspace, as Python sees it.

Floor: `_run`. State and files belong to the engine; this object adds the configuration, variables and callbacks.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from experimaestro._run.current import acting_experiment
from experimaestro._run.engine import get_engine
from experimaestro._run.job_terms import JobTerms
from experimaestro._run.states import JobState, state_of
from experimaestro._run.times import local_time
from experimaestro._run.transient import TransientMode

if TYPE_CHECKING:
    from collections import ChainMap
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from experimaestro._config.watching import WatchedOutput
    from experimaestro._core import FailureOrigin, Identifier, JobHandle, ProgressLevel
    from experimaestro._run.experiment import experiment
    from experimaestro._run.launching import Launcher
    from experimaestro._run.listeners import Scheduler
    from experimaestro._run.tokens import Dependency
    from experimaestro._run.workspace import Workspace

__all__ = ["Job"]

_STOP_POLL_SECONDS = 0.5
_callbacks_lock = threading.Lock()


class Job(JobTerms):
    """What `submit()` makes of a task; found as `task.__xpm__.job`.

    Two equal tasks of one workspace share one job. In a simulation (`RunMode.DRY_RUN`) there is a job too, which cannot
    be waited for.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_directory",
        "_handle",
        "_tags",
        "experiments",
        "identifier",
        "task_id",
    )

    def __init__(
        self,
        config: Any,
        task_id: str,
        identifier: str,
        directory: Path,
        *,
        workspace: Workspace,
        launcher: Launcher,
        dependencies: Sequence[Any],
        tags: Any,
        max_retries: int = 3,
        transient: TransientMode = TransientMode.NONE,
        priority: int = 0,
        backup: bool = True,
    ) -> None:
        self.config = config
        self.task_id = task_id
        self.identifier = identifier
        self.workspace = workspace
        self.launcher = launcher
        self.max_retries = max_retries
        self.transient = transient
        self.priority = priority
        self.backup = backup
        """Whether its folder is copied to other folders of the workspace when it is done."""
        self.retries: dict[str, float] = {}
        """Times that the job starts again after it was `lost`, `preempted`, or short of `memory`; `memory_growth` is
        the memory of the next attempt over that of the last. A submit hook may set them."""
        self.experiments: list[experiment] = []
        self._directory = directory
        self._dependencies = dependencies
        self._tags = tags
        self.leases: list[Dependency] = []
        """What it needs that other drivers use too."""
        self.partials: dict[Path, str] = {}
        """Folders that it shares with other jobs, and the name of the partial identifier of each."""
        self._handle: JobHandle | None = None
        self._environ: ChainMap[str, str] | None = None
        self._callbacks: list[Callable[[], object]] | None = None

    # --- names and files (see also `BaseJob`)

    @property
    def type(self) -> Any:
        """The type object of the task."""
        return self.config.__xpmtype__

    @property
    def path(self) -> Path:
        """Folder of the job."""
        return self._directory

    @property
    def hashidentifier(self) -> Identifier:
        """The identifier of the task, as an object."""
        found: Identifier = self.config.__identifier__()
        return found

    # --- what it is made of

    @property
    def tags(self) -> Any:
        """Tags of the task and of what it is made of."""
        return self._tags

    @property
    def dependencies(self) -> list[Job]:
        """The jobs that must be done before this one starts."""
        return [task.__xpm__.job for task in self._dependencies]

    @property
    def environ(self) -> ChainMap[str, str]:
        """Variables of the process beyond those of the driver: the job's, then the launcher's, then the workspace's."""
        if self._environ is None:
            from collections import ChainMap

            self._environ = ChainMap({}, self.launcher.environ, *self.workspace.env.maps)
        return self._environ

    @property
    def python_path(self) -> list[str]:
        """Folders in front of `sys.path` in its process."""
        from experimaestro._run.python_path import driver_python_path

        own = [str(folder) for folder in self.workspace.python_path]
        return list(dict.fromkeys([*own, *driver_python_path()]))

    @property
    def scheduler(self) -> Scheduler:
        """What is common to all experiments of this process."""
        from experimaestro._run.listeners import Scheduler

        return Scheduler.instance()

    # --- how it goes

    @property
    def state(self) -> JobState:
        """State of the job; in a simulation, or when nobody here drives it any more, what the files say."""
        handle = self._handle
        if handle is None or self._was_left(handle):
            return state_of(*get_engine().inspect(self.workspace.path_text, self.task_id, self.identifier))
        name = handle.state
        return state_of(name, handle.reason if name == "error" else None)

    @property
    def handle(self) -> JobHandle | None:
        """What the engine knows of it; None in a simulation."""
        return self._handle

    @property
    def scheduler_state(self) -> JobState:
        """The same as `state`: there is one truth."""
        return self.state

    @property
    def message(self) -> str | None:
        """Why it failed, in one line."""
        return self._handle.message if self._handle is not None else None

    @property
    def waits_for(self) -> str | None:
        """The token that it waits for and who has it, in one line; None when it waits for none."""
        folder = self._handle.line if self._handle is not None else None
        if folder is None:
            return None
        from experimaestro._run.tokens import describe_line

        return describe_line(folder)

    @property
    def exit_code(self) -> int | None:
        """Exit code of the process, once it has ended and if anybody could learn it."""
        return self._handle.exit_code if self._handle is not None else None

    @property
    def starttime(self) -> datetime | None:
        """When the process started."""
        return local_time(self._handle.started) if self._handle is not None else None

    @property
    def endtime(self) -> datetime | None:
        """When the job ended."""
        return local_time(self._handle.ended) if self._handle is not None else None

    @property
    def progress(self) -> list[ProgressLevel]:
        """What the task reported last: one entry per level."""
        from experimaestro._core import read_progress

        return read_progress(str(self._directory))

    @property
    def retry_count(self) -> int:
        """How many attempts failed: all of a resumable task, else those that its own code did not end."""
        return self._handle.retries if self._handle is not None else 0

    @property
    def resumable(self) -> bool:
        """Whether the task goes on where an earlier attempt stopped."""
        from experimaestro._config.tasks import ResumableTask

        return isinstance(self.config, ResumableTask)

    @property
    def error(self) -> FailureOrigin | None:
        """The exception that ended the job: its type, its text, and the place in the user's code."""
        return self._handle.error if self._handle is not None else None

    def kill(self) -> bool:
        """Ask the job to stop (SIGTERM), and kill it 30 s later (`XPM_KILL_GRACE`) if it lives; it is not tried again.

        Returns:
            False if it has ended already.
        """
        return self._handle.kill() if self._handle is not None else False

    def set_progress(self, level: int, value: float, desc: str | None = None) -> None:
        """Report how far the job is, in its place.

        Args:
            level: 0 for the job as a whole, deeper ones for its parts.
            value: from 0 to 1; what is beyond is cut, with a warning.
            desc: what it does.
        """
        from experimaestro._core import report_progress

        within = min(1.0, max(0.0, value))
        if within != value:
            import logging

            logging.getLogger("xpm").warning("%r: a progress of %r is not between 0 and 1", self, value)
        report_progress(str(self._directory), level, within, desc)

    def rotate_logs(self) -> None:
        """Keep the logs under names with the time: `<name>.<YYYYmmddHHMMSS>.out` and `.err`."""
        from experimaestro._run.logs import rotated

        for path in (self.stdout, self.stderr):
            if path.exists():
                path.rename(rotated(path))

    def wait(self) -> JobState:
        """Wait until the job has ended, and return its state.

        Where its experiment was left to another process (`detach`), this waits for what that one does.

        Raises:
            AssertionError: nothing was submitted (simulation).
            KeyboardInterrupt: Ctrl-C, or the experiment was stopped; the job goes on.
            RuntimeError: its experiment was left before the job started, and nobody runs it now.
        """
        handle = self._handle
        if handle is None:
            raise AssertionError(f"{self.task_id} was not submitted: its experiment only simulates")
        handles = [handle]
        engine = get_engine()
        while not engine.wait(handles, _STOP_POLL_SECONDS):
            if self.experiments and all(owner.stopped for owner in self.experiments):
                raise KeyboardInterrupt("the experiment was stopped")
        if self._was_left(handle):
            from experimaestro._run.detaching import wait_for_successors

            return wait_for_successors(self)
        return self.state

    def _was_left(self, handle: JobHandle) -> bool:
        """Whether its experiments were left before it ran: what becomes of it is not this process's doing."""
        return handle.state == "transient" and not self.transient.is_transient

    def finalState(self) -> Future[JobState]:  # noqa: N802 - name of older versions
        """Return what will hold the state in which the job ends (`.result()`)."""
        from concurrent.futures import Future

        future: Future[JobState] = Future()

        def settle() -> None:
            try:
                future.set_result(self.wait())
            except BaseException as error:  # noqa: BLE001 - whoever asks for the result is told
                future.set_exception(error)

        threading.Thread(target=settle, name="experimaestro-final-state", daemon=True).start()
        return future

    def on_completed(self, callback: Callable[[], object]) -> None:
        """Call `callback()` once when the job is done; at once if it is.

        It is called on the notification thread, and the experiment does not end before it has returned.
        """
        handle = self._handle
        if handle is None:
            return  # a simulation: nothing completes
        with _callbacks_lock:
            done = handle.state == "done"
            if not done:
                if self._callbacks is None:
                    self._callbacks = []
                self._callbacks.append(callback)
        if done:
            callback()
            return
        owners = [owner for owner in self.experiments if owner.is_open]
        if owners:
            owners[-1].notifier.start()
        else:
            threading.Thread(target=self._complete_alone, args=(handle,), daemon=True).start()

    def watch_output(self, watched: WatchedOutput) -> None:
        """Call back for each output that the task announces, those of the past included; see `TaskOutputs`.

        Raises:
            RuntimeError: the experiments of the job are over.
        """
        if self._handle is None:
            return  # a simulation: nothing is announced
        acting = acting_experiment()
        owners = [owner for owner in self.experiments if owner.is_open]
        if not owners:
            raise RuntimeError(f"{self.task_id}/{self.identifier}: no experiment is open that could watch its outputs")
        (acting if acting in owners and acting is not None else owners[-1]).watch_output_of(self, watched)

    def take_callbacks(self) -> list[Callable[[], object]]:
        """Hand the callbacks over to whoever will call them; nobody else will."""
        with _callbacks_lock:
            callbacks, self._callbacks = self._callbacks or [], None
        return callbacks

    def _complete_alone(self, handle: JobHandle) -> None:
        get_engine().wait([handle])
        if handle.state == "done":
            for callback in self.take_callbacks():
                callback()

    def __repr__(self) -> str:
        return f"Job({self.task_id}/{self.identifier})"
