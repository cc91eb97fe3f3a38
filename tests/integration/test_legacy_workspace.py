"""A workspace of an older package goes on: nothing in it runs again."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experimaestro import experiment
from experimaestro._core import WorkspaceError, legacy_identifier
from experimaestro.settings import WorkspaceSettings

contract = pytest.mark.contract

CLASSES = """
from pathlib import Path
from experimaestro import Config, Param, Task

class Model(Config):
    n: Param[int]

class Learn(Task):
    model: Param[Model]

    def task_outputs(self, dep):
        return dep(self.model)

    def execute(self):
        Path("ran").write_text("learn")

class Evaluate(Task):
    model: Param[Model]

    def execute(self):
        Path("ran").write_text("evaluate")
"""


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "older_project.py").write_text(CLASSES)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delenv("XPM_SCHEME", raising=False)
    yield importlib.import_module("older_project")
    sys.modules.pop("older_project", None)


def left_by_older_package(workspace: Path, classes: Any, scheme: str) -> Path:
    """A workspace with one job that is done; returns its folder."""
    task = classes.Learn.C(model=classes.Model.C(n=1))
    name = legacy_identifier(task, scheme).hex()
    job = workspace / "jobs" / "older_project.learn" / name
    job.mkdir(parents=True)
    (workspace / ".__experimaestro__").write_text("0" if scheme == "sha256-v1" else "")
    version = 2 if scheme == "sha256-v1" else 3
    common = {"module": "older_project"}
    objects = [
        {"id": 1, **common, "type": "Model", "typename": "older_project.Model", "identifier": "0" * 64,
         "fields": {"n": 1}},
        {"id": 2, **common, "type": "Learn", "typename": "older_project.Learn", "identifier": name, "task": 2,
         "fields": {"model": {"type": "python", "value": 1}}},
    ]  # fmt: skip
    (job / "params.json").write_text(
        json.dumps({"workspace": str(workspace), "version": version, "tags": {}, "objects": objects})
    )
    (job / "learn.done").touch()
    return job


@contract("running 1: workspaces of older packages are adopted")
@pytest.mark.parametrize("scheme", ["sha256-v1", "sha256-v2"])
def test_what_is_done_is_found_and_what_is_new_is_added(scheme: str, classes: Any, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    job = left_by_older_package(workspace, classes, scheme)
    before = {path.name: path.read_bytes() for path in job.iterdir()}
    for _ in range(2):
        with experiment(WorkspaceSettings("", workspace, scheme=scheme), "x") as xp:
            learn = classes.Learn.C(model=classes.Model.C(n=1))
            asked = learn.__identifier__().hex()
            model = learn.submit()
            evaluate = classes.Evaluate.C(model=model)
            evaluate.submit()
            links = Path(xp.workdir or "") / "jobs"
        assert not xp.failed
        assert asked == learn.__identifier__().hex() == job.name
        assert learn.__xpm__.job.path == job
        assert {path.name: path.read_bytes() for path in job.iterdir() if path.is_file()} == before
        assert not (job / "ran").exists()
        scheme_of = json.loads((workspace / ".__experimaestro__").read_text())["scheme"]
        assert scheme_of == scheme
        new = evaluate.__xpm__.job.path
        assert len(new.name) == 64
        assert (new / "ran").read_text() == "evaluate"
        assert (links / "older_project.evaluate" / new.name).exists()
        stored = json.loads((new / "params.json").read_text())["objects"]
        assert stored[-1]["identifier"] == new.name
        assert job.name in [one["identifier"] for one in stored]
    # Recorded: from now on nobody needs to say it.
    with experiment(workspace, "x"):
        again = classes.Learn.C(model=classes.Model.C(n=1))
        again.submit()
    assert again.__xpm__.job.path == job
    assert len(classes.Learn.C(model=classes.Model.C(n=1)).__identifier__().hex()) == 32


@contract("running 1: identity.json says whose scheme names the folder")
def test_what_was_hashed_is_told_under_our_scheme_too(classes: Any, tmp_path: Path) -> None:
    with experiment(WorkspaceSettings("", tmp_path / "w", scheme="sha256-v2"), "x"):
        task = classes.Evaluate.C(model=classes.Model.C(n=1))
        task.submit()
    job = task.__xpm__.job.path
    (file,) = job.rglob("identity.json")
    identity = json.loads(file.read_text())
    assert identity["folder"] == {"scheme": "sha256-v2", "identifier": job.name}
    fresh = classes.Evaluate.C(model=classes.Model.C(n=1))
    assert identity["identifier"] == fresh.__identifier__().hex()
    assert identity["scheme"] == "md5"


@pytest.mark.parametrize("scheme", ["sha256-v1", "sha256-v2"])
def test_a_workspace_of_an_older_package_is_not_started_anew(
    scheme: str, classes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = tmp_path / "w"
    job = left_by_older_package(workspace, classes, scheme)
    marker = (workspace / ".__experimaestro__").read_text()
    with pytest.raises(WorkspaceError, match=f"older package.*probably {scheme}.*XPM_SCHEME"):
        experiment(workspace, "x").__enter__()
    assert (workspace / ".__experimaestro__").read_text() == marker
    assert not (workspace / "experiments").exists()
    monkeypatch.setenv("XPM_SCHEME", scheme)
    with experiment(workspace, "x"):
        task = classes.Learn.C(model=classes.Model.C(n=1))
        task.submit()
    assert task.__xpm__.job.path == job


@contract("running 1: changing the scheme of a workspace is refused")
@pytest.mark.parametrize(
    ("recorded", "asked"), [("md5", "sha256-v1"), ("sha256-v2", "md5"), ("sha256-v2", "sha256-v1")]
)
def test_another_scheme_is_refused(recorded: str, asked: str, classes: Any, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    with experiment(WorkspaceSettings("", workspace, scheme=recorded), "x"):
        pass
    before = sorted(workspace.rglob("*"))
    with pytest.raises(WorkspaceError, match=f"scheme {recorded}, and {asked} was asked for.*choose another folder"):
        experiment(WorkspaceSettings("", workspace, scheme=asked), "x").__enter__()
    assert sorted(workspace.rglob("*")) == before
    assert json.loads((workspace / ".__experimaestro__").read_text())["scheme"] == recorded


def test_a_scheme_that_nobody_knows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XPM_SCHEME", "sha1")
    with pytest.raises(ValueError, match="XPM_SCHEME: 'sha1' is not an identifier scheme"):
        experiment(tmp_path / "w", "x").__enter__()
    monkeypatch.delenv("XPM_SCHEME")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".__experimaestro__").write_text('{"scheme": "blake3", "version": 1}')
    with pytest.raises(WorkspaceError, match="scheme 'blake3'"):
        experiment(tmp_path / "w", "x").__enter__()
