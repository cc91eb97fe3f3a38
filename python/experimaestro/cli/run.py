"""`xpm run`: execute a task here and now, from its params.json."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from experimaestro.cli.outcome import FAILURE, CommandError


@click.command(short_help="Execute a task here and now, from its params.json.")
@click.argument("params", type=click.Path(path_type=Path))
def run(params: Path) -> int:
    """Execute the task of PARAMS (a params.json, or the folder of a job) in this process, to debug it.

    Nothing is recorded: no claim is taken, no marker is written, and the current folder stays. Files that the task
    writes by relative paths land there; those that it generates (PathGenerator) are those of the job.

    Exit code: 0 when the task ends well, 1 with its traceback otherwise.
    """
    folder = params if params.is_dir() else params.parent
    if not (folder / "params.json").is_file():
        raise CommandError(f"{folder / 'params.json'}: there is no such file; give the folder of a job")
    from experimaestro._config.lifecycle import load_task
    from experimaestro._run.failure import print_traceback
    from experimaestro.taskglobals import Env

    folder = folder.absolute()
    sys.path.insert(0, os.getcwd())
    Env.wspath, Env.taskpath = folder.parents[2], folder
    try:
        task = load_task(folder)
        Env.current_task = task
        task.execute()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else FAILURE
    except Exception as error:  # noqa: BLE001 - the user's code
        print_traceback(error)
        return FAILURE
    return 0
