"""Leaving an experiment to a process of its own, which goes on with it as `xpm resume` does.

Floor: `_run`. All that the successor needs is in the workspace: nothing is handed over in memory.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["LOG", "PREDECESSOR", "start_successor"]

PREDECESSOR = "XPM_PREDECESSOR"
"""Variable with the process that started the successor: jobs that it runs are taken over when it is gone."""

LOG = "driver.log"
"""What the successor says, in the folder of the run."""


def start_successor(workspace: Path, experiment: str, run: Path) -> int:
    """Start a process that goes on with a run, in a session of its own.

    Args:
        workspace: folder of the workspace.
        experiment: name of the experiment.
        run: folder of the run.

    Returns:
        The process.
    """
    import subprocess

    command = [sys.executable, "-m", "experimaestro.cli", "resume", "--workdir", str(workspace), "--run", run.name]
    with (run / LOG).open("ab") as log:
        process = subprocess.Popen(
            [*command, experiment],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=workspace,
            env={**os.environ, PREDECESSOR: str(os.getpid())},
        )
    # Nobody waits for it: it outlives this process.
    process.returncode = 0
    return process.pid
