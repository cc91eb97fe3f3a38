"""`config.__xpm__`, and what configurations tell before they are submitted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Generic, Optional, TypeVar

import pytest

from experimaestro import (
    STDERR,
    STDOUT,
    CLIInteraction,
    Config,
    DirectoryContext,
    Meta,
    Param,
    PathGenerator,
    Task,
    experiment,
    field,
    setmeta,
    tag,
)
from experimaestro.core.objects import ConfigInformation, SealedError
from experimaestro.core.objects.config import SetInfo

contract = pytest.mark.contract
T = TypeVar("T")


class Part(Config):
    a: Param[int] = 1
    out: Meta[Path] = field(default_factory=PathGenerator("x"))
    log: Meta[Path] = field(default_factory=PathGenerator(STDOUT))
    err: Meta[Path] = field(default_factory=PathGenerator(STDERR))


class Work(Task):
    part: Param[Optional[Part]]
    n: Param[int]

    def execute(self) -> None: ...


@contract("configurations 5: ConfigInformation members")
def test_information(tmp_path: Path) -> None:
    part = Part.C(a=tag(3)).tag("who", "me")
    information = part.__xpm__
    assert isinstance(information, ConfigInformation)
    assert information.pyobject is part
    assert information.xpmtype is Part.__xpmtype__
    assert information.values == {"a": 3}
    assert {name: value for name, (value, _) in information._tags.items()} == {"a": 3, "who": "me"}
    assert all(place is not None and place.startswith(__file__) for _, place in information._tags.values())
    assert (information.task, information.job, information.loaded, information.meta) == (None, None, False, None)
    assert information._identifier is None
    information.validate()
    information.seal(DirectoryContext(tmp_path))
    assert information._sealed
    assert information._identifier == information.identifier == part.__identifier__()
    assert information._generated_values == {"out", "log", "err"}
    assert dict(information.xpmvalues()) == {"a": 3}
    assert dict(information.xpmvalues(generated=True))["out"] == tmp_path / "x"
    assert information.provenance_of("a") == SetInfo(information.provenance_of("a").location, "explicit")
    information.__unseal__()
    part.a = 4


@contract("configurations 1: STDOUT, STDERR")
def test_names_of_logs(tmp_path: Path) -> None:
    value = Part.C().instance(context=DirectoryContext(tmp_path))
    assert (value.log, value.err) == (tmp_path / "part.out", tmp_path / "part.err")


@contract("configurations 5: what an unsubmitted task tells")
def test_unsubmitted() -> None:
    work = Work.C(n=1)
    assert work.job is None
    for ask in (lambda: work.jobpath, work.stdout, work.stderr, work.wait):
        with pytest.raises(AssertionError, match="not submitted"):
            ask()


@contract("configurations 5: __arguments__, add_dependencies")
def test_arguments_and_dependencies() -> None:
    work = Work.C(n=1)
    assert work.__arguments__() == {"n": 1, "part": None}
    assert work.add_dependencies("token") is work
    assert work.__xpm__.dependencies == ["token"]


@contract("configurations 9: submit, errors")
def test_submission_errors(tmp_path: Path) -> None:
    with experiment(tmp_path, "errors", run_mode="dry-run"):
        with pytest.raises(ValueError, match="task"):
            Part.C().submit()
        with pytest.raises(ValueError, match="parameter 'n'"):
            Work.C().submit()
        work = Work.C(n=1)
        work.submit()
        with pytest.raises(Exception, match="submitted"):
            work.submit()


@contract("configurations 9: submit hooks are applied to jobs")
def test_hooks_are_applied(tmp_path: Path) -> None:
    from experimaestro import SubmitHook

    seen: list[Any] = []

    class Note(SubmitHook):
        def process(self, job: Any, launcher: Any) -> None:
            seen.append(job)

    @Note()
    class Noted(Task):
        __xpmid__ = "demo.noted"

        def execute(self) -> None: ...

    with experiment(tmp_path, "hooks", run_mode="dry-run"):
        task = Noted.C()
        task.submit()
    assert seen == [task.job]


@contract("configurations 5: sealing")
def test_sealed() -> None:
    work = Work.C(n=1, part=Part.C()).seal()
    with pytest.raises(SealedError):
        work.n = 2
    with pytest.raises(SealedError):
        work.part.a = 2
    with pytest.raises(AssertionError):
        setmeta(work, True)
    work.tag("late", 1)


@contract("running 15: CLIInteraction")
def test_prefilled_answers() -> None:
    ask = CLIInteraction({"a": "x", "b": "Yes", "c": "maybe", "d": "text"})
    assert ask.choice("a", "A", ["x", "y"]) == "x"
    assert ask.checkbox("b", "B") is True
    assert ask.text("d", "D") == "text"
    with pytest.raises(ValueError, match="choices"):
        ask.choice("d", "D", ["x"])
    with pytest.raises(ValueError, match="neither"):
        ask.checkbox("c", "C")


@contract("configurations 2.2: the mixin comes before the users' classes")
def test_order_of_bases() -> None:
    names = [cls.__name__ for cls in Work.C.__mro__]
    expected = ["Work.XPMConfig", "ConfigMixin", "Work", "Config", "object"]
    assert [name for name in names if name in expected] == expected


@contract("configurations 2.2: Generic classes stay ordinary classes")
def test_generic_class() -> None:
    class Box(Config, Generic[T]):
        __xpmid__ = "demo.box"
        x: Param[T]

    assert type(Box) is type
    assert Box[int].C is Box.C


def test_importing_names_does_not_load_what_is_slow() -> None:
    code = (
        "import sys; from experimaestro import Config, Task, Param, Meta, field, tag, pathgenerator\n"
        "class A(Config):\n x: Param[int] = 1\nA.C()\n"
        "print([n for n in ('numpy','rich','click','yaml','inspect','dataclasses','asyncio','docstring_parser',"
        "'socket','subprocess','json','experimaestro._config.tasks') if n in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"
