"""Stand-ins for modules that are not installed."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from typing import Optional, Union

import pytest

from experimaestro import Config, Param, Task
from experimaestro.exceptions import ValidationError
from experimaestro.experiments import FakeModuleFinder, mock_modules, noop_decorator


@pytest.fixture(autouse=True)
def finder():
    finder = mock_modules(["absent", "far.away"])
    yield finder
    finder.remove()


@pytest.mark.contract("configurations 13: mock_modules, finder")
def test_the_finder_is_returned_and_asked_first(finder):
    assert isinstance(finder, FakeModuleFinder)
    assert sys.meta_path[0] is finder


@pytest.mark.contract("configurations 13: mock_modules, names")
def test_submodules_and_names_are_there_with_their_path_as_representation():
    import absent.nn.functional as functional
    import far.away.land
    from absent import nn
    from absent.optim import Adam

    assert repr(Adam) == "absent.optim.Adam"
    assert repr(nn.Module.something) == "absent.nn.Module.something"
    assert repr(functional.relu) == "absent.nn.functional.relu"
    assert repr(far.away.land.here) == "far.away.land.here"
    assert nn.Linear is nn.Linear


def test_modules_around_are_not_touched():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("absent_too")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("far.other")


@pytest.mark.contract("configurations 13: mock_modules, private names")
def test_private_names_are_not_there():
    import absent

    for name in ("__version__", "_C"):
        assert not hasattr(absent, name)
        assert not hasattr(absent.nn, name)


@pytest.mark.contract("configurations 13: mock_modules, decorators")
def test_decorators_leave_what_they_decorate():
    import absent

    @absent.jit.script
    def plain():
        return 1

    @absent.no_grad()
    def called():
        return 2

    @absent.compile(mode="fast")
    class Decorated:
        pass

    assert (plain(), called()) == (1, 2)
    assert isinstance(Decorated(), Decorated)


@pytest.mark.contract("configurations 13: mock_modules, bases")
def test_bases_mix_with_each_other_and_with_real_ones():
    import absent

    class Real:
        pass

    class First(absent.nn.Module, absent.Hub, Real, some_option=3):
        def __init__(self):
            super().__init__("anything", goes=True)
            self.done = True

    class Second(absent.Other, First):
        pass

    class Abstract(absent.Module, ABC):
        @abstractmethod
        def f(self): ...

    class Generic(absent.Dataset[int]):
        pass

    assert type(First) is type
    assert Second().done
    assert First.apply(1) is None
    assert issubclass(Second, Real)
    assert isinstance(Generic(), Generic)
    with pytest.raises(TypeError, match="abstract"):
        Abstract()


@pytest.mark.parametrize("module_first", [True, False])
def test_configurations_derive_from_stand_ins(module_first):
    import absent

    class Model(*((absent.nn.Module, Config) if module_first else (Config, absent.nn.Module))):
        width: Param[int]

    class Learn(Task, absent.nn.Module):
        model: Param[Model]

    learn = Learn.C(model=Model.C(width=3))
    assert learn.model.width == 3
    assert Model.C(width=3).instance().width == 3
    assert Model.C(width=3).__identifier__() == Model.C(width=3).__identifier__()


@pytest.mark.contract("configurations 13: mock_modules, annotations")
def test_annotations_and_checks_accept_them():
    import absent

    assert Optional[absent.Tensor] == Union[absent.Tensor, None] == (absent.Tensor | None) == (None | absent.Tensor)
    assert not isinstance(3, absent.Tensor)
    with absent.no_grad(), absent.device("cuda") as device:
        assert list(device) == []
    assert absent.pi * 2 + 1 is not None


def test_a_stand_in_is_no_value_of_a_parameter():
    import absent

    class Model(Config):
        width: Param[float]

    with pytest.raises(ValidationError, match="width"):
        Model.C(width=absent.pi * 2)


def test_removing_takes_the_modules_away(finder):
    importlib.import_module("absent.nn")

    finder.remove()
    assert finder not in sys.meta_path
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("absent.nn")


def test_a_module_that_was_imported_before_stays_real():
    import wsgiref

    finder = mock_modules(["wsgiref"])
    try:
        import wsgiref.headers

        assert wsgiref.headers.Headers.__module__ == "wsgiref.headers"
    finally:
        finder.remove()


@pytest.mark.contract("configurations 13: mock_modules(decorators=)")
def test_naming_decorators_is_deprecated():
    with pytest.warns(DeprecationWarning, match="decorator"):
        mock_modules(["absent"], decorators=["absent.jit"]).remove()


@pytest.mark.contract("configurations 13: noop_decorator")
def test_noop_decorator_in_both_forms():
    def function():
        return 1

    assert noop_decorator(function) is function
    assert noop_decorator(1, option=2)(function) is function
    assert noop_decorator()(function) is function
