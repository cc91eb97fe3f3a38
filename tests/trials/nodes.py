"""The tasks of the trials: each execution is written down outside of the workspace, and can be checked from there."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from experimaestro import Meta, Param, PathGenerator, Task, field


class Node(Task):
    """Needs the outputs of its parents, and writes its own."""

    x: Param[int]
    parents: Param[list[Node]] = field(default_factory=list)
    milliseconds: Meta[int] = 0
    out: Meta[Path] = field(default_factory=PathGenerator("out.txt"))

    def execute(self) -> None:
        """Leave a line at the start and one at the end; say so when something is wrong."""
        record = Path(os.environ["RECORDS"]) / f"{self.x}"
        with open(record, "a", buffering=1) as file, open(record.with_suffix(".lock"), "w") as lock:
            try:
                # Given up by the system at the very end of a process, before anybody sees it end.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.write("overlap\n")
            if Path("node.done").exists():
                file.write("after-done\n")
            if not all(parent.out.exists() for parent in self.parents):
                file.write("too-early\n")
            file.write(f"start {os.getpid()}\n")
            time.sleep(self.milliseconds / 1000)
            self.out.write_text(f"{self.x} after {[parent.out.read_text() for parent in self.parents]}")
            file.write("end\n")
