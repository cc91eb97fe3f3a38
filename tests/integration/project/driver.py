"""Runs one scenario in a workspace and prints, as JSON, what the experiment says of its jobs.

python driver.py WORKDIR NAME SCENARIO [ARGUMENTS]
"""

from __future__ import annotations

import json
import sys

from tasks import After, Ends, Gated, Raises, Record

from experimaestro import RunMode, experiment


def records(count):
    return [Record(x=x) for x in range(int(count))]


def chain(count):
    tasks = [Record(x=0).submit()]
    for x in range(1, int(count)):
        tasks.append(After(x=x, before=tasks[-1]).submit())
    return []


def failure():
    """One task fails; one waits for it, one waits for that one, and one goes on."""
    raises = Raises(x=1).submit()
    skipped = After(x=1, before=raises).submit()
    return [After(x=2, before=skipped), Record(x=1)]


def ends(*ways):
    return [Ends(how=way) for way in ways]


def gated(count):
    return [Gated(x=x) for x in range(int(count))]


def main():
    workdir, name, scenario, *arguments = sys.argv[1:]
    mode = (
        RunMode(arguments.pop(0).removeprefix("--mode=")) if arguments and arguments[0].startswith("--mode=") else None
    )
    with experiment(workdir, name, run_mode=mode) as xp:
        xp.setenv("FOR_TASKS", "set by the experiment")
        for task in globals()[scenario](*arguments):
            task.submit()
        print("submitted", flush=True)
    jobs = {
        f"{job.task_id}/{job.identifier}": {
            "state": job.state.name,
            "reason": job.state.failure_reason.name if job.state.failure_reason else None,
            "message": job.message,
            "path": str(job.path),
            "exit_code": job.exit_code,
        }
        for job in xp.jobs.values()
    }
    print(json.dumps({"failed": xp.failed, "jobs": jobs}))


if __name__ == "__main__":
    main()
