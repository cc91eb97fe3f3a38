"""Tasks that share a folder."""

from __future__ import annotations

from pathlib import Path

from experimaestro import Config, Meta, Param, PathGenerator, Task, field, param_group, partial

ITERATIONS = param_group("iterations")


class Learn(Task):
    __xpmid__ = "partial.learn"
    lr: Param[float]
    epochs: Param[int] = field(groups=[ITERATIONS])
    checkpoints = partial(exclude_groups=[ITERATIONS])
    log: Meta[Path] = field(default_factory=PathGenerator("log.txt", partial=checkpoints))

    def execute(self) -> None:
        # Fails when another job has it open.
        self.log.parent.mkdir(parents=True, exist_ok=True)
        busy = self.log.with_name("busy")
        busy.touch(exist_ok=False)
        with self.log.open("a") as log:
            log.write(f"{self.epochs}\n")
        busy.unlink()


class Fine(Learn):
    """The partial, and its folder, are inherited."""

    __xpmid__ = "partial.fine"


class Whole(Config):
    __xpmid__ = "partial.learn"
    lr: Param[float]
