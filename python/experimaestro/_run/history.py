"""Which past runs of an experiment are kept.

Floor: `_run`. Only folders of runs are removed, never jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experimaestro._run.run_folders import newest_first, read_status, remove_run
from experimaestro._run.run_tags import tags_of_runs

if TYPE_CHECKING:
    from pathlib import Path

    from experimaestro._run.settings import HistorySettings

__all__ = ["cleanup_experiment_history", "forget_old_runs"]

_SUCCESSES = ("completed", "done")
_FAILURES = ("failed",)


def cleanup_experiment_history(
    base: Path, *, current_run_id: str, current_status: str, history: HistorySettings
) -> list[Path]:
    """Remove runs that are not worth keeping.

    A success makes all failures before it uninteresting. Of what is left, the newest ones are kept, as many as the
    settings say. The current run is neither removed nor counted; runs that were left (`detached`), that may still be
    going on, or that have a tag stay.

    Args:
        base: folder of the experiment.
        current_run_id: name of the run that ends.
        current_status: how it ends.
        history: how many to keep.

    Returns:
        The folders that were removed.
    """
    tagged = tags_of_runs(base)
    successes: list[Path] = []
    failures: list[Path] = []
    removed: list[Path] = []
    for run in newest_first(base):
        if run.name == current_run_id or run.name in tagged:
            continue
        status = read_status(run).get("status")
        if status in _SUCCESSES:
            successes.append(run)
        elif status in _FAILURES:
            if current_status in _SUCCESSES or successes:
                removed.append(run)
            else:
                failures.append(run)
    removed.extend(successes[history.max_done :])
    removed.extend(failures[history.max_failed :])
    for run in removed:
        remove_run(run)
    return removed


def forget_old_runs(base: Path, run_id: str, status: str, history: HistorySettings) -> None:
    """Clean up when a run ends, while its driver still holds the experiment; what goes wrong is only told.

    Args:
        base: folder of the experiment.
        run_id: name of the run that ends.
        status: how it ends.
        history: how many to keep.
    """
    from experimaestro._core import LoadError

    try:
        cleanup_experiment_history(base, current_run_id=run_id, current_status=status, history=history)
    except (OSError, LoadError) as error:
        # Old runs are in nobody's way: the result of this one counts.
        import sys

        print(f"experimaestro: old runs of {base.name} could not be removed: {error}", file=sys.stderr)
