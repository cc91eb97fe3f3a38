"""Objects are copied and pickled as what they are: objects, not configurations."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any, Optional

import pytest

from experimaestro import Config, Param, RunMode, Task, experiment


class Held(Config):
    x: Param[int]
    inner: Param[Optional[Held]] = None


class Ordered(Held, dict):
    """An object with contents of its own."""


@pytest.mark.contract("configurations 8: objects are plain objects, copied and pickled as such")
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
@pytest.mark.parametrize("cls", [Held, Ordered])
def test_a_copy_of_an_object_is_an_object(way: Any, cls: Any) -> None:
    made = cls.C(x=1, inner=Held.C(x=2)).instance(keep=False)
    made.other = 7
    copied = way(made)
    assert type(copied) is cls
    assert (copied.x, copied.inner.x, copied.other) == (1, 2, 7)
    assert type(copied.inner) is Held
    assert copied is not made


class Chained(Task):
    x: Param[int]
    before: Param[Optional[Held]] = None

    def task_outputs(self, dep: Any) -> Any:
        return dep(Held.C(x=self.x))

    def execute(self) -> None: ...


PICKLED = pytest.mark.contract("configurations 5: copy, deepcopy and pickle")


def nested(depth: int) -> Any:
    config = Held.C(x=0)
    for x in range(1, depth):
        config = Held.C(x=x, inner=config)
    return config


@PICKLED
def test_configurations_of_any_depth_are_pickled() -> None:
    config = nested(20_000)
    # Again, and with another one around it: what the first time left behind does not matter.
    for pickled in (config, config, Held.C(x=-1, inner=config)):
        back = pickle.loads(pickle.dumps(pickled))
        assert back.__identifier__() == pickled.__identifier__()


@PICKLED
def test_what_was_pickled_before_does_not_matter() -> None:
    config = nested(5_000)
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.dump(config)
    inside = config
    for _ in range(3):
        # A part of what was pickled, also while the pickler lives.
        inside = inside.inner
        assert pickle.loads(pickle.dumps(inside)).x == inside.x
    del config, inside, pickler
    for _ in range(10):
        # New ones, where the old ones were in memory.
        assert pickle.loads(pickle.dumps(nested(5_000))).x == 4_999


class Stubborn:
    def __reduce__(self) -> Any:
        raise OSError("not this one")


class Odd(Config):
    it: Param[Any]
    inner: Param[Held]


@PICKLED
def test_a_pickling_that_fails_leaves_nothing_behind() -> None:
    config = nested(5_000)
    for _ in range(2):
        with pytest.raises(OSError, match="not this one"):
            pickle.dumps(Odd.C(inner=config, it=Stubborn()))
        assert pickle.loads(pickle.dumps(config.inner)).x == 4_998


@PICKLED
def test_what_pickled_configurations_share_is_shared() -> None:
    config = nested(50)
    first, second, third = pickle.loads(pickle.dumps([config, config.inner, Held.C(x=7, inner=config.inner.inner)]))
    assert first.inner is second
    assert third.inner is second.inner


@PICKLED
def test_outputs_of_tasks_that_need_outputs_are_pickled(workspace: Path) -> None:
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        output = Chained.C(x=0).submit()
        for x in range(1, 2_000):
            output = Chained.C(x=x, before=output).submit()
    back = pickle.loads(pickle.dumps(output))
    assert back.__identifier__() == output.__identifier__()
    assert back.__xpm__.task.before.x == 1998
