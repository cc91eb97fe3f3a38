"""The tasks of the trials: each execution is written down outside of the workspace, and can be checked from there."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from experimaestro import GracefulTimeout, Meta, Param, PathGenerator, ResumableTask, field


def lock(stack: ExitStack, path: Path) -> bool:
    """Lock a file until the stack is closed, or the system gives it up at the very end of the process."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    stack.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Node(ResumableTask):
    """Needs the outputs of its parents, and writes its own, after its time was over so often."""

    x: Param[int]
    parents: Param[list[Node]] = field(default_factory=list)
    milliseconds: Meta[int] = 0
    timeouts: Meta[int] = 0
    units: Meta[int] = 0
    """Units of the token that it needs."""
    capacity: Meta[int] = 0
    """Units of the token that there are."""
    out: Meta[Path] = field(default_factory=PathGenerator("out.txt"))

    def execute(self) -> None:
        """Leave a line at the start and one at the end; say so when something is wrong."""
        record = Path(os.environ["RECORDS"]) / f"{self.x}"
        with ExitStack() as stack:
            file = stack.enter_context(open(record, "a", buffering=1))
            if not lock(stack, record.with_suffix(".lock")):
                file.write("overlap\n")
            if Path("node.done").exists():
                file.write("after-done\n")
            if not all(parent.out.exists() for parent in self.parents):
                file.write("too-early\n")
            file.write(f"start {os.getpid()}\n")
            self.use_units(stack, file)
            time.sleep(self.milliseconds / 1000)
            self.stop_if_time_is_over(file)
            self.out.write_text(f"{self.x} after {[parent.out.read_text() for parent in self.parents]}")
            file.write("end\n")

    def use_units(self, stack: ExitStack, file: TextIO) -> None:
        """Lock as many of the files that stand for units, of which there must be enough."""
        if not self.units:
            return
        folder = Path(os.environ["RECORDS"])
        with open(folder / "token.gate", "w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            mine = 0
            for unit in range(self.capacity):
                mine += mine < self.units and lock(stack, folder / f"token.{unit}")
        if mine < self.units:
            file.write("units-too-many\n")

    def stop_if_time_is_over(self, file: TextIO) -> None:
        """Count executions that came so far, in the folder that the next one finds."""
        count = Path("count.txt")
        before = int(count.read_text()) if count.exists() else 0
        if before < self.timeouts:
            file.write(f"interrupted {os.getpid()}\n")
            new = count.with_suffix(".new")
            new.write_text(str(before + 1))
            new.replace(count)
            raise GracefulTimeout("no time left")
