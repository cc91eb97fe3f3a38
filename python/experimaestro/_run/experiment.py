"""`experiment`: the context in which tasks are submitted, and what happens at its end.

Floor: `_run`.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from experimaestro._run.attachments import Attachments
from experimaestro._run.driven_run import DrivenRun
from experimaestro._run.experiment_jobs import ExperimentJobs
from experimaestro._run.experiment_messages import (
    check_not_loading_a_job,
    tell_failures,
    tell_how_to_come_back,
    tell_successor,
    tell_unrecorded,
    tell_waiting,
)
from experimaestro._run.listeners import Notifier, Scheduler
from experimaestro._run.names import LONGEST_NAME, can_name_folder
from experimaestro._run.projects import DirtyGitAction, caller_folder
from experimaestro._run.run_mode import RunMode
from experimaestro._run.settings import RetrySettings, WorkspaceSettings, get_settings
from experimaestro._run.task_outputs import TaskOutputs
from experimaestro._run.termination import Terminated, TerminationGuard
from experimaestro._run.workspace import Workspace, make_current
from experimaestro.exceptions import GracefulExperimentExit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from experimaestro._run.archives import Archives
    from experimaestro._run.job import Job
    from experimaestro._run.launching import Launcher
    from experimaestro._run.services import Service
    from experimaestro._run.tokens import CounterToken

__all__ = ["current", "experiment"]

ServiceT = TypeVar("ServiceT", bound="Service")

_STOP_POLL_SECONDS = 0.25
_INTERRUPTIONS = (KeyboardInterrupt, Terminated)


class experiment(ExperimentJobs):  # noqa: N801 - a context manager, in lower case for its users
    """Tasks submitted inside `with experiment(workdir, name):` run in this workspace, each exactly once.

    At the end of the block it waits for them. Failed jobs raise nothing: see `failed` and `failedJobs`. After Ctrl-C,
    or an exception, running jobs go on by themselves, and the same programme started again re-attaches to them.

    Args:
        env: folder of the workspace, or its settings.
        name: name of the experiment; a folder is named after it.
        host, port, token: of the web server, which is not part of this version.
        run_mode: run (NORMAL), simulate (DRY_RUN), or write the job folders only (GENERATE_ONLY).
        launcher: starts the jobs; this machine by default.
        register_signals: record how the run was left when SIGTERM or SIGHUP ends the process; Ctrl-C needs no handler.
        project_paths: folders whose git state is stored; that of the calling file by default.
        wait_for_quit, no_db, no_environmental_impact: kept for older programmes, without effect.
        dirty_git: what to do about uncommitted changes.
        detach: leave the block at once; a process of its own goes on with what was submitted (as `xpm resume` does).
            Callbacks of this process are not called then.
        retries: how often jobs start again that their own code did not end; the settings hold for what it leaves open.
        fail_fast: start nothing more once this many jobs failed for the same cause (True: one); what runs goes on.

    Raises:
        ValueError: the name cannot be the name of a folder.
        WorkspaceError: on entering; the folder cannot be used.
        DirtyGitError: on entering; uncommitted changes, and `dirty_git` is ERROR.
    """

    CURRENT: ClassVar[experiment | None] = None
    """The innermost open experiment."""

    def __init__(
        self,
        env: str | os.PathLike[str] | WorkspaceSettings,
        name: str,
        *,
        host: str | None = None,  # noqa: ARG002
        port: int | None = None,
        token: str | None = None,  # noqa: ARG002
        run_mode: RunMode | str | None = None,
        launcher: Launcher | None = None,
        register_signals: bool = True,
        project_paths: Sequence[str | os.PathLike[str]] | None = None,
        wait_for_quit: bool = False,
        no_db: bool = False,  # noqa: ARG002
        dirty_git: DirtyGitAction = DirtyGitAction.WARN,
        no_environmental_impact: bool = False,  # noqa: ARG002
        detach: bool = False,
        fail_fast: bool | int = False,
        retries: RetrySettings | None = None,
    ) -> None:
        if not can_name_folder(name):
            raise ValueError(
                f"{name!r} cannot name an experiment: it names a folder, so no '/', no '.' in front, no spaces around, "
                f"only characters that can be printed, and at most {LONGEST_NAME} bytes"
            )
        if not isinstance(env, WorkspaceSettings) and not os.fspath(env):
            raise ValueError("the folder of the workspace is empty text: give its path ('.' is the current folder)")
        if wait_for_quit:
            warnings.warn("wait_for_quit has no effect", DeprecationWarning, stacklevel=2)
        if port is not None and port >= 0:
            warnings.warn("this version has no web server: port has no effect", UserWarning, stacklevel=2)
        settings = env if isinstance(env, WorkspaceSettings) else WorkspaceSettings("", env)
        self.name = name
        self.run_mode = RunMode.NORMAL if run_mode is None else RunMode(run_mode)
        self.workspace = Workspace(get_settings(), settings, launcher, self.run_mode)
        if retries is not None:
            self.workspace.retries.update(retries.given())
        self.scheduler = Scheduler.instance()
        self.server: None = None
        self.loop: None = None
        """Kept for older programmes: jobs are driven by threads of the engine, not by asyncio."""
        self.jobs: dict[str, Job] = {}
        """The jobs of this experiment, by identifier, in the order of submission."""
        self.successor: int | None = None
        """The process that goes on with this run, once it was left with `detach`."""
        self._dirty_git = dirty_git
        self._detach = detach
        self._fail_fast = int(fail_fast)
        folder = caller_folder() if project_paths is None else None
        self._projects = list(project_paths or ([folder] if folder else []))
        self._stopped = False
        self._is_open = False
        self._outer: experiment | None = None
        self._outer_workspace: Workspace | None = None
        self.unrecorded: Exception | None = None
        """Why the end of this run could not be recorded (a full disk), once it was left; None when it was."""
        self.outputs = TaskOutputs(self)
        """Tells callbacks what running tasks announce."""
        self.attachments = Attachments(self)
        """Services and actions."""
        self._guard = TerminationGuard() if register_signals else None

    # --- which one

    @staticmethod
    def current() -> experiment:
        """Return the innermost open experiment.

        Raises:
            AssertionError: none is open.
        """
        if experiment.CURRENT is None:
            raise AssertionError("no experiment is open: this must be called inside `with experiment(...)`")
        return experiment.CURRENT

    @staticmethod
    def opened() -> list[experiment]:
        """Return the open experiments that run jobs, innermost first."""
        found, one = [], experiment.CURRENT
        while one is not None:
            if one.is_open:
                found.append(one)
            one = one._outer
        return found

    # --- how it goes

    @property
    def taskOutputQueueSize(self) -> int:  # noqa: N802 - name of older versions
        """How many outputs that running tasks announced are not told yet to who watches them."""
        return self.outputs.queue_size

    @property
    def notifier(self) -> Notifier:
        """Tells listeners about the jobs of this run.

        Raises:
            AssertionError: there is no run: before entering, or in a simulation.
        """
        if self._driven is None:
            raise AssertionError("the experiment is not entered, or only simulates")
        return self._driven.notifier

    @property
    def archives(self) -> Archives | None:
        """Copies the jobs that are done to other folders of the workspace, where there are such."""
        return self._driven.archives if self._driven is not None else None

    def write_status(self) -> None:
        """Kept for older programmes: the run is recorded with each change, and how it ended when it is left."""

    def setenv(self, name: str, value: str, override: bool = True) -> None:
        """Set a variable for the tasks of this experiment.

        Args:
            name: of the variable.
            value: any object; its text is used.
            override: False keeps a value that is there.
        """
        if override or name not in self.workspace.env:
            self.workspace.env[name] = str(value)

    def token(self, name: str, count: int) -> CounterToken:
        """Return a token of the machine that runs the jobs: all its experiments share it.

        Args:
            name: its name.
            count: units in all; it replaces another total.
        """
        return self.workspace.connector.createtoken(name, count)

    # --- data

    def save(self, obj: Any, name: str = "default") -> None:
        """Save configurations in the folder of this run, for `load` in this or a later experiment.

        Args:
            obj: a configuration, or a list or dictionary of them.
            name: to find it again; what had the name before is replaced.

        Raises:
            RuntimeError: there is no run: before entering, or in a simulation.
        """
        from experimaestro._run.run_data import save_data

        save_data(self._folder(), obj, name)

    def load(self, reference: str, name: str = "default", run_id: str | None = None) -> Any:
        """Load what an experiment of this workspace saved.

        Args:
            reference: name of that experiment.
            name: what `save` was given.
            run_id: of this run; by default, the newest one that saved something under the name.

        Raises:
            FileNotFoundError: there is no such experiment, or nothing of this name in it.
        """
        from experimaestro._run.run_data import load_data

        return load_data(self.workspace.experimentspath / reference, name, run_id)

    # --- services and actions

    def add_service(self, service: ServiceT) -> ServiceT:
        """Offer a service, and return it; it is stopped at the end of the experiment.

        The same one may be added twice; another one with the same id takes its place, with a warning.
        """
        self.attachments.add_service(service)
        return service

    def add_action(self, action: Any) -> str:
        """Offer an action, to be carried out during or after the experiment (`xpm actions run`).

        Returns:
            Its identifier.

        Raises:
            TypeError: this is no configuration of an action.
        """
        return self.attachments.add_action(action)

    def wait(self) -> None:
        """Wait until every job has ended and every callback has returned; tell what failed, raise nothing.

        Raises:
            KeyboardInterrupt: Ctrl-C, or `stop()` was called; running jobs go on.
        """
        run = self.run
        if run is None:
            return
        self._check_not_interrupted()
        while True:
            while not run.wait(_STOP_POLL_SECONDS):
                self._check_not_interrupted()
            # Callbacks may submit more.
            self.notifier.drain()
            if self._wants_events:
                self.notifier.start()
            while not self.outputs.wait(_STOP_POLL_SECONDS) and run.wait(0.0):
                self._check_not_interrupted()
            if run.wait(0.0) and self.outputs.is_settled():
                break
        if self.failed and not any(getattr(listener, "tells_failures", False) for listener in self.scheduler.listeners):
            tell_failures(self)

    def _check_not_interrupted(self) -> None:
        if self._stopped:
            raise KeyboardInterrupt("the experiment was stopped")

    @property
    def _wants_events(self) -> bool:
        return bool(self.scheduler.listeners) or self.archives is not None

    def stop(self) -> None:
        """End the waiting, from any thread; running jobs go on, and nothing more can be submitted."""
        self._stopped = True

    # --- enter and exit

    def __enter__(self) -> experiment:  # noqa: PYI034 - Self is not in Python 3.10
        if self._is_open:
            raise RuntimeError(f"the experiment {self.name} is already entered")
        check_not_loading_a_job(self.name)
        other = Workspace.CURRENT
        if other is not None and other.path != self.workspace.path:
            raise RuntimeError(
                f"an experiment in {other.path} is open: one in {self.workspace.path} cannot be nested in it"
            )
        self.workspace.enter()
        self._stopped, self.successor = False, None
        if self.run_mode.submits:
            self._open()
        self._outer, self._outer_workspace = experiment.CURRENT, other
        experiment.CURRENT = self
        make_current(self.workspace)
        self._is_open = True
        if self._guard is not None and self.run_mode.submits:
            self._guard.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            return self._leave(error)
        finally:
            if self._guard is not None:
                self._guard.__exit__(kind, error, trace)

    def _leave(self, error: BaseException | None) -> bool:
        status: Literal["completed", "failed", "detached"] = "failed"
        try:
            if error is None and self._detach and self.unfinishedJobs:
                self._wait_until_planned()
                status = "detached"
            elif error is None:
                self.wait()
                status = "failed" if self.failed else "completed"
                if self.archives is not None:
                    self.archives.wait()
            elif isinstance(error, (GracefulExperimentExit, *_INTERRUPTIONS)):
                status = "detached"
        except _INTERRUPTIONS as interruption:
            status, error = "detached", interruption
            raise
        finally:
            self._is_open = False
            experiment.CURRENT = self._outer
            make_current(self._outer_workspace)
            if self._driven is None:
                self.attachments.close()
            else:
                self.unrecorded = self._driven.close(status)
            if isinstance(error, _INTERRUPTIONS):
                tell_how_to_come_back(self)
            if self.unrecorded is not None:
                tell_unrecorded(self, self.unrecorded)
        if status == "detached" and self._detach and error is None:
            self._leave_to_successor()
        return isinstance(error, GracefulExperimentExit)

    def _wait_until_planned(self) -> None:
        while self.run is not None and not self.run.wait_until_planned(_STOP_POLL_SECONDS):
            self._check_not_interrupted()

    def _leave_to_successor(self) -> None:
        from experimaestro._run.detaching import start_successor

        workdir = self.workdir
        if workdir is not None:
            self.successor = start_successor(self.workspace.workspace_settings, self.name, workdir)
            tell_successor(self, self.successor)

    def _open(self) -> None:
        self.unrecorded = None
        self._driven = DrivenRun(self, self._projects, self._dirty_git, self._tell_waiting)
        self._driven.begin()
        if self._fail_fast:
            self._driven.run.fail_fast(self._fail_fast)
        if self._wants_events:
            self._driven.notifier.start()

    def _tell_waiting(self, holder: str) -> None:
        tell_waiting(self.name, holder)

    def __repr__(self) -> str:
        return f"experiment({self.workspace.path_text!r}, {self.name!r})"


def current() -> experiment:
    """Return the innermost open experiment (AssertionError when there is none)."""
    return experiment.current()
