"""From a task to its `params.json`, and from there to the objects of a job."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from enum import Enum
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import pytest

from experimaestro import Config, LightweightTask, Meta, Param, PathGenerator, Task, field, setmeta, tag
from experimaestro._config.lifecycle import job_files, load_task, prepare_submission, submission_outputs
from experimaestro.exceptions import LoadError


class Colour(Enum):
    RED = 1


class Part(Config):
    n: Param[int]
    weights: Meta[Path] = field(default_factory=PathGenerator("part.bin"))


class Everything(Task):
    a: Param[int] = 1
    b: Param[float] = 1e-3
    c: Param[str] = "é\n\u2028"
    d: Param[bool] = True
    e: Param[Optional[int]]
    f: Param[List[Part]] = []
    g: Param[Dict[str, Any]] = {}
    h: Param[Tuple[int, ...]] = (1, 2)
    i: Param[set] = field(default_factory=set)
    j: Param[Colour] = Colour.RED
    k: Param[bytes] = b"\x00\xff"
    l: Param[Any] = 0  # noqa: E741
    m: Meta[Optional[Path]] = None
    n: Param[Dict[int, str]] = {}
    out: Meta[Path] = field(default_factory=PathGenerator("result.txt"))

    def execute(self) -> None: ...


def submitted(task: Any, workspace: Path) -> Path:
    """Do with a task what a submission does, up to the files of the job."""
    submission = prepare_submission(task, workspace, [])
    task.__xpm__.job = object()
    submission.directory.mkdir(parents=True, exist_ok=True)
    params, _ = job_files(task, workspace, submission.directory)
    (submission.directory / "params.json").write_bytes(params)
    return submission.directory


@pytest.mark.contract("configurations 12.2: field values")
def test_every_kind_of_value_comes_back(tmp_path: Path) -> None:
    shared = Part.C(n=1)
    task = Everything.C(
        a=10**30,
        b=float("nan"),
        e=None,
        f=[shared, shared],
        g={"type": "python", "x": [1, (2.0, None)], "p": shared},
        h=[3],
        i={"x", "y"},
        l=np.array([[1.5, 2.0]]),
        m=tmp_path / "elsewhere",
        n={1: "one"},
    )
    directory = submitted(task, tmp_path)
    value = load_task(directory)
    assert type(value) is Everything
    assert value.a == 10**30
    assert value.b != value.b
    assert value.c == "é\n\u2028"
    assert value.e is None
    assert value.f[0] is value.f[1] is value.g["p"]
    assert value.g["type"] == "python"
    assert value.g["x"] == [1, (2.0, None)]
    assert value.h == (3,)
    assert value.i == {"x", "y"}
    assert value.j is Colour.RED
    assert value.k == b"\x00\xff"
    assert value.l.dtype == np.float64
    assert value.l.tolist() == [[1.5, 2.0]]
    assert value.m == tmp_path / "elsewhere"
    assert value.n == {1: "one"}
    assert value.out == directory / "result.txt"
    assert value.f[0].weights == directory / "out" / "f" / "0" / "part.bin"


@pytest.mark.contract("configurations 12.2: envelope and keys of objects")
def test_format(tmp_path: Path) -> None:
    task = Everything.C(f=[setmeta(Part.C(n=tag(4)), True)])
    directory = submitted(task, tmp_path)
    content = json.loads((directory / "params.json").read_text())
    assert content["version"] == 3
    assert content["workspace"] == str(tmp_path)
    assert content["tags"] == {"n": 4}
    part, main = content["objects"]
    assert part["meta"] is True
    assert part["typename"] == f"{__name__}.Part"
    assert part["fields"]["weights"] == {"type": "path", "value": "out/f/0/part.bin", "base": "job"}
    assert main["task"] == main["id"]
    assert main["fields"]["f"] == [{"type": "python", "value": part["id"]}]
    assert main["identifier"] == directory.name


class Producer(Task):
    x: Param[int]
    before: Param[Optional[Part]]

    def task_outputs(self, dep: Any) -> Any:
        return dep(Part.C(n=self.x))


class Consumer(Task):
    part: Param[Part]


@pytest.mark.contract("configurations 12.2: linked tasks")
def test_a_linked_task_is_a_reference_and_not_its_ancestors(tmp_path: Path) -> None:
    part = None
    for step in range(20):
        producer = Producer.C(x=step, before=part)
        submitted(producer, tmp_path)
        part = submission_outputs(producer)
    consumer = Consumer.C(part=part)
    content = json.loads((submitted(consumer, tmp_path) / "params.json").read_text())
    assert [bool(entry.get("stub")) for entry in content["objects"]] == [True, False, False]
    assert content["objects"][1]["task"] == content["objects"][0]["id"]


class Init(LightweightTask):
    x: Param[int]

    def execute(self) -> None:
        EXECUTED.append(self.x)


EXECUTED: list[int] = []


@pytest.mark.contract("configurations 9: init tasks run in order, before the task")
def test_init_tasks_run_in_order(tmp_path: Path) -> None:
    task = Everything.C()
    submission = prepare_submission(task, tmp_path, [Init.C(x=1), Init.C(x=2)])
    submission.directory.mkdir(parents=True)
    (submission.directory / "params.json").write_bytes(job_files(task, tmp_path, submission.directory)[0])
    EXECUTED.clear()
    value = load_task(submission.directory)
    assert EXECUTED == [1, 2]
    assert value.__taskdir__ == submission.directory
    assert value.__xpm_stdout__.name == "everything.out"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda text: text.replace('"version":3', '"version":99'), "version 99"),
        (lambda text: text.replace('"type":"Everything"', '"type":"Gone"'), "no class Gone"),
        (lambda text: text.replace(f'"module":"{__name__}"', '"module":"nowhere_at_all"'), "cannot be imported"),
        (lambda text: text.replace('"a":1', '"zz":1'), "no parameter 'zz'"),
        (lambda _: '{"version":3,"objects":[]}', "empty"),
        (lambda _: "{}", "no list of objects"),
        (lambda _: "[]", "empty"),
        (lambda text: text.replace('"id":0', '"ix":0'), "without id"),
    ],
)
def test_bad_files_are_told_in_one_sentence(tmp_path: Path, damage: Any, message: str) -> None:
    file = submitted(Everything.C(), tmp_path) / "params.json"
    text = file.read_text()
    damaged = damage(text)
    assert damaged != text
    file.write_text(damaged)
    with pytest.raises(LoadError, match=message) as caught:
        load_task(file.parent)
    assert str(file) in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="cannot be read"):
        load_task(tmp_path)


def test_a_field_that_is_not_stored_gets_its_default(tmp_path: Path) -> None:
    file = submitted(Everything.C(), tmp_path) / "params.json"
    content = json.loads(file.read_text())
    del content["objects"][-1]["fields"]["b"], content["objects"][-1]["fields"]["f"]
    file.write_text(json.dumps(content))
    value = load_task(file.parent)
    assert value.b == 1e-3
    assert value.f == []


@pytest.mark.contract("configurations 12.2: file of a script")
def test_classes_of_a_top_level_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import sys
        from pathlib import Path
        from experimaestro import Config, Param, Task
        from experimaestro._config.lifecycle import job_files, load_task, prepare_submission
        print("loaded as", __name__)
        class Part(Config):
            x: Param[int]
        class Work(Task):
            parts: Param[list[Part]]
        if __name__ == "__main__":
            task = Work.C(parts=[Part.C(x=1), Part.C(x=2)])
            submission = prepare_submission(task, Path(sys.argv[1]), [])
            submission.directory.mkdir(parents=True)
            params, _ = job_files(task, Path(sys.argv[1]), submission.directory)
            (submission.directory / "params.json").write_bytes(params)
            print(submission.directory)
            assert type(load_task(submission.directory)) is Work
        """)
    )
    workspace = tmp_path / "workspace"
    ran = subprocess.run([sys.executable, script, workspace], capture_output=True, text=True, check=True)
    _, directory = ran.stdout.split("\n", 1)
    load = (
        "import sys; from pathlib import Path; from experimaestro._config.lifecycle import load_task;"
        "task = load_task(Path(sys.argv[1])); print(type(task).__module__, [p.x for p in task.parts])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", load, directory.strip()], capture_output=True, text=True, check=True, cwd="/"
    )
    # Executed once, however many of its classes are needed, and not as the main program.
    assert ran.stdout.splitlines() == ["loaded as __mp_main__", "__mp_main__ [1, 2]"]
