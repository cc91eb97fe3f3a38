"""What a simulated submission prints: would this job run?

Floor: `_run`. A few lines per task on stderr, whatever the number of its ancestors.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experimaestro._run.job import Job

__all__ = ["announce"]

_LABELS = {
    "done": ("[done]", "32"),
    "error": ("[failed]", "31"),
    "running": ("[running]", "33"),
    "scheduled": ("[running]", "33"),
}
_NOT_RUN = ("[not run]", "36")


def announce(job: Job) -> None:
    """Print what would become of a job, where it would run, and what it would wait for."""
    label, colour = _LABELS.get(job.state.name, _NOT_RUN)
    coloured = _coloured()
    if coloured:
        label = f"\033[{colour}m{label}\033[0m"
    tags = ", ".join(f"{name}={value}" for name, value in job.tags.items())
    suffix = f" ({tags})" if tags else ""
    lines = [f"{label} Simulating {job.task_id}/{job.identifier}{suffix}", f"   launcher: {job.launcher}"]
    lines.extend(_copies(job))
    dependencies = job.dependencies
    lines.extend(f"   depends on {other.task_id}/{other.identifier}" for other in dependencies)
    if not dependencies:
        lines.append("   no dependencies")
    print("\n".join(lines), end="\n\n", file=sys.stderr)


def _copies(job: Job) -> list[str]:
    """Where a job that the workspace does not have would be found."""
    folders = job.workspace.folders
    if not folders or job.donepath.exists():
        return []
    from experimaestro._run.folders import find_copy

    found = find_copy(job.path, folders)
    return [] if found is None else [f"   a copy is in {found[1]} ({found[0].mode.value}): it would not run"]


def _coloured() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
