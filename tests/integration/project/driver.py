"""Runs one scenario in a workspace and prints, as JSON, what the experiment says of its jobs.

python driver.py WORKDIR NAME SCENARIO [ARGUMENTS]
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from tasks import After, Eats, Ends, Gated, Judged, OnDevice, Raises, Record, Resumable, Stubborn, Uses

from experimaestro import RunMode, TransientMode, experiment, set_launcher
from experimaestro.launchers.direct import DirectLauncher
from experimaestro.tokens import CounterToken


def records(count):
    return [Record(x=x) for x in range(int(count))]


def unkept():
    Record(x=0).submit(backup=False)
    before = Record(x=1).submit(transient=TransientMode.REMOVE)
    After(x=2, before=before).submit()
    return []


def waits():
    Gated.C(x=0).submit().job.wait()
    return []


def unkept_gated():
    Gated(x=0).submit(backup=False)
    Record(x=1).submit(backup=False)
    return []


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


def token(name):
    """A token of the test: its folder beside the files that stand for its units."""
    folder = Path(os.environ["UNITS"]) / name
    return CounterToken(name, folder.parent.with_name("tokens") / name, len(list(folder.iterdir())), force=False)


def uses(first, count, *patterns):
    """Tasks that need units: `a1b2` is 1 of a and 2 of b; the patterns are used in turns."""
    tasks = []
    for x in range(int(first), int(first) + int(count)):
        pattern = patterns[x % len(patterns)]
        needs = {name: int(units) for name, units in zip(pattern[::2], pattern[1::2], strict=True)}
        task = Uses(x=x, needs=needs)
        for name, units in needs.items():
            token(name)(units, task)
        tasks.append(task)
    return tasks


def gated_uses(x, name, units):
    return [token(name)(int(units), Gated(x=int(x)))]


def devices(count, each):
    set_launcher(DirectLauncher(gpus=int(each)))
    return [OnDevice(x=x) for x in range(int(count))]


def gated_chain(count):
    tasks = [Gated(x=0).submit()]
    for x in range(1, int(count)):
        tasks.append(After(x=x, before=tasks[-1]).submit())
    return []


def resumable(stops, max_retries):
    Resumable.C(x=0, stops=int(stops)).submit(max_retries=int(max_retries))
    return []


def _stop_once_it_runs(task):
    task.submit()
    with open(Path(os.environ["RECORDS"]) / "started.fifo") as started:
        started.readline()
    task.job.kill()
    return []


def killed():
    return _stop_once_it_runs(Gated.C(x=0))


def stubborn():
    return _stop_once_it_runs(Stubborn.C(x=0))


def fail_fast(limit):
    experiment.current().run.fail_fast(int(limit))
    return [Raises(x=x) for x in range(4)]


def judged():
    return [Judged(x=0)]


def transient(mode, what):
    mode = TransientMode[mode]
    before = Record.C(x=0).submit(transient=mode)
    if what == "needed":
        After(x=1, before=before).submit()
    elif what == "failing":
        After(x=1, before=before).submit()
        Raises(x=1).submit()
    elif what == "twice":
        before.wait()
        Record.C(x=0).submit()
    return []


def removed_between(mode):
    """The inner experiment removes what the outer one needs again."""
    mode = TransientMode[mode]
    for x, name in ((1, "inner"), (2, "another")):
        with experiment(experiment.current().workspace.path, name):
            After(x=x, before=Record.C(x=0).submit(transient=mode)).submit()
    return []


def _until(state, tasks):
    while any(task.job.state.name != state for task in tasks):
        time.sleep(0.01)


def priorities():
    Gated.C(x=0).submit(priority=9)
    tasks = [Record.C(x=x).submit(priority=x) for x in (1, 2, 3)]
    _until("ready", tasks)
    return []


def _stop_the_server_under_a_job():
    gated = Gated.C(x=0).submit()
    _until("running", [gated])
    stat = Path(f"/proc/{gated.job._handle.pid}/stat").read_text()
    os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGSTOP)


def _join_group():
    """Put this process, and those that it starts, into the control group of the test."""
    (Path(os.environ["GROUP"]) / "cgroup.procs").write_text(str(os.getpid()))


def eats(megabytes, budget):
    _join_group()
    return [Eats.C(x=0, megabytes=int(megabytes), budget=int(budget)), Record.C(x=0)]


def crowd(count):
    """Once all that starts with the first job has started, there is room for so few more processes and threads."""
    _join_group()
    for x in range(int(count)):
        Record.C(x=x).submit()
        if x == 0:
            _until("done", [Record.C(x=0).submit()])
            group = Path(os.environ["GROUP"])
            room = int((group / "pids.current").read_text()) + int(os.environ["GROUP_LIMIT"])
            (group / "pids.max").write_text(str(room))
    return []


def servers_killed(count):
    """Whoever forked a job that runs is killed, as often as one is seen."""
    tasks = [Record.C(x=x).submit() for x in range(int(count))]
    while any(not task.job.state.finished() for task in tasks):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                is_server = b"experimaestro._run.forkserver" in path.read_bytes()
                if is_server and f"\nPPid:\t{os.getpid()}\n" in path.with_name("status").read_text():
                    os.kill(int(path.parent.name), signal.SIGKILL)
    return []


def stopped_server():
    """One job runs when the fork server stops; the next one is asked of it all the same."""
    _stop_the_server_under_a_job()
    Record.C(x=1).submit().wait()
    return []


def silent_server():
    """The fork server stops; it is asked nothing more, and the job that it forked ends."""
    _stop_the_server_under_a_job()
    return []


def exits_in_callback():
    """A callback leaves as a script would; the next ones are called all the same."""
    first = Record.C(x=0).submit()
    first.on_completed(lambda: sys.exit("not here"))
    first.on_completed(lambda: Record.C(x=1).submit())
    return []


def adopts():
    task = Gated.C(x=0).submit()
    _until("running", [task])
    return []


def raises_in_a_row(count):
    return [Raises(x=x) for x in range(int(count))]


FAIL_FAST = {"raises_in_a_row": 2}


def main():
    workdir, name, scenario, *arguments = sys.argv[1:]
    mode = (
        RunMode(arguments.pop(0).removeprefix("--mode=")) if arguments and arguments[0].startswith("--mode=") else None
    )
    detach = "--detach" in arguments
    arguments = [argument for argument in arguments if argument != "--detach"]
    with experiment(workdir, name, run_mode=mode, detach=detach, fail_fast=FAIL_FAST.get(scenario, False)) as xp:
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
            "retry_count": job.retry_count,
            "error": job.error,
        }
        for job in xp.jobs.values()
    }
    print(json.dumps({"failed": xp.failed, "jobs": jobs}))


if __name__ == "__main__":
    main()
