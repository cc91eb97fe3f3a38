"""`xpm deprecated`: jobs that ran before their classes were deprecated are found, and run no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

contract = pytest.mark.contract

BEFORE = """
from pathlib import Path
from experimaestro import Config, Param, Meta, Task, PathGenerator, field

class Model(Config):
    __xpmid__ = "kept.model"
    width: Param[int]

class OldLearn(Task):
    __xpmid__ = "old.learn"
    model: Param[Model]
    rate: Param[float]
    weights: Meta[Path] = field(default_factory=PathGenerator("weights.txt"))

    def task_outputs(self, dep):
        return dep(Loaded.C(model=dep(self.model), weights=self.weights))

    def execute(self):
        Path("/RUNS").open("a").write("learn\\n")
        self.weights.write_text("learnt")

class Loaded(Config):
    __xpmid__ = "kept.loaded"
    model: Param[Model]
    weights: Param[Path]

class Evaluate(Task):
    __xpmid__ = "kept.evaluate"
    loaded: Param[Loaded]
    k: Param[int]

    def execute(self):
        Path("/RUNS").open("a").write("evaluate\\n")
        print(self.loaded.weights.read_text())

def learn(rate):
    return OldLearn.C(model=Model.C(width=3), rate=rate)
"""

CONVERT = """    def __convert__(self):
        return Learn.C(model=self.model, rates=[self.rate])

"""

AFTER = (
    BEFORE.replace("import Config", "import deprecate, Config")
    .replace(
        "class OldLearn(Task):",
        """class Learn(Task):
    __xpmid__ = "new.training"
    model: Param[Model]
    rates: Param[list[float]]
    weights: Meta[Path] = field(default_factory=PathGenerator("weights.txt"))

    def task_outputs(self, dep):
        return dep(Loaded.C(model=dep(self.model), weights=self.weights))

    def execute(self):
        Path("/RUNS").open("a").write("learn again\\n")

@deprecate(Learn)
class OldLearn(Task):""",
    )
    .replace("    rate: Param[float]\n", f"    rate: Param[float]\n{CONVERT}")
    .replace("OldLearn.C(model=Model.C(width=3), rate=rate)", "Learn.C(model=Model.C(width=3), rates=[rate])")
)

SCRIPT = """
import sys
from pathlib import Path
from experimaestro import experiment
import learning

with experiment(Path(sys.argv[1]), "trial"):
    tasks = [learning.learn(rate) for rate in (0.1, 0.2)]
    outputs = [task.submit() for task in tasks]
    last = [learning.Evaluate.C(loaded=output, k=1) for output in outputs]
    for task in last:
        task.submit()
for task in (*tasks, *last):
    print(task.jobpath)
"""


class Project:
    """A project whose code changes between two runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, folder / "workspace"
        self.log = folder / "runs"
        (folder / "run.py").write_text(SCRIPT)
        self.write(BEFORE)

    def write(self, code: str) -> None:
        (self.folder / "learning.py").write_text(code.replace("/RUNS", str(self.log)))

    def call(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd or self.folder, check=False
        )

    def run(self) -> list[Path]:
        done = self.call("run.py", str(self.workspace))
        assert done.returncode == 0, done.stderr
        return [Path(line) for line in done.stdout.splitlines()]

    def runs(self) -> list[str]:
        return sorted(self.log.read_text().splitlines())

    def deprecated(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.call("-m", "experimaestro.cli", "deprecated", *arguments, cwd=cwd)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.deprecated("list", str(self.workspace), "--json", *arguments)
        assert done.returncode == 0, done.stderr
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def files(self) -> dict[str, bytes | str | None]:
        """Everything in the workspace: links by their target."""
        found: dict[str, bytes | str | None] = {}
        for folder, folders, files in os.walk(self.workspace):
            for name in (*folders, *files):
                path = Path(folder, name)
                found[str(path.relative_to(self.workspace))] = (
                    os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
                )
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def changed(project: Project) -> Project:
    """Run, and then deprecated."""
    project.run()
    project.write(AFTER)
    return project


ONCE = ["evaluate", "evaluate", "learn", "learn"]


@contract("running 17: deprecated list")
def test_without_fix_nothing_is_written(changed: Project) -> None:
    before = changed.files()
    rows = changed.rows()
    assert sorted(row["old"].partition("/")[0] for row in rows) == ["kept.evaluate"] * 2 + ["old.learn"] * 2
    assert sorted(row["new"].partition("/")[0] for row in rows) == ["kept.evaluate"] * 2 + ["new.training"] * 2
    assert all(row["status"] == "renamed" and row["done"] for row in rows)
    shown = changed.deprecated("list", str(changed.workspace))
    assert all(f"RENAMED  {row['old']} -> {row['new']}" in shown.stdout for row in rows)
    assert "--fix" in shown.stdout
    assert changed.files() == before


@contract("running 17: deprecated list --fix")
@pytest.mark.parametrize("path", ["workspace", "workspace/jobs", "./workspace/"])
def test_fixed_jobs_are_found_done(changed: Project, path: str) -> None:
    announced = {row["new"] for row in changed.rows()}
    done = changed.deprecated("list", path, "--fix")
    assert done.returncode == 0, done.stderr
    links = [folder for folder in changed.workspace.glob("jobs/*/*") if folder.is_symlink()]
    assert {f"{link.parent.name}/{link.name}" for link in links} == announced
    assert all(not os.path.isabs(os.readlink(link)) for link in links)
    moved = changed.folder / "elsewhere"
    changed.workspace.rename(moved)
    changed.workspace = moved
    assert {f"{job.parent.name}/{job.name}" for job in changed.run()} == announced
    assert changed.runs() == ONCE
    assert {row["status"] for row in changed.rows("--fix")} == {"linked"}


@contract("running 17: deprecated list --fix --cleanup")
@pytest.mark.parametrize("first", [(), ("--fix",)])
def test_cleaned_up_jobs_are_found_done(changed: Project, first: tuple[str, ...]) -> None:
    announced = {row["new"] for row in changed.rows(*first)}
    changed.rows("--fix", "--cleanup")
    folders = list(changed.workspace.glob("jobs/*/*"))
    assert {f"{folder.parent.name}/{folder.name}" for folder in folders} == announced
    assert not any(folder.is_symlink() for folder in folders)
    assert not (changed.workspace / "jobs" / "old.learn").exists()
    assert changed.rows() == []
    for link in changed.workspace.glob("experiments/*/*/jobs/*/*"):
        assert link.is_dir()
    for folder in folders:
        stored = json.loads((folder / "params.json").read_text())
        assert stored["objects"][-1]["identifier"] == folder.name
        assert "old.learn" not in (folder / "params.json").read_text()
        assert json.loads((folder / ".experimaestro" / "identity.json").read_text())["identifier"] == folder.name
    changed.run()
    assert changed.runs() == ONCE


def test_jobs_of_replaced_classes_too(project: Project) -> None:
    project.run()
    project.write(AFTER.replace("@deprecate(Learn)", "@deprecate(Learn, replace=True)"))
    announced = {row["new"] for row in project.rows("--fix", "--cleanup")}
    assert len(announced) == 4
    for params in project.workspace.glob("jobs/new.training/*/params.json"):
        assert json.loads(params.read_text())["objects"][-1]["type"] == "Learn"
    assert {f"{job.parent.name}/{job.name}" for job in project.run()} == announced
    assert project.runs() == ONCE


@contract("running 17: deprecated list --cleanup alone is refused")
def test_cleanup_alone_is_refused(changed: Project) -> None:
    changed.rows("--fix")
    before = changed.files()
    done = changed.deprecated("list", str(changed.workspace), "--cleanup")
    assert done.returncode == 2
    assert "nothing was done" in " ".join(done.stderr.split())
    assert changed.files() == before


def test_an_interrupted_cleanup_can_be_done_again(changed: Project) -> None:
    announced = {row["new"] for row in changed.rows("--fix")}
    evaluations = [link for link in changed.workspace.glob("jobs/kept.evaluate/*") if link.is_symlink()]
    assert len(evaluations) == 2
    # As if it had been killed after the first rename: the jobs that are made from others go first.
    code = (
        "import os, sys\nfrom experimaestro.cli import outcome\nfrom experimaestro.cli.root import xpm\n"
        "rename, calls = os.rename, []\n"
        "def once(*args):\n    rename(*args)\n    os._exit(9)\n"
        "os.rename = once\nsys.exit(outcome.run(xpm))"
    )
    killed = changed.call("-c", code, "deprecated", "list", str(changed.workspace), "--fix", "--cleanup")
    assert killed.returncode == 9, killed.stderr
    assert len([folder for folder in changed.workspace.glob("jobs/*/*") if folder.is_symlink()]) == 3
    changed.rows("--fix", "--cleanup")
    assert {f"{path.parent.name}/{path.name}" for path in changed.workspace.glob("jobs/*/*")} == announced
    assert changed.rows() == []
    changed.run()
    assert changed.runs() == ONCE


def test_a_job_that_ran_under_the_new_identifier_is_not_touched(changed: Project) -> None:
    changed.run()
    assert changed.runs() == [*ONCE[:2], *ONCE[:2], *ONCE[2:], "learn again", "learn again"]
    before = changed.files()
    rows = changed.rows("--fix", "--cleanup")
    assert {row["status"] for row in rows} == {"taken"}
    assert all("already, done" in row["reason"] for row in rows if row["new"].startswith("new.training"))
    assert changed.files() == before


def test_jobs_that_cannot_be_imported_are_told_and_the_others_fixed(changed: Project) -> None:
    stray = changed.workspace / "jobs" / "gone.task" / ("0" * 32)
    shutil.copytree(next(changed.workspace.glob("jobs/old.learn/*")), stray)
    params = stray / "params.json"
    params.write_text(params.read_text().replace('"learning', '"vanished').replace("learning.py", "vanished.py"))
    rows = {row["old"]: row for row in changed.rows("--fix")}
    assert rows[f"gone.task/{stray.name}"]["status"] == "unknown"
    assert "vanished" in rows[f"gone.task/{stray.name}"]["reason"]
    assert [row["status"] for row in rows.values()].count("linked") == 4


def test_a_change_without_deprecation_is_told_and_never_fixed(project: Project) -> None:
    project.run()
    project.write(BEFORE.replace("rate: Param[float]", "rate: Param[float]\n    more: Param[int] = field(default=1)"))
    rows = project.rows("--fix")
    assert {row["status"] for row in rows} == {"changed"}
    assert not any(folder.is_symlink() for folder in project.workspace.glob("jobs/*/*"))


def test_nothing_to_do(project: Project) -> None:
    project.run()
    assert project.rows() == []
    assert "identifier of today" in project.deprecated("list", str(project.workspace)).stdout
    wrong = project.deprecated("list", str(project.folder))
    assert wrong.returncode == 1
    assert "no workspace" in wrong.stderr


@contract("running 17: deprecated diff")
def test_diff_tells_the_leaves(changed: Project) -> None:
    row = next(row for row in changed.rows() if row["old"].startswith("old.learn"))
    folder = changed.workspace / "jobs" / row["old"]
    done = changed.deprecated("diff", str(folder))
    assert done.returncode == 1, done.stderr
    assert row["old"].partition("/")[2] in done.stdout
    assert row["new"].partition("/")[2] in done.stdout
    assert "rate" in done.stdout
    assert "rates" in done.stdout
    told = json.loads(changed.deprecated("diff", os.path.relpath(folder, changed.folder), "--json").stdout)
    assert {it["path"] for it in told["differences"]} >= {"rate", "rates"}
    changed.write(BEFORE)
    assert changed.deprecated("diff", str(folder)).returncode == 0
    assert changed.deprecated("diff", str(changed.workspace)).returncode == 1


OLDER = Path(__file__).parent.parent / "data" / "older"


@contract("running 17: deprecated list, jobs of older packages")
@pytest.mark.parametrize("release", ["v1", "v2"])
def test_jobs_of_older_packages_are_fixed(project: Project, release: str) -> None:
    stored = json.loads((OLDER / release / "params.json").read_text())
    job = project.workspace / "jobs" / "oldies.evaluate" / stored["objects"][-1]["identifier"]
    job.mkdir(parents=True)
    (job / "params.json").write_text(json.dumps(stored))
    (job / "evaluate.done").touch()
    code = (OLDER / "oldies.py").read_text()
    (project.folder / "oldies.py").write_text(code)
    (row,) = project.rows("--fix")
    assert (row["status"], row["done"]) == ("changed", True)
    assert "older package" in row["reason"]
    deprecation = """
from experimaestro import deprecate

class Assess(Task):
    model: Param[Model]
    count: Param[int]

@deprecate(Assess)
class Evaluate(Task):
    def __convert__(self):
        return Assess.C(model=self.model, count=self.k)
"""
    (project.folder / "oldies.py").write_text(code.replace("\nclass Evaluate(Task):\n", deprecation))
    (row,) = project.rows("--fix")
    assert row["status"] == "linked"
    link = project.workspace / "jobs" / row["new"]
    assert link.parent.name == "oldies.assess"
    assert (link / "assess.done").exists()
    project.rows("--fix", "--cleanup")
    (folder,) = project.workspace.glob("jobs/*/*")
    assert (folder.name, folder.is_symlink()) == (link.name, False)
    assert project.rows() == []
