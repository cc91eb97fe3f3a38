"""Types of parameters, described."""

from experimaestro._config.annotations import TypeAnnotation
from experimaestro._config.deprecation import DeprecatedAttribute
from experimaestro._config.naming import Identifier
from experimaestro._config.tasks import SubmitHook
from experimaestro._config.typeclasses import (
    Any_ as Any,
)
from experimaestro._config.typeclasses import (
    AnyType,
    Array,
    ArrayType,
    BoolType,
    BytesType,
    DictType,
    EnumType,
    FloatType,
    GenericType,
    IntType,
    NoneTypeType,
    PathType,
    SetType,
    StrType,
    TupleType,
    Type,
    TypeProxy,
    TypeVarType,
    UnionType,
)
from experimaestro._config.types import ObjectType

XPMValue = object
"""Version 1 had a class of this name above all objects."""

__all__ = [
    "Any", "AnyType", "Array", "ArrayType", "BoolType", "BytesType", "DeprecatedAttribute", "DictType", "EnumType",
    "FloatType", "GenericType", "Identifier", "IntType", "NoneTypeType", "ObjectType", "PathType", "SetType",
    "StrType", "SubmitHook", "TupleType", "Type", "TypeAnnotation", "TypeProxy", "TypeVarType", "UnionType",
    "XPMValue",
]  # fmt: skip
