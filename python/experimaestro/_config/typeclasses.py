"""Types of parameters as objects: `A.__xpmtype__.arguments["x"].type`, with `validate`.

A thin face of the tuples of `typespec.py`; only these know what a value of the type is.
"""

from __future__ import annotations

import typing
from enum import Enum
from pathlib import Path
from typing import Any

from experimaestro import _core

from .typespec import Spec, spec_of


class Type:
    """The type of a parameter.

    >>> IntType().validate("5")
    5
    """

    def __init__(self, annotation: Any, spec: Spec | None = None) -> None:
        self.annotation = annotation
        self.__xpm_spec__: Spec = spec_of(annotation) if spec is None else spec

    @staticmethod
    def from_annotation(annotation: Any) -> Type:
        """The type that an annotation means.

        Raises:
            UnsupportedType: it cannot be the type of a parameter.
        """
        if isinstance(annotation, Type):
            return annotation
        return _of_spec(annotation, spec_of(annotation))

    fromType = from_annotation  # noqa: N815 - the name of version 1

    def validate(self, value: Any) -> Any:
        """The value to store; `ValidationError`, whose `errors()` tell the place, if it does not fit."""
        return _core.coerce(self.__xpm_spec__, value)

    def name(self) -> str:
        """The type as one writes it."""
        annotation = self.annotation
        return annotation.__qualname__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")

    @property
    def identifier(self) -> str:
        """The same as `name()`."""
        return self.name()

    def __call__(self, *_: Any) -> Any:
        # Only callable objects may stand in annotations (Python 3.10).
        raise TypeError(f"{self!r} is a type for annotations; it makes no objects")

    def __or__(self, other: Any) -> Any:
        return typing.Union[self, other]  # noqa: UP007 - built at run time

    def __ror__(self, other: Any) -> Any:
        return typing.Union[other, self]  # noqa: UP007 - built at run time

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.__xpm_spec__ == other.__xpm_spec__

    def __hash__(self) -> int:
        return hash(self.__xpm_spec__)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name()})"


TypeProxy = Type
"""Something that stands for a type in annotations."""


class _Plain(Type):
    """A type without arguments."""

    plain: Any = None

    def __init__(self) -> None:
        super().__init__(type(self).plain)


class IntType(_Plain):
    """`int`."""

    plain = int


class FloatType(_Plain):
    """`float`."""

    plain = float


class BoolType(_Plain):
    """`bool`."""

    plain = bool


class StrType(_Plain):
    """`str`."""

    plain = str


class BytesType(_Plain):
    """`bytes`."""

    plain = bytes


class PathType(_Plain):
    """`pathlib.Path`."""

    plain = Path


class NoneTypeType(_Plain):
    """`None`, and nothing else."""

    plain = type(None)


class AnyType(_Plain):
    """Anything."""

    plain = typing.Any

    def __repr__(self) -> str:
        return "experimaestro.Any"


class ArrayType(Type):
    """`list[T]`; `type` is that of the elements."""

    def __init__(self, element: Any) -> None:
        self.type = Type.from_annotation(element)
        super().__init__(list[self.type.annotation], ("list", self.type.__xpm_spec__))  # type: ignore[name-defined]


class SetType(Type):
    """`set[T]`; `type` is that of the elements."""

    def __init__(self, element: Any) -> None:
        self.type = Type.from_annotation(element)
        super().__init__(set[self.type.annotation], ("set", self.type.__xpm_spec__))  # type: ignore[name-defined]


class DictType(Type):
    """`dict[K, V]`."""

    def __init__(self, key: Any, value: Any) -> None:
        self.keytype, self.valuetype = Type.from_annotation(key), Type.from_annotation(value)
        spec = ("dict", self.keytype.__xpm_spec__, self.valuetype.__xpm_spec__)
        super().__init__(dict[self.keytype.annotation, self.valuetype.annotation], spec)  # type: ignore[name-defined]


class TupleType(Type):
    """`tuple[A, B]`, or `tuple[T, ...]` when variadic."""

    def __init__(self, types: Any, variadic: bool = False) -> None:
        self.types = [Type.from_annotation(kind) for kind in types]
        self.variadic = variadic
        members = tuple(kind.annotation for kind in self.types)
        spec = ("tuple*" if variadic else "tuple", *(kind.__xpm_spec__ for kind in self.types))
        super().__init__(tuple.__class_getitem__((*members, ...) if variadic else members), spec)


class UnionType(Type):
    """`Union[A, B]`: the first member that accepts wins."""

    def __init__(self, types: Any) -> None:
        self.types = [Type.from_annotation(kind) for kind in types]
        members = tuple(kind.annotation for kind in self.types)
        super().__init__(typing.Union[members])  # noqa: UP007 - built at run time


class EnumType(Type):
    """Members of an enumeration."""

    def __init__(self, enum: type[Enum]) -> None:
        super().__init__(enum)
        self.type = enum


class GenericType(Type):
    """A generic configuration class with arguments."""

    def __init__(self, annotation: Any) -> None:
        super().__init__(annotation)
        self.origin = typing.get_origin(annotation)
        self.args = typing.get_args(annotation)


class TypeVarType(Type):
    """A type variable; what it stands for is told per configuration."""

    def __init__(self, typevar: typing.TypeVar) -> None:
        super().__init__(typevar)
        self.typevar = typevar


_BY_SPEC: dict[Spec, type[_Plain]] = {
    ("int",): IntType, ("float",): FloatType, ("bool",): BoolType, ("str",): StrType, ("bytes",): BytesType,
    ("path",): PathType, ("any",): AnyType, ("literal", None): NoneTypeType,
}  # fmt: skip


def _of_spec(annotation: Any, spec: Spec) -> Type:
    kind = spec[0]
    if spec in _BY_SPEC:
        return _BY_SPEC[spec]()
    arguments = typing.get_args(annotation)
    if kind == "list" and arguments:
        return ArrayType(arguments[0])
    if kind == "set" and arguments:
        return SetType(arguments[0])
    if kind == "dict" and arguments:
        return DictType(*arguments)
    if kind == "tuple" and arguments:
        return TupleType(arguments)
    if kind == "tuple*" and arguments:
        return TupleType(arguments[:1], variadic=True)
    if kind in ("union", "optional") and arguments:
        return UnionType(arguments)
    if kind == "enum":
        return EnumType(annotation)
    if kind == "generic":
        return GenericType(annotation)
    if kind == "variable":
        return TypeVarType(annotation)
    if kind == "config":
        return typing.cast("Type", annotation.__xpmtype__)
    return Type(annotation, spec)


Any_ = AnyType()
"""experimaestro's own "any": a type object for annotations."""


def Array(element: Any) -> ArrayType:  # noqa: N802 - the name is what users write
    """A list of elements of this type: `Param[Array(int)]`."""
    return ArrayType(element)
