"""A small experiment on disk, run through the real command in processes of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TASKS = '''
import os
import sys
from pathlib import Path

from experimaestro import Meta, Param, PathGenerator, Task, field, progress


class Work(Task):
    """Appends a line to $EXECUTED when it is executed; some values of x go wrong, or wait."""

    x: Param[int]
    out: Meta[Path] = field(default_factory=PathGenerator("out.txt"))

    def execute(self):
        with open(os.environ["EXECUTED"], "a") as file:
            file.write(f"{self.x}\\n")
        print(f"working on {self.x}", flush=True)
        print("a warning", file=sys.stderr, flush=True)
        progress(0.5, desc="half")
        if self.x < 0:
            raise ValueError(f"{self.x} is negative")
        if self.x >= 100:
            # Blocks until somebody opens the other end.
            with open(os.environ["GATE"]) as gate:
                print(f"gate: {gate.read()}", flush=True)
        self.out.write_text(str(self.x))


class Use(Task):
    work: Param[Work]

    def execute(self):
        print("using", self.work.out.read_text())
'''

EXPERIMENT = """
from experimaestro import tag
from experimaestro.experiments import ConfigurationBase, ExperimentHelper, configuration

from tasks import Use, Work


@configuration
class Configuration(ConfigurationBase):
    xs: list[int]
    use: bool = True


def run(helper: ExperimentHelper, cfg: Configuration):
    for x in cfg.xs:
        work = Work.C(x=tag(x)).submit()
        if cfg.use:
            Use.C(work=work).submit()
    helper.xp.wait()
    print("jobs:", len(helper.xp.jobs))
"""


class Project:
    """Files of an experiment, its workspace, and what was executed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "runs"
        self.executions = root / "executed.txt"
        self.gate = root / "gate"
        self.code = root / "code"
        self.code.mkdir()
        self.write("tasks.py", TASKS)
        self.write("experiment.py", EXPERIMENT)
        self.write("experiment.yaml", "id: trial\nxs: [1, 2]\n")
        os.mkfifo(self.gate)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the experiment."""
        path = self.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def executed(self) -> list[int]:
        """The values of x, one for each execution, sorted."""
        return sorted(map(int, self.executions.read_text().split())) if self.executions.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        """No settings of the user, no colours."""
        kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "COLUMNS")}
        return {
            **kept,
            "HOME": str(self.root),
            "EXECUTED": str(self.executions),
            "GATE": str(self.gate),
            "TERM": "xterm",
        }

    def command(self, *arguments: str) -> list[str]:
        """The command line of `xpm`."""
        return [sys.executable, "-m", "experimaestro.cli", *arguments]

    def xpm(self, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `xpm` to its end."""
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.root,
            env={**self.environment, **(environment or {})},
        )

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """`xpm run-experiment` in the workspace."""
        if not any(argument.endswith(".yaml") for argument in arguments):
            arguments = (*arguments, "code/experiment.yaml")
        return self.xpm("run-experiment", "--workdir", str(self.workspace), *arguments, **options)

    def jobs(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`xpm jobs` in the workspace."""
        return self.xpm("jobs", "--workdir", str(self.workspace), *arguments)

    def identifiers(self, pattern: str) -> list[str]:
        """Identifiers in the lines of `jobs list --tags` that match."""
        lines = self.jobs("list", "--tags", "--experiment", "trial").stdout.splitlines()
        return [
            match[1] for line in lines if re.search(pattern, line) and (match := re.search(r"/([0-9a-f]{32})", line))
        ]


def one_clear_error(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that a command failed with one paragraph that says these things, and no traceback."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert len(re.findall(r"^Error: ", done.stderr, re.MULTILINE)) == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
