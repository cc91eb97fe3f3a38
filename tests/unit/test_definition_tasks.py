"""What surrounds a submission, told without running anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import pytest

from experimaestro import Config, LightweightTask, Param, Task, stop_tags, tag, tags
from experimaestro._config.lifecycle import prepare_submission

contract = pytest.mark.contract


class Load(LightweightTask):
    n: Param[int] = 0

    def execute(self) -> None: ...


class Train(Task):
    x: Param[int] = 0
    other: Param[Optional[Config]]

    def execute(self) -> None: ...


@contract("configurations 7: init_tasks=[stop_tags(t)]")
def test_tags_of_init_tasks(tmp_path: Path) -> None:
    plain, stopped = Train.C(), Train.C()
    prepare_submission(plain, tmp_path, [Load.C(n=tag(3))])
    prepare_submission(stopped, tmp_path, [stop_tags(Load.C(n=tag(3)))])
    assert tags(plain) == {"n": 3}
    assert tags(stopped) == {}
    assert plain.__identifier__() == stopped.__identifier__()


@contract("configurations 7: init_tasks=[tag(t)] is refused")
def test_tagged_init_tasks(tmp_path: Path) -> None:
    for wrong in (tag(Load.C()), 3, Train, Load.C().instance()):
        with pytest.raises(ValueError, match=r"init_tasks\[0\]"):
            prepare_submission(Train.C(), tmp_path, [wrong])


@contract("configurations 9: pre-tasks are part of the identifier, in no order")
def test_identifier_of_pre_tasks() -> None:
    def identifier(*numbers: int) -> Any:
        return Train.C().add_pretasks(*(Load.C(n=n) for n in numbers)).__identifier__()

    assert identifier(1, 2) == identifier(2, 1)
    assert identifier(1, 2) != identifier(1) != Train.C().__identifier__()
    assert identifier(1, 2) != identifier(1, 3)
    assert identifier(1) != identifier(3)


@contract("configurations 9: init tasks are part of the identifier")
def test_identifier_of_init_tasks(tmp_path: Path) -> None:
    one, other = Train.C(), Train.C()
    prepare_submission(one, tmp_path, [Load.C(n=1), Load.C(n=2)])
    prepare_submission(other, tmp_path, [Load.C(n=2), Load.C(n=1)])
    assert len({str(config.__identifier__()) for config in (one, other, Train.C())}) == 3


@contract("configurations 4: None and paths inside containers")
def test_what_could_not_be_identified_before(tmp_path: Path) -> None:
    class Odd(Task):
        __xpmid__ = "demo.odd.values"
        a: Param[list[Path]]
        b: Param[dict[str, Optional[int]]]
        c: Param[tuple[int, str]]
        d: Param[set[int]]
        e: Param[dict[int, str]]
        f: Param[list[Optional[Train]]]

    def made(first: str) -> Any:
        return Odd.C(a=[first], b={"x": None}, c=(1, "a"), d={1, 2}, e={1: "a"}, f=[None])

    assert made("p").__identifier__() == made("p").__identifier__()
    assert made("p").__identifier__() != made("q").__identifier__()
    assert prepare_submission(made("p"), tmp_path, []).dependencies == []
