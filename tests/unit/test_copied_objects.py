"""Objects are copied and pickled as what they are: objects, not configurations."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Optional

import pytest

from experimaestro import Config, Param


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
