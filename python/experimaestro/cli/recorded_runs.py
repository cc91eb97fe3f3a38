"""Which runs a command about services or actions is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experimaestro._core import list_runs
from experimaestro.cli.history import find_run, runs_of
from experimaestro.cli.outcome import CommandError

if TYPE_CHECKING:
    from experimaestro._core import RunRow


def chosen_runs(root: Path, experiment: str | None, run_id: str | None) -> list[tuple[RunRow, Path]]:
    """The runs that were named, with their folders: the current one of each experiment by default.

    :raises CommandError: when there is no such experiment or run
    """
    if run_id is not None and experiment is None:
        raise CommandError("--run needs the name of an experiment: runs are named within one")
    rows = list_runs(str(root)) if experiment is None else runs_of(root, experiment)
    wanted = None if run_id is None else find_run(rows, run_id)
    chosen = [row for row in rows if (row["current"] if wanted is None else row["run_id"] == wanted)]
    return [(row, root / "experiments" / row["experiment"] / row["run_id"]) for row in chosen]
