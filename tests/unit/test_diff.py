"""What differs between two configurations or jobs, and whether it counts."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import (
    Annotated,
    Config,
    Constant,
    DataPath,
    InstanceConfig,
    LightweightTask,
    Meta,
    Param,
    RunMode,
    Task,
    experiment,
    field,
    pathgenerator,
    save,
    setmeta,
)
from experimaestro._config.difference import diff
from experimaestro._config.differences import ABSENT, Differences
from experimaestro.cli import outcome
from experimaestro.cli.root import xpm


class Colour(Enum):
    RED = 1
    BLUE = 2


class Layer(Config):
    __xpmid__ = "demo.layer"
    width: Param[int] = 4
    note: Meta[str] = ""


class Other(Layer):
    __xpmid__ = "demo.other"


class Model(Config):
    __xpmid__ = "demo.model"
    layers: Param[list[Layer]] = []
    first: Param[Layer | None]
    named: Param[dict[str, Layer]] = {}
    numbers: Param[list[float]] = []
    words: Param[set[str]] = set()
    colour: Param[Colour] = Colour.RED
    rate: Param[float] = field(default=0.1)
    cache: Param[Path | None]
    weights: DataPath = Path("w")
    version: Constant[int] = 1
    hidden: Meta[Layer | None]


class Init(LightweightTask):
    __xpmid__ = "demo.init"
    seed: Param[int]

    def execute(self) -> None: ...


class Make(Task):
    __xpmid__ = "demo.make"
    size: Param[int]
    note: Meta[str] = ""
    out: Annotated[Path, pathgenerator("out.txt")]

    def task_outputs(self, dep: Any) -> Layer:
        return dep(Layer.C(width=1))  # type: ignore[no-any-return]

    def execute(self) -> None: ...


class Learn(Task):
    __xpmid__ = "demo.learn"
    model: Param[Model]
    lr: Param[float] = 0.1
    verbose: Meta[bool] = False

    def execute(self) -> None: ...


def told(found: Differences) -> dict[str, tuple[Any, Any]]:
    return {it.path: (it.old, it.new) for it in found.counted}


def line_of(text: str) -> int:
    """Number of the line of this file that ends with a mark."""
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {text}"))


@pytest.mark.contract("issue 3: a.diff(b): path, type, values, default or set, and where")
def test_a_leaf_tells_all_that_is_known():
    a = Model.C(layers=[Layer.C(), Layer.C(width=2)])
    b = Model.C(layers=[Layer.C(), Layer.C(width=3)])  # made
    b.rate = 0.5  # assigned
    found = a.diff(b)
    assert [it.path for it in found] == ["rate", "layers[1].width"]
    rate, width = found
    assert (rate.declared, rate.old, rate.new, rate.counts) == ("float", 0.1, 0.5, True)
    assert rate.old_origin.kind == "default"
    assert rate.new_origin == ("set", f"{Path(__file__)}:{line_of('assigned')}")
    assert (width.declared, width.old, width.new) == ("int", 2, 3)
    assert width.new_origin == ("set", f"{Path(__file__)}:{line_of('made')}")


def test_nothing_differs():
    found = Model.C(layers=[Layer.C()]).diff(Model.C(layers=[Layer.C()]))
    assert not found
    assert found.same_identifier
    assert "same identifier" in str(found)


@pytest.mark.contract("issue 3: a.diff(b): what does not count is told apart")
def test_what_does_not_count_is_apart():
    a = Model.C(first=Layer.C(note="x"), cache=Path("/a"), weights=Path("v"), hidden=Layer.C(width=1))
    b = Model.C(first=Layer.C(note="y"), cache=Path("/b"), weights=Path("w"), hidden=Layer.C(width=2))
    found = a.diff(b)
    assert found.counted == []
    assert {it.path for it in found.uncounted} == {"first.note", "cache", "weights", "hidden.width"}
    assert found.same_identifier
    assert "Not part of the identifier" in str(found)
    b.rate = 0.2
    reasons = {it.path: it.why for it in a.diff(b).uncounted}
    assert reasons["cache"] == "path"
    assert reasons["weights"] == "DataPath"
    assert reasons["hidden.width"] == "Meta"


def test_the_meta_flag_decides():
    flagged = Model.C(hidden=setmeta(Layer.C(width=1), False))
    found = flagged.diff(Model.C(hidden=setmeta(Layer.C(width=2), False)))
    assert told(found) == {"hidden.width": (1, 2)}
    ignored = Model.C(first=setmeta(Layer.C(width=1), True), rate=1)
    found = ignored.diff(Model.C(first=setmeta(Layer.C(width=2), True), rate=2))
    assert told(found) == {"rate": (1.0, 2.0)}
    assert [it.path for it in found.uncounted] == ["first.width"]
    found = ignored.diff(Model.C(first=Layer.C(width=1), rate=1))
    assert "first@meta" in told(found)


def test_other_classes():
    found = Model.C(first=Layer.C(width=1)).diff(Model.C(first=Other.C(width=1)))
    assert told(found) == {"first@type": ("demo.layer", "demo.other")}


@pytest.mark.contract("issue 3: a.diff(b): lists, sets and dictionaries are aligned")
def test_containers_are_aligned():
    def layers(*widths: int) -> list[Layer]:
        return [Layer.C(width=width) for width in widths]

    found = Model.C(layers=layers(1, 2, 3)).diff(Model.C(layers=layers(1, 9, 2, 3)))
    assert [(it.path, it.kind) for it in found] == [("layers[1]", "added")]
    assert told(Model.C(numbers=[1, 2]).diff(Model.C(numbers=[1, 3]))) == {"numbers[1]": (2.0, 3.0)}
    found = Model.C(words={"a", "b"}).diff(Model.C(words={"b", "c", "d"}))
    assert sorted((it.kind, it.old_text or it.new_text) for it in found) == [
        ("added", "'c'"),
        ("added", "'d'"),
        ("removed", "'a'"),
    ]
    found = Model.C(named={"x": Layer.C(width=1), "y": Layer.C()}).diff(Model.C(named={"x": Layer.C(width=2)}))
    assert [(it.path, it.kind) for it in found] == [("named['y']", "removed"), ("named['x'].width", "changed")]


def test_plain_values():
    assert told(Model.C(colour=Colour.RED).diff(Model.C(colour=Colour.BLUE))).keys() == {"colour"}
    assert not Model.C(numbers=[math.nan]).diff(Model.C(numbers=[math.nan]))
    assert told(Model.C(numbers=[0.0]).diff(Model.C(numbers=[-0.0]))).keys() == {"numbers[0]"}


class Chain(Config):
    __xpmid__ = "demo.chain"
    left: Param[Any]
    right: Param[Any]
    x: Param[int] = 0


@pytest.mark.contract("issue 3: a.diff(b): shared configurations are looked at once")
def test_diamonds_are_linear():
    def diamond(x: int) -> Any:
        node = Chain.C(left=None, right=None, x=x)
        for _ in range(200):  # 2^200 ways
            node = Chain.C(left=node, right=node)
        return node

    found = diamond(1).diff(diamond(2))
    assert [(it.path.count("left"), it.old, it.new) for it in found] == [(200, 1, 2)]
    assert len(found.repeated) == 200
    assert found.repeated[0].path.endswith("right")


def test_long_chains_and_cycles():
    def chain(x: int) -> Any:
        node = Chain.C(left=None, right=None, x=x)
        for _ in range(5_000):
            node = Chain.C(left=node, right=None)
        return node

    (leaf,) = chain(1).diff(chain(2))
    assert leaf.path == "left." * 5_000 + "x"

    def cycle(x: int) -> Any:
        one, two = Chain.C(right=None), Chain.C(right=None, x=x)
        one.left, two.left = two, one
        return one

    assert [it.path for it in cycle(1).diff(cycle(2))] == ["left.x"]


numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=3), st.none())
values = st.recursive(
    numbers, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
)


class Holder(Config):
    __xpmid__ = "demo.holder"
    value: Param[Any] = field(default=0)
    child: Param[Any] = field(default=0)
    note: Meta[Any] = None


@given(values, values, values)
@pytest.mark.contract("issue 3: a.diff(b): something that counts is told exactly when the identifiers differ")
def test_something_counts_exactly_when_the_identifiers_differ(one, two, note):
    for a, b in [
        (Holder.C(value=one), Holder.C(value=two, note=note)),
        (Holder.C(child=Holder.C(value=one, note=note)), Holder.C(child=Holder.C(value=two))),
        (Holder.C(value=[Holder.C(value=one), two]), Holder.C(value=[Holder.C(value=two), one])),
    ]:
        found = a.diff(b)
        assert bool(found.counted) == (a.__identifier__() != b.__identifier__())
        assert bool(found.counted) == (not found.same_identifier)
        assert bool(b.diff(a).counted) == bool(found.counted)
        json.dumps(found.to_json())
        str(found)


# --- jobs


def make_job(workdir: Path, lr: float, size: int, seed: int, *, verbose: bool = False, note: str = "") -> Path:
    with experiment(workdir, "diff", run_mode=RunMode.GENERATE_ONLY):
        made = Make.C(size=size, note=note).submit()
        model = Model.C(first=made, layers=[Layer.C(width=2)])
        learn = Learn.C(model=model, lr=lr, verbose=verbose)
        learn.submit(init_tasks=[Init.C(seed=seed)])
    return Path(learn.jobpath)


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = outcome.run(xpm, [str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return code, out, err


@pytest.fixture
def jobs(workspace: Path) -> tuple[Path, Path]:
    made = make_job(workspace, 0.1, 1, 0), make_job(workspace, 0.2, 2, 1, verbose=True)
    # Nothing was run: only a run marks its workspace.
    (workspace / ".__experimaestro__").write_text('{"scheme": "md5", "version": 1}')
    return made


@pytest.mark.contract("issue 3: xpm diff of two jobs, linked tasks and init tasks included")
def test_jobs_are_compared_with_their_linked_tasks(jobs: tuple[Path, Path]):
    found = diff(*jobs)
    assert told(found) == {"lr": (0.1, 0.2), "model.first@task.size": (1, 2), "@init_tasks[0].seed": (0, 1)}
    assert [it.path for it in found.uncounted] == ["verbose"]
    assert found[0].old_origin.place is not None
    assert found[0].old_origin.place.startswith(f"{Path(__file__)}:")


def test_a_linked_task_without_its_folder_is_known_by_its_identifier(jobs: tuple[Path, Path]):
    shutil.rmtree(jobs[0].parent.parent / "demo.make")
    assert "model.first@task@identifier" in told(diff(*jobs))


@pytest.mark.contract("issue 3: xpm diff: forms of A and B, exit codes")
def test_command(jobs: tuple[Path, Path], workspace: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    one, two = jobs
    code, out, err = run(capfd, "diff", one, two)
    assert (code, err) == (1, "")
    assert "\x1b" not in out
    assert "model.first@task.size: int\n    - 1 " in out
    assert f"    + 0.2   set at {Path(__file__)}:" in out
    assert "verbose: bool  (does not count" in out
    ways = [one, one / "params.json", f"demo.learn/{one.name}", one.name[:12]]
    for way in ways:
        assert run(capfd, "diff", "--workdir", workspace, way, two)[:2] == (1, out)
        assert run(capfd, "diff", "--workdir", workspace, way, one)[0] == 0
    save(Layer.C(width=3), tmp_path)
    assert run(capfd, "diff", one, tmp_path)[0] == 1


def test_json_of_the_command(jobs: tuple[Path, Path], capfd: pytest.CaptureFixture[str]):
    code, out, _ = run(capfd, "diff", "--json", *jobs)
    assert code == 1
    told = {it["path"]: it for it in json.loads(out)["differences"]}
    assert told["lr"]["type"] == "float"
    assert told["lr"]["old"]["value"] == 0.1
    assert told["lr"]["old"]["set"] == "set"
    assert told["verbose"]["counts"] is False
    assert told["lr"]["old"]["at"].startswith(__file__)


def test_what_cannot_be_compared(jobs: tuple[Path, Path], workspace: Path, capfd: pytest.CaptureFixture[str]):
    one, two = jobs
    code, out, err = run(capfd, "diff", "--workdir", workspace, one, "ffffffffffff")
    assert (code, out) == (2, "")
    assert "there is no job" in err
    (two / "params.json").write_text('{"objects": [')
    code, _, err = run(capfd, "diff", one, two)
    assert code == 2
    assert "params.json cannot be read" in err
    (two / "params.json").write_text('{"objects": []}')
    assert run(capfd, "diff", one, two)[0] == 2


def test_colours(jobs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m" in run(capfd, "diff", *jobs)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(capfd, "diff", *jobs)[1]


@pytest.mark.contract("issue 3: xpm diff imports none of the user's code")
def test_the_code_may_be_gone(jobs: tuple[Path, Path]):
    # In another process, the module of these classes cannot be imported.
    code = (
        "import sys; from experimaestro.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: assert not [m for m in sys.modules if m.startswith('test')]"
    )
    command = [sys.executable, "-c", code, "diff", *map(str, jobs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=jobs[0])
    assert (done.returncode, done.stderr) == (1, "")
    assert "@init_tasks[0].seed" in done.stdout


@pytest.mark.contract("issue 3: xpm diff: jobs without identity.json")
def test_jobs_of_older_releases_have_no_identity(jobs: tuple[Path, Path]):
    for job in jobs:
        shutil.rmtree(job / ".experimaestro")
    found = diff(*jobs)
    assert {"lr", "verbose", "@init_tasks[0].seed"} <= told(found).keys()
    assert {it.counts for it in found if it.path == "lr"} == {None}
    assert "older release" in str(found)


def test_live_against_stored(jobs: tuple[Path, Path], tmp_path: Path):
    live = Learn.C(model=Model.C(layers=[Layer.C(width=2)]), lr=0.1)
    paths = told(live.diff(jobs[0]))
    assert paths["model.first"][0] is None
    assert "@init_tasks[0]" in paths
    with pytest.raises(TypeError, match="not 3"):
        live.diff(3)


@pytest.mark.contract("running 17: parameters-difference P1 P2")
def test_parameters_difference(jobs: tuple[Path, Path], capfd: pytest.CaptureFixture[str]):
    one, two = (job / "params.json" for job in jobs)
    code, out, _ = run(capfd, "parameters-difference", one, two)
    assert code == 0
    assert f"{jobs[0].name} and {jobs[1].name} have different identifiers" in out
    assert "[lr] 0.1 and 0.2 are not equal\n" in out
    assert run(capfd, "parameters-difference", one, one) == (0, "", "")


def test_renderings():
    from rich.console import Console

    a = Model.C(first=Layer.C(note="<b>"), rate=1)
    found = a.diff(Model.C(first=Layer.C(note="[red]"), rate=2))
    console = Console(width=200, record=True, color_system=None)
    with console.capture() as capture:
        console.print(found)
    assert str(found) in capture.get()
    page = found._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_absent_values():
    assert repr(ABSENT) == "(absent)"


def test_a_job_and_the_folder_of_a_run(jobs: tuple[Path, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    one, two = jobs
    links = tmp_path / "run" / "jobs" / "demo.learn"
    links.mkdir(parents=True)
    (tmp_path / "run" / "status.json").write_text("{}")
    (links / two.name).symlink_to(two)
    assert run(capfd, "diff", one, tmp_path / "run") == run(capfd, "diff", one, two)
    (links / one.name).symlink_to(one)
    code, _, err = run(capfd, "diff", one, tmp_path / "run")
    assert code == 2
    assert "has 2 jobs of the task demo.learn" in err
    assert run(capfd, "diff", tmp_path / "run", tmp_path / "run")[0] == 2


OLDER = Path(__file__).parent.parent / "data" / "older"


@pytest.mark.contract("issue 3: xpm diff of files that older releases wrote")
def test_files_of_older_releases(capfd: pytest.CaptureFixture[str]):
    # The same task of both releases: their identifiers differ everywhere, their values nowhere.
    found = diff(OLDER / "v1" / "params.json", OLDER / "v2" / "params.json")
    assert [(it.path, it.kind) for it in found] == [("@init_tasks[0]", "added")]
    assert found.repeated == []
    assert len(found.unknown) == 2
    code, out, _ = run(capfd, "diff", OLDER / "v1" / "pretasks.json", OLDER / "v1" / "params.json")
    assert code == 1
    assert "  @type\n    - formers.Learn\n    + oldies.Evaluate\n" in out
    assert run(capfd, "diff", OLDER / "v2" / "saved", OLDER / "v2" / "saved")[0] == 0
    assert run(capfd, "diff", OLDER / "v1" / "saved", OLDER / "v2" / "plain")[0] == 0


class Encoder(InstanceConfig):
    __xpmid__ = "demo.encoder"
    dim: Param[int] = 4


class Pair(Config):
    __xpmid__ = "demo.pair"
    a: Param[Encoder]
    b: Param[Encoder]


@pytest.mark.contract("issue 3: a.diff(b): shared objects of an InstanceConfig")
def test_one_object_or_two():
    one = Encoder.C()
    shared, apart = Pair.C(a=one, b=one), Pair.C(a=Encoder.C(), b=Encoder.C())
    assert shared.__identifier__() != apart.__identifier__()
    for found in (shared.diff(apart), Holder.C(value=[shared]).diff(Holder.C(value=[apart]))):
        (sharing,) = found.counted
        assert sharing.path.endswith("b@instance")
        assert sharing.old_text.startswith("the same object as")
        assert sharing.new_text == "an object of its own"
    assert [it.path for it in apart.diff(shared)] == ["b@instance"]
    assert not shared.diff(Pair.C(a=(two := Encoder.C()), b=two))
    assert not apart.diff(Pair.C(a=Encoder.C(), b=Encoder.C()))


class Watched(Config):
    __xpmid__ = "demo.watched"
    monitor: Param[Layer | None]
    values: Param[list[int]] = []
    last: Param[int] = 0


def test_a_value_that_is_left_out_on_both_sides_does_not_count() -> None:
    found = Watched.C().diff(Watched.C(last=1, monitor=setmeta(Layer.C(), True)))
    assert [(it.path, it.counts, it.why) for it in found] == [("last", True, None), ("monitor", False, "setmeta")]
    [counted] = Watched.C().diff(Watched.C(monitor=Layer.C())).counted
    assert counted.path == "monitor"


def test_a_long_list_does_not_hide_what_else_differs() -> None:
    old, new = Watched.C(values=list(range(500))), Watched.C(values=list(range(1, 501)), last=1)
    found = old.diff(new)
    assert len(found) == 501
    text = str(found)
    assert text.count("  values[") == 10
    assert "… and 490 more in values\n" in text
    assert "\n  last: int\n" in text


def test_a_file_without_configurations_and_a_path_that_is_not_there_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "params.json"
    empty.write_text('{"objects": []}')
    code, _, err = run(capfd, "diff", empty, empty)
    assert code == 2
    assert err.rstrip().endswith("it does not hold a configuration")
    code, _, err = run(capfd, "diff", tmp_path / "gone", empty)
    assert code == 2
    assert f"{tmp_path / 'gone'} does not exist" in err
