"""What classes and their docstrings say, and what the types of parameters are as objects."""

from __future__ import annotations

import logging
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Dict, Generic, List, Optional, Sequence, Tuple, TypeVar, Union

import pytest

import experimaestro
from experimaestro import Config, Meta, Param, Task, field, help
from experimaestro.core.types import (
    AnyType,
    ArrayType,
    DictType,
    EnumType,
    GenericType,
    IntType,
    ObjectType,
    TupleType,
    Type,
    TypeVarType,
    UnionType,
)
from experimaestro.exceptions import ValidationError

contract = pytest.mark.contract
T = TypeVar("T")


class Documented(Config):
    """Short title.

    A longer
    description.

    Args:
        a: from the docstring
        b: from the docstring too
        unknown: nothing
    """

    a: Param[int] = 1
    "literal after a"
    b: Annotated[int, Param[int].__metadata__[0], help("from help")] = 2
    c: Annotated[int, help("from help")] = 3
    d: Meta[int] = 4
    """literal
        not dedented"""
    e: Param[int] = 5


class Child(Documented):
    """Child.

    Attributes:
        e: told by the child
    """

    f: Param[int] = 6


class Bare(Config):
    __xpmid__ = "demo.bare"


@contract("configurations 3: documentation extraction, title and description")
def test_title_and_description() -> None:
    it = Documented.__xpmtype__
    assert it.title == "Short title."
    assert it.description == "A longer\ndescription."
    assert Bare.__xpmtype__.title == "demo.bare"


@contract("configurations 3: documentation extraction, priorities")
def test_help_priorities(caplog: pytest.LogCaptureFixture) -> None:
    arguments = Documented.__xpmtype__.arguments
    with caplog.at_level(logging.WARNING, "xpm"):
        helps = {name: argument.help for name, argument in arguments.items()}
    assert helps == {
        "a": "literal after a",
        "b": "from the docstring too",
        "c": "from help",
        "d": "literal\n        not dedented",
        "e": None,
    }


@contract("configurations 3: documentation, unknown names are warned about")
def test_unknown_names_in_a_docstring(caplog: pytest.LogCaptureFixture) -> None:
    class Odd(Config):
        """Odd.

        :param x: known
        :param y: unknown
        """

        __xpmid__ = "demo.odd"
        x: Param[int]

    with caplog.at_level(logging.WARNING, "xpm"):
        assert Odd.__xpmtype__.arguments["x"].help == "known"
    assert "'y'" in caplog.text


@contract("configurations 3: a subclass docstring does not change the parent's help")
def test_inherited_help() -> None:
    assert Child.__xpmtype__.arguments["e"].help == "told by the child"
    assert Documented.__xpmtype__.arguments["e"].help is None
    assert Child.__xpmtype__.arguments["a"].help == "literal after a"
    assert Child.__xpmtype__.arguments["e"].objecttype is Child.__xpmtype__


@contract("configurations 3: title of a class without source")
def test_class_without_source() -> None:
    scope: dict[str, Any] = {"Config": Config, "Param": Param, "__name__": __name__}
    exec("class Sourceless(Config):\n    '''Title.'''\n    __xpmid__ = 'demo.sourceless'\n    x: Param[int]\n", scope)
    assert scope["Sourceless"].__xpmtype__.title == "Title."
    assert scope["Sourceless"].__xpmtype__.arguments["x"].help is None


class Colour(Enum):
    RED = 1


class Box(Config, Generic[T]):
    x: Param[T]


class Work(Task):
    x: Param[int] = field(default=1)

    def task_outputs(self, dep: Any) -> Documented:
        return dep(Documented.C())


@contract("configurations 2.2: ObjectType members")
def test_object_type() -> None:
    it = Work.__xpmtype__
    assert isinstance(it, ObjectType)
    assert it.value_type is it.originaltype is it.basetype is it.objecttype is Work
    assert it.config_type is it.configtype is Work.C
    assert it.returntype is Documented
    assert Documented.__xpmtype__.returntype is Documented
    assert it.task
    assert not Documented.__xpmtype__.task
    assert it.field_names == {"x"}
    assert Child.__xpmtype__.parents() == [Documented.__xpmtype__]
    assert it.getArgument("x").name == "x"
    assert it.fullyqualifiedname() == f"{__name__}.Work"
    assert it.name() == "work"
    with pytest.raises(ValueError, match="expected"):
        it.validate(3)


@contract("configurations 2.2: Argument members")
def test_argument() -> None:
    argument = Work.__xpmtype__.arguments["x"]
    assert (argument.required, argument.default, argument.constant, argument.ignored) == (False, 1, False, False)
    assert argument.type == IntType()
    assert argument.validate("3") == 3
    assert not argument.isoutput()
    with pytest.raises(ValueError, match="parameter 'x'"):
        argument.validate("a")


TYPES = [
    (int, IntType), (List[int], ArrayType), (list[int], ArrayType), (Dict[str, int], DictType), (Colour, EnumType),
    (Union[int, str], UnionType), (Optional[int], UnionType), (Tuple[int, ...], TupleType), (T, TypeVarType),
    (Box[int], GenericType), (Any, AnyType), (Documented, ObjectType), (Path, Type),
]  # fmt: skip


@contract("configurations 1: core.types classes")
@pytest.mark.parametrize(("annotation", "kind"), TYPES)
def test_type_objects(annotation: Any, kind: type) -> None:
    assert isinstance(Type.from_annotation(annotation), kind)


@contract("configurations 1: core.types members")
def test_members_of_types() -> None:
    assert ArrayType(int).type == IntType()
    pair = DictType(str, int)
    assert (pair.keytype.validate("a"), pair.valuetype.validate("2")) == ("a", 2)
    assert len(UnionType([int, str]).types) == 2
    assert TupleType([int], variadic=True).variadic
    assert TypeVarType(T).typevar is T


@contract("configurations 4: Type.validate raises an error with errors() and loc")
def test_location_of_errors() -> None:
    kind = Type.from_annotation(List[Dict[str, int]])
    assert kind.validate([{"a": "1"}]) == [{"a": 1}]
    with pytest.raises(ValidationError) as caught:
        kind.validate([{}, {"b": "x"}])
    assert [error["loc"] for error in caught.value.errors()] == [(1, "b")]


@contract("configurations 1: experimaestro.Any and Array in annotations")
def test_any_and_array() -> None:
    class Loose(Config):
        __xpmid__ = "demo.loose"
        x: Param[experimaestro.Any]
        y: Param[experimaestro.Array(int)]  # type: ignore[valid-type]
        z: Param[Optional[experimaestro.Any]]

    config = Loose.C(x=object, y=["1"])
    assert config.x is object
    assert config.y == [1]
    assert repr(experimaestro.Any) == "experimaestro.Any"


UNSUPPORTED = [Sequence[int], complex, Sequence, "datetime.datetime", frozenset]


@contract("configurations 4: unsupported types are refused when the class is used")
@pytest.mark.parametrize("annotation", UNSUPPORTED)
def test_unsupported(annotation: Any) -> None:
    import datetime as dt

    class Refused(Config):
        __xpmid__ = "demo.refused"

    Refused.__annotations__ = {"x": Param[dt.datetime if annotation == "datetime.datetime" else annotation]}
    with pytest.raises(TypeError, match=r"parameter 'x' of demo\.refused"):
        Refused.C()


@contract("configurations 4: bare containers")
@pytest.mark.parametrize("annotation", [List, Dict, Tuple, list, dict, tuple, set])
def test_bare_containers(annotation: Any) -> None:
    Type.from_annotation(annotation)


@contract("configurations 1: core.types.Identifier")
def test_identifier_builder() -> None:
    name = experimaestro.Identifier("My").ID["x"]("Y")
    assert str(name) == repr(name) == "my.id.x.y"
    assert name == experimaestro.Identifier("my.id.x.y")
    assert hash(name) == hash(experimaestro.Identifier("my.id.x.y"))
    assert name != "my.id.x.y"

    class Named(Config):
        __xpmid__ = name

    class NamedChild(Named):
        pass

    assert Named.__xpmtype__.identifier == "my.id.x.y"
    assert NamedChild.__xpmtype__.identifier != "my.id.x.y"


class Recursive(Config):
    __xpmid__ = "demo.recursive"


Json = Dict[str, "Json"]


@contract("configurations 4: a type that holds itself is refused")
def test_endless_type() -> None:
    Recursive.__annotations__ = {"x": Param[Json]}
    with pytest.raises(TypeError, match="holds itself"):
        Recursive.C()


@contract("configurations 3: field(converter=)")
def test_converter() -> None:
    class Converted(Config):
        __xpmid__ = "demo.converted"
        x: Param[list[int]] = field(default=[1], converter=lambda given: list(given))

    assert Converted.C(x=(1, 2)).x == [1, 2]
