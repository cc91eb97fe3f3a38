"""Dry runs: what submitting costs in the caller's process, independent tasks and layers of tasks, small and large."""

from __future__ import annotations

import os
import statistics
import tempfile
import time

import tasks
from harness import OLDER, OPTIONS, QUICK, WHO, emit

from experimaestro import RunMode, experiment

# The older package walks every ancestor of every task again: its larger sizes do not end.
SIZES = (
    {"independent": (100, 500), "layered": (20, 40)} if OLDER else {"independent": (100, 5000), "layered": (100, 5000)}
)
SUBMIT = {"independent": tasks.submit_independent, "layered": tasks.submit_layers}


def dry_run(shape: str, count: int) -> float:
    """Return the CPU seconds per task of a dry run."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        with experiment(folder, "bench", run_mode=RunMode.DRY_RUN, **OPTIONS):
            SUBMIT[shape](count)
        return (time.process_time() - start) / count


if __name__ == "__main__":
    # What a dry run prints goes nowhere, for both packages.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for shape, sizes in SIZES.items():
        dry_run(shape, 10)
        for count in sizes:
            rounds = 1 if OLDER and shape == "layered" else 2 if QUICK else 5
            emit(
                f"submission: {count:,} {shape} tasks, each",
                WHO,
                statistics.median(dry_run(shape, count) for _ in range(rounds)),
            )
