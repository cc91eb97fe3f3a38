"""What issue-sized experiments cost: planning, driving, waiting. Each case is a driver process of its own.

python benches/scale.py                     every case, at sizes for a coffee
python benches/scale.py plan 100000         seconds to plan a layered graph (DRY_RUN)
python benches/scale.py layers 10000        a real run: CPU of the driver for each task, its memory
python benches/scale.py latency 50          from the end of a job to the start of its dependent, same driver
python benches/scale.py other 20            the same where another driver runs the first job
python benches/scale.py idle 20             CPU of a driver that waits for a job so many seconds
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tasks

from experimaestro import Param, RunMode, Task, experiment

EVERY = (
    *(("plan", size) for size in (1_000, 10_000, 100_000)),
    *(("layers", size) for size in (100, 1_000)),
    ("independent", 1_000),
    ("latency", 50),
    ("other", 20),
    ("idle", 20),
)
SELF = resource.RUSAGE_SELF


class Sleep(Task):
    """Sleeps."""

    index: Param[int]
    milliseconds: Param[int]

    def execute(self) -> None:
        """Sleep."""
        time.sleep(self.milliseconds / 1000)


class After(Task):
    """Needs another one."""

    before: Param[Task]

    def execute(self) -> None:
        """Do nothing."""


def cpu() -> float:
    """CPU seconds of this process, all threads, without its children."""
    used = resource.getrusage(SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    """Megabytes of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def plan(workdir: str, count: int) -> None:
    """Plan, and run nothing."""
    start, used = time.perf_counter(), cpu()
    with experiment(workdir, "bench", run_mode=RunMode.DRY_RUN):
        tasks.submit_layers(count)
    report("plan", count, seconds=time.perf_counter() - start, cpu_seconds=cpu() - used)


def layers(workdir: str, count: int) -> None:
    """Run layers of ten no-op tasks."""
    with experiment(workdir, "bench") as xp:
        tasks.Independent.C(index=-1).submit()
        xp.wait()
        idle, used, start = memory(), cpu(), time.perf_counter()
        tasks.submit_layers(count)
        submitted, submitted_at = cpu() - used, time.perf_counter() - start
        xp.wait()
        if xp.failedJobs:
            raise RuntimeError(f"{len(xp.failedJobs)} tasks failed: the measure is void")
        elapsed = time.perf_counter() - start
        largest = max(path.stat().st_size for path in Path(workdir).glob("jobs/*/*/params.json"))
        report(
            "layers",
            count,
            largest_params_kb=largest / 1000,
            cpu_ms_per_task=(cpu() - used) / count * 1000,
            of_which_until_submitted=submitted / count * 1000,
            megabytes_over_idle=memory() - idle,
            submit_seconds=submitted_at,
            tasks_per_second=count / elapsed,
        )


def independent(workdir: str, count: int) -> None:
    """Run no-op tasks without parents: what is left of `layers` when params.json holds no ancestors."""
    with experiment(workdir, "bench") as xp:
        tasks.Independent.C(index=-1).submit()
        xp.wait()
        used = cpu()
        tasks.submit_independent(count)
        xp.wait()
        largest = max(path.stat().st_size for path in Path(workdir).glob("jobs/*/*/params.json"))
        report("independent", count, cpu_ms_per_task=(cpu() - used) / count * 1000, largest_params_kb=largest / 1000)


def record(workdir: str, kind: str, file: str) -> list[dict]:
    """The records of the first attempts of a kind of task, in the order of their times."""
    found = Path(workdir).glob(f"jobs/*.{kind}/*/.experimaestro/00001.{file}")
    return sorted((json.loads(path.read_text()) for path in found), key=lambda record: record["time"])


def latency(workdir: str, count: int) -> None:
    """A chain: each job starts when the one before has ended."""
    with experiment(workdir, "bench") as xp:
        tasks.submit_chain(count)
        xp.wait()
    ends = [end["time"] for end in record(workdir, "layered", "end")]
    starts = [run["time"] for run in record(workdir, "layered", "run")]
    waits = [start - end for end, start in zip(ends, starts[1:], strict=False)]
    report("latency", count, median_ms=statistics.median(waits) * 1000, worst_ms=max(waits) * 1000)


def other(workdir: str, count: int) -> None:
    """One driver runs jobs that end one after the other; another has jobs that need them."""
    slots = {**os.environ, "XPM_SLOTS": str(count)}
    running = subprocess.Popen([sys.executable, __file__, "--first", workdir, str(count)], env=slots)
    while len(list(Path(workdir).glob("jobs/*.sleep/*/.experimaestro/00001.run"))) < count:
        time.sleep(0.01)
    os.environ["XPM_SLOTS"] = str(count)
    with experiment(workdir, "second") as xp:
        befores = sleeps(count)
        afters = [After.C(before=before).submit() for before in befores]
        xp.wait()
        pairs = [
            (before.__xpm__.job.path, after.__xpm__.job.path) for before, after in zip(befores, afters, strict=True)
        ]
    running.wait()

    def moment(folder: Path, file: str) -> float:
        return float(json.loads((folder / ".experimaestro" / f"00001.{file}").read_text())["time"])

    waits = [moment(after, "run") - moment(before, "end") for before, after in pairs]
    report("other", count, median_ms=statistics.median(waits) * 1000, worst_ms=max(waits) * 1000)


def sleeps(count: int) -> list[Task]:
    """Jobs that end 100 ms after each other."""
    return [Sleep.C(index=index, milliseconds=3000 + 100 * index).submit() for index in range(count)]


def first(workdir: str, count: int) -> None:
    """The driver that the other one waits for."""
    with experiment(workdir, "first") as xp:
        sleeps(count)
        xp.wait()


def idle(workdir: str, seconds: int) -> None:
    """Wait for a long job."""
    with experiment(workdir, "bench") as xp:
        Sleep.C(index=0, milliseconds=1000 * seconds + 1000).submit()
        time.sleep(1)
        used, start = cpu(), time.perf_counter()
        xp.wait()
        report("idle", seconds, percent_of_a_core=(cpu() - used) / (time.perf_counter() - start) * 100)


def report(case: str, count: int, **measures: float) -> None:
    """One JSON line."""
    print(
        json.dumps({"case": case, "count": count} | {name: round(value, 3) for name, value in measures.items()}),
        flush=True,
    )


def main(arguments: list[str]) -> None:
    """The command line."""
    if arguments[:1] == ["--case"]:
        globals()[arguments[1]](arguments[2], int(arguments[3]))
    elif arguments[:1] == ["--first"]:
        first(arguments[1], int(arguments[2]))
    else:
        cases = [(arguments[0], int(arguments[1]))] if arguments else list(EVERY)
        os.environ.setdefault("PYTHONPATH", str(Path(__file__).parent))
        for case, count in cases:
            with tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, __file__, "--case", case, folder, str(count)], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
