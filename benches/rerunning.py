"""Running an experiment again when every task is done: each time in a new process, as a user would."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tasks
from harness import OLDER, OPTIONS, QUICK, WHO, emit

from experimaestro import experiment

SIZES = (200,) if OLDER else (100, 500) if QUICK else (1000, 5000)


def run_once(workspace: str, count: int) -> float:
    """Run the experiment in this process; return the wall-clock seconds per task."""
    start = time.perf_counter()
    with experiment(workspace, "bench", **OPTIONS) as xp:
        tasks.submit_independent(count)
        xp.wait()
        if xp.failedJobs:
            raise RuntimeError(f"{len(xp.failedJobs)} tasks failed: the measure is void")
    return (time.perf_counter() - start) / count


def run_in_new_process(workspace: str, count: int) -> float:
    """Run this script for one experiment."""
    command = [sys.executable, __file__, "--once", workspace, str(count)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parent))
    if sys.argv[1:2] == ["--once"]:
        print(run_once(sys.argv[2], int(sys.argv[3])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            for size in SIZES:
                run_in_new_process(folder, size)
                rounds = [run_in_new_process(folder, size) for _ in range(2 if QUICK else 5)]
                emit(f"running again: {size:,} finished tasks, each", WHO, statistics.median(rounds))
