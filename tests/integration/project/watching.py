"""Drivers whose tasks announce outputs, or must be prepared; prints what they were told, as JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from tasks import record

from experimaestro import Config, Param, Prepare, ResumableTask, RunMode, Task, experiment


class Checkpoint(Config):
    step: Param[int]


class Model(Config):
    x: Param[int]

    def checkpoint(self, dep, *, step):
        return dep(Checkpoint(step=step))


class Learn(ResumableTask):
    model: Param[Model]
    steps: Param[int]
    gated: Param[bool] = False

    def execute(self):
        record("learn", self.model.x)
        folder = Path(os.environ["RECORDS"])
        for step in range(self.steps):
            self.model.register_task_output(self.model.checkpoint, step=step)
        if self.gated:
            with open(folder / "started.fifo", "w") as started:
                started.write(f"{os.getpid()}\n")
            with open(folder / "gate.fifo", "rb", buffering=0) as gate:
                gate.read(1)


class Validate(Task):
    checkpoint: Param[Checkpoint]

    def execute(self):
        record("validate", self.checkpoint.step)


class Corpus(Prepare):
    name: Param[str]

    def prepare(self):
        record(f"prepare-{threading.current_thread().name}", 0)
        record(self.name, os.getpid())


class Reads(Task):
    x: Param[int]
    corpus: Param[Corpus]

    def execute(self):
        record("reads", self.x)


TOLD: dict[str, list[int]] = {}
THREADS: set[str] = set()


def tell(name):
    def callback(checkpoint):
        THREADS.add(threading.current_thread().name)
        TOLD.setdefault(name, []).append(checkpoint.step)

    return callback


def learner(x, steps, **options):
    return Learn(model=Model(x=int(x)), steps=int(steps), **options)


def before(xp, steps):
    task = learner(0, steps)
    task.watch_output(task.model.checkpoint, tell("before"))
    task.submit()


def late(xp, steps):
    task = learner(0, steps)
    task.submit()
    task.wait()
    task.watch_output(task.model.checkpoint, tell("first"))
    task.watch_output(task.model.checkpoint, tell("second"))


def failing_callback(xp, steps):
    def fails(checkpoint):
        raise ValueError(f"step {checkpoint.step}")

    task = learner(0, steps)
    task.watch_output(task.model.checkpoint, fails)
    task.watch_output(task.model.checkpoint, tell("other"))
    task.submit()


def exiting_callback(xp, steps):
    task = learner(0, steps)
    task.watch_output(task.model.checkpoint, lambda checkpoint: sys.exit(f"step {checkpoint.step}"))
    task.watch_output(task.model.checkpoint, tell("other"))
    task.submit()


def validations(xp, steps):
    task = learner(0, steps, gated=True)
    task.watch_output(task.model.checkpoint, lambda checkpoint: Validate(checkpoint=checkpoint).submit())
    task.submit()


class Index(Prepare):
    """Knows whether it is there."""

    name: Param[str]

    def is_prepared(self):
        return (Path(os.environ["RECORDS"]) / f"index-{self.name}-0").exists()

    def prepare(self):
        record(f"index-{self.name}", 0)


class Searches(Task):
    index: Param[Index]

    def execute(self):
        if not self.index.is_prepared():
            raise AssertionError("the job began before the index was there")
        record("searches", 0)


def prepared_by_a_job(xp):
    index = Index(name="a")
    before = str(index.__identifier__())
    TOLD["itself"] = [int(index.submit() is index), int(str(index.__identifier__()) == before)]
    Searches(index=index).submit()


def prepared(xp, *names):
    for x, name in enumerate(names):
        Reads(x=x, corpus=Corpus(name=name)).submit()


def main():
    workdir, name, scenario, *arguments = sys.argv[1:]
    mode = RunMode(os.environ.get("MODE", "normal"))
    runs = int(os.environ.get("RUNS", "1"))
    for _ in range(runs):
        with experiment(workdir, name, run_mode=mode) as xp:
            globals()[scenario](xp, *arguments)
            print("submitted", flush=True)
        TOLD.setdefault("queue", []).append(xp.taskOutputQueueSize)
    jobs = {
        f"{job.task_id}/{job.identifier}": {"state": job.state.name, "path": str(job.path)} for job in xp.jobs.values()
    }
    print(json.dumps({"told": TOLD, "threads": sorted(THREADS), "jobs": jobs}))


if __name__ == "__main__":
    main()
