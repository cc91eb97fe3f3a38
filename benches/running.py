"""Tasks that do nothing, from submission to the end, beside bare processes started two at a time, and beside forks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import tasks
from harness import OLDER, OPTIONS, QUICK, WHO, compare_wall

from experimaestro import experiment

TASKS = 50 if QUICK else 200
CHAIN = 20


NUMBERS = count()


def run_experiment(folder: str, submit: Callable[[], None]) -> None:
    """Run an experiment in a new workspace.

    Workspaces are removed when all is measured: nobody removes one to run the next, and ext4 looks long for room for
    files where others were just removed.
    """
    with experiment(Path(folder, str(next(NUMBERS))), "bench", **OPTIONS) as xp:
        submit()
        xp.wait()
        if xp.failedJobs:
            raise RuntimeError(f"{len(xp.failedJobs)} tasks failed: the measure is void")


def bare_processes(count: int) -> None:
    """Start bare interpreters, two at a time."""
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(count):
        if len(running) == 2:
            running.pop(0).wait()
        running.append(subprocess.Popen([sys.executable, "-c", "pass"]))
    for process in running:
        process.wait()


def forks(count: int) -> None:
    """Fork children that exit at once, two at a time."""
    running: list[int] = []
    for _ in range(count):
        if len(running) == 2:
            os.waitpid(running.pop(0), 0)
        child = os.fork()
        if child == 0:
            os._exit(0)
        running.append(child)
    for child in running:
        os.waitpid(child, 0)


def measure(folder: str) -> None:
    """Measure everything, in workspaces below a folder."""
    if not OLDER:
        # Before anything of ours has started threads or helpers in this process.
        floors = {"forks": partial(forks, TASKS)}
        compare_wall(f"running: {TASKS} tasks that do nothing", floors, rounds=5)
    peers = {} if OLDER else {"bare python": partial(bare_processes, TASKS)}
    ours = {WHO: partial(run_experiment, folder, partial(tasks.submit_independent, TASKS))}
    compare_wall(f"running: {TASKS} tasks that do nothing", ours | peers, rounds=1 if OLDER else 7)

    chain = f"running: chain of {CHAIN}, per hop"
    hops = {WHO: partial(run_experiment, folder, partial(tasks.submit_chain, CHAIN))}
    compare_wall(chain, hops, rounds=1 if OLDER else 7, divide_by=CHAIN)
    if not OLDER:
        compare_wall(chain, {"bare python": partial(bare_processes, 1)}, rounds=31)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as workspaces:
        measure(workspaces)
