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
    dependencies = job.dependencies
    lines.extend(f"   depends on {other.task_id}/{other.identifier}" for other in dependencies)
    if not dependencies:
        lines.append("   no dependencies")
    print("\n".join(lines), end="\n\n", file=sys.stderr)


def _coloured() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
