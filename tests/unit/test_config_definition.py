"""What a class body says, and what the generated classes are."""

from __future__ import annotations

import abc
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest

from experimaestro import (
    Choices,
    Config,
    Constant,
    LightweightTask,
    Meta,
    Option,
    Param,
    PathGenerator,
    Task,
    default,
    field,
    pathgenerator,
)
from experimaestro.exceptions import ValidationError

T = TypeVar("T")


class Base(Config):
    x: Param[int]


class Derived(Base):
    y: Param[float] = 1


class Other(Config):
    __xpmid__ = "My.Other"


class OtherChild(Other):
    pass


class Dynamic(Config):
    @classmethod
    def __xpmid__(cls) -> str:
        return f"dynamic.{cls.__qualname__}"


class DynamicChild(Dynamic):
    pass


@pytest.mark.contract("configurations 2.1: type identifiers")
def test_type_identifiers() -> None:
    assert Base.__xpmtype__.identifier == f"{__name__}.base".lower()
    assert Other.__xpmtype__.identifier == "my.other"
    # A string belongs to the class that defines it.
    assert OtherChild.__xpmtype__.identifier == f"{__name__}.otherchild".lower()
    assert Dynamic.__xpmtype__.identifier == "dynamic.dynamic"
    assert DynamicChild.__xpmtype__.identifier == "dynamic.dynamicchild"


@pytest.mark.contract("configurations 2.1: a type identifier that is no string")
def test_bad_type_identifier() -> None:
    class Numbered(Config):
        __xpmid__ = 3

    with pytest.raises(AssertionError, match="must be a string"):
        Numbered.C()


@pytest.mark.parametrize(
    ("identifier", "mistake"),
    [
        ("../../outside", "cannot name the folder"),
        ("/tmp/outside", "cannot name the folder"),
        ("a/b", "cannot name the folder"),
        ("a\0b", "cannot name the folder"),
        ("a\nb", "cannot name the folder"),
        ("", "no name after its last dot"),
        ("..", "no name after its last dot"),
        ("some.", "no name after its last dot"),
        ("x" * 201, "too long"),
        ("\u00e9" * 101, "too long"),
        ("\udc80", "not Unicode"),
    ],
)
def test_identifier_of_a_task_can_name_its_folder(identifier: str, mistake: str) -> None:
    class Wrong(Task):
        __xpmid__ = identifier

    with pytest.raises(ValidationError, match=mistake) as raised:
        Wrong.C()
    assert "Wrong" in str(raised.value)


@pytest.mark.parametrize("identifier", ["a b", "\u00e9t\u00e9.na\u00efve", "a:b", ".hidden", "x" * 200])
def test_identifier_of_a_task_may_be_any_name(identifier: str) -> None:
    class Fine(Task):
        __xpmid__ = identifier

    assert Fine.__xpmtype__.identifier == identifier


def test_identifier_of_a_configuration_names_no_folder() -> None:
    class Fine(Config):
        __xpmid__ = "https://models/one"

    assert Fine.__xpmtype__.identifier == "https://models/one"


@pytest.mark.parametrize(
    "name", ["tags", "submit", "instance", "task_outputs", "execute", "C", "cls", "__xpm__", "__init__"]
)
@pytest.mark.contract("configurations 2.2: names that configurations need")
def test_a_parameter_cannot_hide_what_every_task_needs(name: str) -> None:
    hiding: Any = type("Hiding", (Task,), {"__xpmid__": "test.hiding", "__annotations__": {name: Param[int]}})
    with pytest.raises(ValidationError, match=f"'{name}' cannot be the name of a parameter"):
        hiding.__getxpmtype__()


@pytest.mark.parametrize("name", ["copy", "job", "type", "id", "self", "tag", "_private"])
def test_a_parameter_may_have_any_other_name(name: str) -> None:
    named: Any = type("Named", (Task,), {"__xpmid__": "test.named", "__annotations__": {name: Param[int]}})
    assert getattr(named.C(**{name: 3}), name) == 3


@pytest.mark.contract("configurations 2.1: classes inside functions")
def test_class_inside_a_function_needs_an_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_called_from_test", False)

    class Local(Config):
        pass

    with pytest.raises(AssertionError, match="within functions"):
        Local.C()


@pytest.mark.contract("configurations 2.2: generated types, aliases, order of bases")
def test_generated_classes() -> None:
    assert type(Base) is type
    assert Base.C is Base.XPMConfig is Base.Config
    assert Base.C.C is Base.C
    assert Base.XPMValue is Base
    assert Base.Value is Base
    assert issubclass(Derived.C, Base.C)
    assert issubclass(Base.C, Base)
    assert not issubclass(Base, Base.C)
    assert Derived.C.__name__ == "Derived.XPMConfig"
    names = [cls.__name__ for cls in Derived.C.__mro__]
    order = ["Derived.XPMConfig", "Base.XPMConfig", "ConfigMixin", "Derived", "Base", "Config", "object"]
    assert [name for name in names if name in order] == order


@pytest.mark.contract("configurations 2.2: __xpmtype__ is that of the class itself")
def test_type_of_a_subclass_is_its_own_from_the_start() -> None:
    class Parent(Config):
        __xpmid__ = "test.parent"

    assert Parent.__xpmtype__.identifier == "test.parent"

    class Child(Parent):
        __xpmid__ = "test.child"

    assert Child.__xpmtype__.identifier == "test.child"
    assert Child.__getxpmtype__() is Child.__xpmtype__


@pytest.mark.contract("configurations 3: parameters are inherited, parents first")
def test_arguments_come_parents_first() -> None:
    assert list(Derived.__xpmtype__.arguments) == ["x", "y"]
    assert Derived.C(x=1).y == 1.0
    assert isinstance(Derived.C(x=1).y, float)


@pytest.mark.contract("configurations 2.3: direct call")
def test_direct_call_makes_a_configuration_without_init() -> None:
    class WithInit(Config):
        __xpmid__ = "test.with.init"
        x: Param[int]

        def __init__(self) -> None:
            raise AssertionError("configurations are not initialised")

    assert type(WithInit(x=1)) is WithInit.C
    assert WithInit(x=1) == WithInit.C(x=1)


class Node(Config):
    child: Param[Node | None] = None
    later: Param[list[Later]] = []


class Later(Config):
    pass


@pytest.mark.contract("configurations 2.2: forward references")
def test_forward_references() -> None:
    assert Node.C(child=Node.C(), later=[Later.C()]).child.child is None


@pytest.mark.contract("configurations 2.2: an unresolvable name raises NameError")
def test_unknown_name_in_an_annotation() -> None:
    class Broken(Config):
        __xpmid__ = "test.broken"
        x: Param[Missing]  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(NameError, match="Missing"):
        Broken.C()


@pytest.mark.contract("configurations 4: types without a canonical form")
def test_unsupported_type_is_refused_when_the_class_is_used() -> None:
    class Unsupported(Config):
        __xpmid__ = "test.unsupported"
        x: Param[complex]

    with pytest.raises(TypeError, match=r"parameter 'x' of test.unsupported.*complex"):
        Unsupported.C()


@pytest.mark.contract("configurations 3: what is a parameter")
def test_plain_annotations_are_no_parameters() -> None:
    class Plain(Config):
        __xpmid__ = "test.plain"
        x: int
        y: Annotated[int, "note"]
        z: Param[int] = 1

    assert list(Plain.__xpmtype__.arguments) == ["z"]


class Kinds(Config):
    a: Param[int]
    b: Meta[int] = 2
    c: Option[int] = 3
    d: Constant[str] = "v1"
    e: Annotated[int, default(4)]
    f: Annotated[Path, pathgenerator("file")]
    g: Param[int] = field(default=5)
    h: Param[int] = field(default=6, ignore_default=True)
    i: Param[list[int]] = field(default_factory=lambda: [7])
    j: Meta[Path] = field(default_factory=PathGenerator("other"))
    k: Annotated[str, Choices(["x", "y"])] = "x"
    l: Param[int | None]  # noqa: E741
    m: Param[int] = field(groups=["g"])


@pytest.mark.contract("configurations 3: annotations, field forms, required rule")
def test_kinds_of_parameters() -> None:
    arguments = Kinds.__xpmtype__.arguments
    kinds = {name: argument.kind for name, argument in arguments.items()}
    assert kinds == {
        "a": "param", "b": "meta", "c": "meta", "d": "constant", "e": "param", "f": "generated", "g": "param",
        "h": "param", "i": "param", "j": "generated", "k": "param", "l": "param", "m": "param",
    }  # fmt: skip
    assert {name for name, argument in arguments.items() if argument.required} == {"a", "m"}
    assert {name for name, argument in arguments.items() if argument.ignore_default} == {"b", "c", "e", "h", "k"}
    config = Kinds.C(a=1, m=2)
    assert (config.b, config.e, config.g, config.h, config.i, config.k, config.l) == (2, 4, 5, 6, [7], "x", None)


@pytest.mark.contract("configurations 3: defaults are cloned per object")
def test_defaults_are_copied() -> None:
    one, other = Kinds.C(a=1), Kinds.C(a=1)
    one.i.append(8)
    assert other.i == [7]


@pytest.mark.contract("configurations 3: wrong defaults, field errors, constants without value")
def test_wrong_defaults_are_refused() -> None:
    class Wrong(Config):
        __xpmid__ = "test.wrong"
        x: Param[int] = "a"

    with pytest.raises(ValueError, match=r"default of parameter 'x' of test.wrong"):
        Wrong.C()
    with pytest.raises(AssertionError, match="not both"):
        field(default=1, default_factory=int)

    class NoValue(Config):
        __xpmid__ = "test.no.value"
        x: Constant[int]

    with pytest.raises(AssertionError, match="needs a value"):
        NoValue.C()


@pytest.mark.contract("configurations 3: field(ignore_default=v), legacy spelling")
def test_legacy_spelling_of_an_ignored_default() -> None:
    with pytest.warns(DeprecationWarning, match="ignore_default"):
        written = field(ignore_default=3)

    class Legacy(Config):
        __xpmid__ = "test.legacy"
        x: Param[int] = written

    assert Legacy.C().x == 3
    assert Legacy.__xpmtype__.arguments["x"].ignore_default


@pytest.mark.contract("configurations 3: overriding")
def test_overriding(caplog: pytest.LogCaptureFixture) -> None:
    class Parent(Config):
        __xpmid__ = "test.override.parent"
        x: Param[Base | None]
        y: Param[list[int]]

    class Narrow(Parent):
        __xpmid__ = "test.override.narrow"
        x: Param[Derived]

    Narrow.C(x=Derived.C(x=1))
    assert "overrides parent parameter 'x'" in caplog.text
    caplog.clear()

    class Silent(Parent):
        __xpmid__ = "test.override.silent"
        x: Param[Derived] = field(overrides=True)

    Silent.__getxpmtype__()
    assert not caplog.text
    assert Silent.__xpmtype__.arguments["x"].required

    class Wide(Parent):
        __xpmid__ = "test.override.wide"
        y: Param[list[str]]

    with pytest.raises(TypeError, match="is not a subtype"):
        Wide.C()

    class Foreign(Parent):
        __xpmid__ = "test.override.foreign"
        y: Param[int]

    with pytest.raises(TypeError, match="is not compatible"):
        Foreign.C()


@pytest.mark.contract("configurations 2.3: foreign bases with metaclass, __new__ and __init__")
def test_mix_ins() -> None:
    class Meta_(type):
        pass

    class Foreign(metaclass=Meta_):
        made: int

        def __new__(cls) -> Any:
            self = super().__new__(cls)
            self.made = 1
            return self

        def __init__(self) -> None:
            self.initialised = True

    class Mixed(Config, Foreign):
        __xpmid__ = "test.mixed"
        x: Param[int]

    class MixedFirst(Foreign, Config):
        __xpmid__ = "test.mixed.first"
        x: Param[int]

    for cls in (Mixed, MixedFirst):
        config = cls.C(x=1)
        assert not hasattr(config, "initialised")
        value = config.instance()
        assert type(value) is cls
        assert (value.x, value.made, value.initialised) == (1, 1, True)


@pytest.mark.contract("configurations 2.2: abstract classes and Generic")
def test_generic_and_abstract_bases() -> None:
    class Abstract(Config, Generic[T], abc.ABC):
        __xpmid__ = "test.abstract"

        @abc.abstractmethod
        def run(self) -> None: ...

    class Concrete(Abstract[int]):
        __xpmid__ = "test.concrete"

        def run(self) -> None: ...

    with pytest.raises(TypeError, match="abstract"):
        Abstract.C()
    assert isinstance(Concrete.C(), Abstract)


@pytest.mark.contract("configurations 2.2: users see only their own classes")
def test_user_init_subclass_sees_only_user_classes() -> None:
    seen: list[str] = []

    class Registered(Config):
        __xpmid__ = "test.registered"

        def __init_subclass__(cls, **options: Any) -> None:
            super().__init_subclass__(**options)
            seen.append(cls.__name__)

    class One(Registered):
        __xpmid__ = "test.registered.one"

    One.C()
    assert seen == ["One"]


@pytest.mark.contract("configurations 9: LightweightTask.execute")
def test_task_classes() -> None:
    assert issubclass(Task, Config)
    assert issubclass(LightweightTask, Config)
    with pytest.raises(NotImplementedError, match="execute"):
        LightweightTask.C().instance().execute()


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Everything(Config):
    a: Param[int | str]
    b: Param[Literal["x", 3]]
    c: Param[Colour]
    d: Param[tuple[int, str]]
    e: Param[tuple[int, ...]]
    f: Param[set[str]]
    g: Param[dict[int, list[float | None]]]
    h: Param[Any]
    i: Param[int | None]
    j: Param[list]
    k: Param[bytes]


@pytest.mark.contract("configurations 4: the table of types")
def test_all_types_together() -> None:
    config = Everything.C(
        a="5", b=3, c=Colour.RED, d=[1, "a"], e=[1, 2], f={"u"}, g={1: [None, 2]}, h={"a": [1]}, j=[1, "b"], k=b"x"
    )
    # A union takes the first member that accepts.
    assert config.a == 5
    assert config.d == (1, "a")
    assert config.e == (1, 2)
    assert config.g == {1: [None, 2.0]}
    assert config.i is None


@pytest.mark.contract("configurations 3: quoted annotations")
def test_annotations_that_are_quoted_twice() -> None:
    # All annotations of this module are strings: each of these is a string in a string.
    class Quoted(Config):
        __xpmid__ = "test.quoted"
        x: "Param[int]"  # noqa: UP037
        y: "Param[Quoted | None]"  # noqa: UP037

    inner = Quoted.C(x=1)
    assert Quoted.C(x=2, y=inner).y is inner
    with pytest.raises(ValueError, match="'x'"):
        Quoted.C(x="one")


@pytest.mark.contract("configurations 2.2: A.XPMValue, A.Value, A.V")
def test_names_of_the_class_of_objects() -> None:
    class Valued(Config):
        __xpmid__ = "test.valued"

    @Valued.value_class()
    class Better(Valued):
        pass

    assert Valued.V is Valued.Value is Valued.XPMValue is Better
