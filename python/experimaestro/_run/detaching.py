"""Leaving an experiment to a process of its own, which goes on with it as `xpm resume` does.

Floor: `_run`. All that the successor needs is in the workspace: nothing is handed over in memory.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experimaestro._run.settings import get_workspace

if TYPE_CHECKING:
    from experimaestro._run.job import Job
    from experimaestro._run.settings import WorkspaceSettings
    from experimaestro._run.states import JobState

__all__ = ["LOG", "PREDECESSOR", "start_successor", "wait_for_successors"]

_LOOK_SECONDS = 0.2

PREDECESSOR = "XPM_PREDECESSOR"
"""Variable with the process that started the successor: jobs that it runs are taken over when it is gone."""

LOG = "driver.log"
"""What the successor says, in the folder of the run."""


def start_successor(workspace: WorkspaceSettings, experiment: str, run: Path) -> int:
    """Start a process that goes on with a run, in a session of its own.

    Args:
        workspace: its settings. Those of the file are read again; what a programme made of its own is not known there.
        experiment: name of the experiment.
        run: folder of the run.

    Returns:
        The process.
    """
    import subprocess
    import threading

    command = [sys.executable, "-m", "experimaestro.cli", "resume", "--workdir", str(workspace.path), "--run", run.name]
    if workspace.id and get_workspace(workspace.id) is not None:
        command += ["--workspace", workspace.id]
    with (run / LOG).open("ab") as log:
        process = subprocess.Popen(
            [*command, experiment],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=workspace.path,
            env={**os.environ, PREDECESSOR: str(os.getpid())},
        )
    # It may outlive this process; where it does not (a notebook), it must not stay as a zombie.
    threading.Thread(target=process.wait, name="experimaestro-successor", daemon=True).start()
    return process.pid


def wait_for_successors(job: Job) -> JobState:
    """Wait until a job of experiments that were left has ended, by what its folder says.

    Raises:
        RuntimeError: the job has not ended, and no process that this one has left it to lives.
    """
    import time

    while True:
        # Asked first: a successor may end the job, and then itself.
        is_driven = any(_lives(owner.successor) for owner in job.experiments)
        state = job.state
        if state.finished():
            return state
        if not is_driven:
            name = job.experiments[-1].name if job.experiments else "its experiment"
            raise RuntimeError(
                f"{job.task_id}/{job.identifier}: {name} was left before this job ended, and nothing drives it now; "
                f"submit it again, or go on with `xpm resume {name}`"
            )
        time.sleep(_LOOK_SECONDS)


def _lives(process: int | None) -> bool:
    if process is None:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
