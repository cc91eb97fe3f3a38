"""Type variables of generic configurations."""

from __future__ import annotations

import copy
from typing import Any, Dict, Generic, List, Optional, TypeVar, Union

import pytest

from experimaestro import Config, Param, load, save
from experimaestro.exceptions import ValidationError

contract = pytest.mark.contract
T = TypeVar("T")
U = TypeVar("U")


class Animal(Config):
    pass


class Cat(Animal):
    pass


class Stone(Config):
    pass


Living = TypeVar("Living", bound=Animal)


class Pair(Config, Generic[T]):
    x: Param[T]
    y: Param[Optional[T]]


class Box(Config, Generic[T]):
    item: Param[T]


class Cage(Config, Generic[Living]):
    item: Param[Living]


class Many(Config, Generic[T]):
    items: Param[List[T]]
    named: Param[Dict[str, T]] = {}


class Two(Config, Generic[T]):
    a: Param[Box[T]]
    b: Param[Pair[T]]


class IntBox(Box[int]):
    pass


class HoldsInts(Config):
    box: Param[Box[int]]
    either: Param[Optional[Union[Box[int], Box[str]]]]


@contract("configurations 4: type variables, a later value must be a sub- or super-class")
def test_variables_bind_and_widen() -> None:
    pair = Pair.C(x=Cat.C())
    assert pair.__xpm__.concrete_typevars == {T: Cat}
    pair.y = Cat.C()
    pair.y = Animal.C()
    assert pair.__xpm__.concrete_typevars == {T: Animal}
    with pytest.raises(TypeError, match="stands for"):
        pair.y = Stone.C()
    assert isinstance(pair.y, Animal)
    assert pair.__xpm__.concrete_typevars == {T: Animal}
    with pytest.raises(TypeError):
        Pair.C(x=1, y="a")


@contract("configurations 4: assigning object() widens to everything")
def test_widening_to_everything() -> None:
    pair = Pair.C(x=1, y=object())
    pair.x = "a"
    assert pair.__xpm__.concrete_typevars == {T: object}


@contract("configurations 4: Optional[TypeVar]")
def test_optional_variable() -> None:
    assert Pair.C(x=1).y is None
    assert Pair.C(x=1, y=None).y is None


@contract("configurations 4: a bound TypeVar is enforced")
def test_bounds() -> None:
    assert Cage.C(item=Cat.C())
    with pytest.raises(ValidationError, match="parameter 'item'"):
        Cage.C(item=Stone.C())


@contract("configurations 4: type variables in containers")
def test_containers() -> None:
    with pytest.raises(TypeError, match="parameter 'items'"):
        Many.C(items=[1, "a"])
    many = Many.C(items=[1])
    with pytest.raises(TypeError):
        many.named = {"a": "b"}
    assert many.named == {}


@contract("configurations 4: bindings fuse between parent and child")
def test_fusion() -> None:
    with pytest.raises(TypeError, match="parameter 'b'"):
        Two.C(a=Box.C(item=1), b=Pair.C(x="a"))
    two = Two.C(a=Box.C(item=Cat.C()), b=Pair.C())
    two.b.x = Cat.C()
    with pytest.raises(TypeError):
        two.b.x = Stone.C()
    assert two.__xpm__.concrete_typevars == {T: Cat}


@contract("configurations 4: user generics with arguments")
def test_arguments() -> None:
    HoldsInts.C(box=Box.C(item=1))
    HoldsInts.C(box=IntBox.C(item=2), either=Box.C(item="a"))
    with pytest.raises(TypeError, match=r"parameter 'box'.*Box\[int\]"):
        HoldsInts.C(box=Box.C(item="a"))
    with pytest.raises(TypeError):
        HoldsInts.C(box=Stone.C())
    with pytest.raises(TypeError):
        HoldsInts.C(box=Box.C(item=1), either=Box.C(item=Stone.C()))


@contract("configurations 3: overriding, generics")
def test_overriding() -> None:
    class Parent(Config):
        __xpmid__ = "generic.parent"
        box: Param[Box[Animal]]

    class Narrow(Parent):
        __xpmid__ = "generic.narrow"
        box: Param[Box[Cat]]

    class Wrong(Parent):
        __xpmid__ = "generic.wrong"
        box: Param[Box[Stone]]

    Narrow.C(box=Box.C(item=Cat.C()))
    with pytest.raises(TypeError, match="is not a subtype"):
        Wrong.C()


@contract("configurations 4: copies keep what type variables stand for")
def test_copies() -> None:
    made: Any = copy.deepcopy(Pair.C(x=1))
    with pytest.raises(TypeError):
        made.x = "a"


@contract("configurations 4: type variables are bound again by loading")
def test_loading(tmp_path):
    save(Pair.C(x=Cat.C()), tmp_path)
    loaded = load(tmp_path)
    assert loaded.__xpm__.concrete_typevars == {T: Cat}
    loaded.__xpm__.__unseal__()
    with pytest.raises(TypeError, match="Stone"):
        loaded.y = Stone.C()
    loaded.y = Animal.C()
