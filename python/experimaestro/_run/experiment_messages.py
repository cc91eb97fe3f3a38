"""What an experiment tells people: what failed, what goes on, how to come back.

Floor: `_run`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from experimaestro.taskglobals import Env

if TYPE_CHECKING:
    from experimaestro._run.experiment import experiment

__all__ = [
    "check_not_loading_a_job",
    "tell_failures",
    "tell_how_to_come_back",
    "tell_successor",
    "tell_unrecorded",
    "tell_waiting",
]


def check_not_loading_a_job(name: str) -> None:
    """Refuse an experiment that begins because a job imports the script that begins it: each job would start others.

    Raises:
        RuntimeError: this is such a job.
    """
    if Env.loading:
        raise RuntimeError(
            f"the experiment {name} begins while a job imports this file to find its task: put what begins it under "
            '`if __name__ == "__main__":`'
        )


def tell_waiting(name: str, holder: str) -> None:
    """Say that another process runs the experiment."""
    print(
        f"experimaestro: the experiment {name} is being run by another process (on {holder}): waiting for it",
        file=sys.stderr,
    )


def tell_failures(xp: experiment) -> None:
    """Log one line for each job that failed, and how many there are."""
    import logging

    logger = logging.getLogger("xpm")
    failed = list(xp.failedJobs.values())
    direct = [job for job in failed if job._handle is not None and job._handle.reason != "DEPENDENCY"]
    for job in direct:
        reason = job.state.failure_reason
        logger.error("%s/%s: %s: %s (log: %s)", job.task_id, job.identifier, reason.name if reason else "FAILED",
                     job.message or "no message", job.stderr)  # fmt: skip
    skipped = len(failed) - len(direct)
    more = f", and {skipped} not run because they depend on them" if skipped else ""
    logger.error("%s: %d of %d jobs failed%s", xp.name, len(direct), len(xp.jobs), more)


def tell_how_to_come_back(xp: experiment) -> None:
    """Say what goes on after the experiment was interrupted, and how to take it up again."""
    if xp.run is None:
        return
    import shlex

    counts = xp.run.counts()
    running = counts.get("running", 0) + counts.get("scheduled", 0)
    pending = xp.unfinishedJobs - running
    goes_on = "1 job goes on running" if running == 1 else f"{running} jobs go on running"
    not_started = "1 was not started" if pending == 1 else f"{pending} were not started"
    lines = [f"\nexperimaestro: {xp.name} is left: {goes_on}, {not_started}"]
    if running or pending:
        lines.append(f"  come back:   {shlex.join(sys.orig_argv)}")
        lines.append("               (the same command re-attaches to what runs, and starts the rest)")
    followed = [job for job in xp.jobs.values() if job.state.running()][:3]
    lines.extend(f"  follow:      tail -f {shlex.quote(str(job.stderr))}" for job in followed)
    print("\n".join(lines), file=sys.stderr)


def tell_successor(xp: experiment, process: int) -> None:
    """Say which process goes on with the experiment."""
    from experimaestro._run.detaching import LOG

    print(
        f"experimaestro: {xp.name} goes on in process {process} (what it says: {xp.workdir}/{LOG})",
        file=sys.stderr,
    )


def tell_unrecorded(xp: experiment, error: Exception) -> None:
    """Say that how the run ended could not be written down, and what to do."""
    import shlex

    done, total = xp.finished_jobs, len(xp.jobs)
    again = ["xpm", "resume", "--workdir", xp.workspace.path_text, xp.name]
    print(
        f"experimaestro: how {xp.name} ended could not be recorded: {error}\n"
        f"  The jobs are not affected ({done} of {total} are done). Make room, then record it with\n"
        f"  {shlex.join(again)}",
        file=sys.stderr,
    )
