"""What an experiment has while it is entered and runs jobs: the engine's run, and all that works beside it.

Floor: `_run`. Opening leaves nothing behind when it fails; closing gives everything back, whatever fails on the way.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from experimaestro import _core
from experimaestro._run.archives import open_archives
from experimaestro._run.engine import get_engine
from experimaestro._run.environment import RunEnvironment
from experimaestro._run.listeners import Notifier
from experimaestro._run.lock_mode import set_lock_mode
from experimaestro.exceptions import WorkspaceError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from typing import Literal

    from experimaestro._run.experiment import experiment
    from experimaestro._run.projects import DirtyGitAction

__all__ = ["DrivenRun"]


class DrivenRun:
    """A run that this process drives.

    Args:
        owner: the experiment.
        projects: folders whose git state is recorded.
        dirty_git: what to do about uncommitted changes.
        on_wait: told who runs the experiment, while this process waits for it.

    Raises:
        DirtyGitError: uncommitted changes, and none were wanted.
        WorkspaceError: the folder cannot be used.
    """

    def __init__(
        self,
        owner: experiment,
        projects: Sequence[str | os.PathLike[str]],
        dirty_git: DirtyGitAction,
        on_wait: Callable[[str], None],
    ) -> None:
        workspace = owner.workspace
        self._owner = owner
        self._environment = RunEnvironment(projects, dirty_git)
        _core.record_scheme(workspace.path_text, workspace.scheme)
        self.run = get_engine().open_run(
            workspace.path_text, owner.name, on_wait=on_wait, environment=self._environment.text
        )
        self.ancestors = _core.Ancestors(workspace.path_text, owner.name, self.run.run_id)
        """What the tasks of the run are made of, where their jobs have it in common."""
        self.archives = open_archives(workspace)
        """Copies the jobs that are done to other folders of the workspace, where there are such."""
        self.notifier = Notifier(owner, self.run)

    def begin(self) -> None:
        """Let what works beside the run begin; called once the experiment knows its run."""
        try:
            set_lock_mode(self._owner.xplockpath, self._owner.workspace.lock_mode)
            self._owner.attachments.open(Path(self.run.path), self._owner.workspace.path)
            self._environment.complete(self.run.path)
        except BaseException:
            # Nobody leaves a block that was not entered.
            self.close("failed")
            raise

    def close(self, status: Literal["completed", "failed", "detached"]) -> Exception | None:
        """Stop what works beside the run, record how it ended, give the experiment's lock back.

        Args:
            status: how it ended.

        Returns:
            Why something could not be recorded (a full disk); the jobs are as they are all the same.
        """
        refused: list[Exception] = []

        def record(step: Callable[[], object]) -> None:
            try:
                step()
            except (OSError, WorkspaceError) as error:
                refused.append(error)

        # The last to be pushed is the first to be done. Each is done even if Ctrl-C comes during another.
        with ExitStack() as steps:
            steps.callback(self.notifier.drain)
            steps.callback(record, lambda: self.run.close(status))
            steps.callback(record, lambda: self._environment.close(self.run.path, status))
            if status != "detached":
                # The experiment is still ours: nobody can take up an old run meanwhile.
                steps.callback(record, lambda: self._forget_old_runs(status))
            steps.callback(self._owner.outputs.close)
            steps.callback(record, self._owner.attachments.close)
        return refused[0] if refused else None

    def _forget_old_runs(self, status: str) -> None:
        from experimaestro._run.history import forget_old_runs

        owner = self._owner
        forget_old_runs(owner.experiment_base, self.run.run_id, status, owner.workspace.history)
