"""Plugin of mypy: constructors that take exactly the parameters of a configuration class.

Type checkers see most of a configuration class without it (`dataclass_transform`). What it adds: attributes that are
no parameters, constants and generated paths are not accepted by the constructor; parameters that may be left out
(`Meta`, optional types, `Annotated[..., default(3)]`) are not required; classes may define `__init__`.

Enable it in `pyproject.toml`::

    [tool.mypy]
    plugins = ["experimaestro.mypy"]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mypy.nodes import (
    ARG_NAMED,
    ARG_NAMED_OPT,
    Argument,
    AssignmentStmt,
    CallExpr,
    Expression,
    FuncDef,
    NameExpr,
    PlaceholderNode,
    RefExpr,
    TempNode,
    TypeAlias,
    TypeInfo,
    Var,
)
from mypy.plugin import AttributeContext, ClassDefContext, FunctionSigContext, Plugin
from mypy.plugins.common import add_attribute_to_class, add_method_to_class
from mypy.typeops import map_type_from_supertype, type_object_type
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    NoneType,
    RawExpressionType,
    Type,
    TypeOfAny,
    TypeType,
    TypeVarType,
    UnboundType,
    UnionType,
    get_proper_type,
)
from mypy.typevars import fill_typevars

CONFIG = "experimaestro._config.classes.Config"
ANNOTATIONS = "experimaestro._config.annotations."
CLASS_ATTRIBUTE = "experimaestro._config.classes._ConfigClass"
METADATA = "experimaestro"
CLASS_ALIASES = ("C", "Config", "XPMConfig", "Value", "XPMValue", "V")

REQUIRED, OPTIONAL, EXCLUDED = "required", "optional", "excluded"


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001 - the signature that mypy asks for
    """The entry point of mypy."""
    return ExperimaestroPlugin


def is_config_subclass(info: TypeInfo) -> bool:
    """Whether a class derives from `Config` (or is `Config`)."""
    return any(base.fullname == CONFIG for base in info.mro)


class ExperimaestroPlugin(Plugin):
    """Gives every configuration class its constructor and the names of its generated types."""

    def get_function_signature_hook(self, fullname: str) -> Callable[[FunctionSigContext], CallableType] | None:
        """Called for calls of functions and classes."""
        return _call_of_class if self._class_with_init(fullname) else None

    def get_class_attribute_hook(self, fullname: str) -> Callable[[AttributeContext], Type] | None:
        """Called for attributes of classes."""
        owner, _, name = fullname.rpartition(".")
        if name not in CLASS_ALIASES:
            return None
        symbol = self.lookup_fully_qualified(owner)
        info = symbol.node if symbol is not None else None
        return _class_attribute if isinstance(info, TypeInfo) and is_config_subclass(info) else None

    def _class_with_init(self, fullname: str) -> bool:
        symbol = self.lookup_fully_qualified(fullname)
        info = symbol.node if symbol is not None else None
        return isinstance(info, TypeInfo) and is_config_subclass(info) and _has_own_init(info)

    def get_base_class_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Called for each base of a class."""
        symbol = self.lookup_fully_qualified(fullname)
        if symbol is not None and isinstance(symbol.node, TypeInfo) and is_config_subclass(symbol.node):
            return complete_class
        return None


def complete_class(context: ClassDefContext) -> None:
    """Add what Python makes of a class body to the class that mypy knows."""
    info = context.cls.info
    for base in info.mro:
        if base.fullname == CONFIG:
            # From here on, constructors are made here and not by mypy's own reading of `dataclass_transform`.
            base.dataclass_transform_spec = None
    parameters = _inherited(info)
    for name, kind in _declared(context).items():
        parameters.pop(name, None)
        parameters[name] = kind
    arguments = []
    for name, kind in parameters.items():
        if kind == EXCLUDED:
            continue
        declared = _type_of(info, name)
        if declared is None:
            if not context.api.final_iteration:
                context.api.defer()
                return
            declared = AnyType(TypeOfAny.special_form)
        required = kind == REQUIRED and not _accepts_none(declared)
        arguments.append(Argument(Var(name, declared), declared, None, ARG_NAMED if required else ARG_NAMED_OPT))
    info.metadata[METADATA] = {"parameters": parameters}
    _add_constructor(context, arguments)
    if "Config" not in info.names:
        # In `Config` itself the name cannot be declared: it would hide the class in its own annotations.
        descriptor = context.api.named_type_or_none(CLASS_ATTRIBUTE)
        if descriptor is not None:
            add_attribute_to_class(context.api, context.cls, "Config", descriptor, override_allow_incompatible=True)


def _add_constructor(context: ClassDefContext, arguments: list[Argument]) -> None:
    """Parameters are taken by `__new__`, so that `super().__init__()` keeps meaning the `__init__` of a parent."""
    info = context.cls.info
    method = add_method_to_class(
        context.api, context.cls, "__new__", arguments, fill_typevars(info), is_classmethod=True
    )
    if isinstance(method, FuncDef):
        method.is_class = False


def _has_own_init(info: TypeInfo) -> bool:
    """Whether mypy would take the `__init__` of the class for its constructor, rather than `__new__`."""
    return "__init__" in info.names and "__new__" in info.names


def _construct(signature: CallableType, info: TypeInfo) -> CallableType:
    """A constructor's signature with the parameters of `__new__`."""
    made = info.names["__new__"].node
    if not isinstance(made, FuncDef) or not isinstance(made.type, CallableType):
        return signature
    taken = made.type
    return signature.copy_modified(
        arg_types=taken.arg_types[1:], arg_kinds=taken.arg_kinds[1:], arg_names=taken.arg_names[1:]
    )


def _call_of_class(context: FunctionSigContext) -> CallableType:
    """`A(x=1)` where `A` has an `__init__` of its own, which is for objects and takes nothing."""
    made = get_proper_type(context.default_signature.ret_type)
    return _construct(context.default_signature, made.type) if isinstance(made, Instance) else context.default_signature


def _class_attribute(context: AttributeContext) -> Type:
    """`A.C`: of a class with an `__init__` of its own, likewise; of a generic one, with its variables left open."""
    attribute = get_proper_type(context.default_attr_type)
    if not isinstance(attribute, TypeType) or not isinstance(attribute.item, Instance):
        return context.default_attr_type
    info = attribute.item.type
    is_open = any(isinstance(get_proper_type(argument), (AnyType, TypeVarType)) for argument in attribute.item.args)
    constructor = type_object_type(info)
    if not isinstance(constructor, CallableType) or not (is_open or _has_own_init(info)):
        return context.default_attr_type
    return _construct(constructor, info)


def _inherited(info: TypeInfo) -> dict[str, str]:
    """Parameters of the parents, whose order is that of the class itself: parents first."""
    found: dict[str, str] = {}
    for base in reversed(info.mro[1:]):
        metadata: dict[str, Any] = base.metadata.get(METADATA, {})
        found.update(metadata.get("parameters", {}))
    return found


def _declared(context: ClassDefContext) -> dict[str, str]:
    """Parameters that the class body declares, with how the constructor treats them."""
    found = {}
    for statement in context.cls.defs.body:
        if not isinstance(statement, AssignmentStmt) or statement.unanalyzed_type is None:
            continue
        target = statement.lvalues[0]
        if not isinstance(target, NameExpr):
            continue
        symbol = context.cls.info.names.get(target.name)
        if symbol is None or isinstance(symbol.node, PlaceholderNode):
            continue
        kind = _kind(context, statement.unanalyzed_type, statement.rvalue)
        if kind is not None:
            found[target.name] = kind
    return found


def _kind(context: ClassDefContext, annotation: Type, value: Expression) -> str | None:
    """How the constructor treats an attribute; None when it is no parameter."""
    if not isinstance(annotation, UnboundType):
        return None
    symbol = context.api.lookup_qualified(annotation.name, annotation, suppress_errors=True)
    fullname = symbol.fullname if symbol is not None else None
    if fullname in ("typing.Annotated", "typing_extensions.Annotated", ANNOTATIONS + "Annotated"):
        # The arguments after the type are calls, which mypy does not keep: it cannot be known whether one of them is
        # a default. No error is better than a wrong one.
        marks = annotation.args[1:]
        return OPTIONAL if any(isinstance(mark, (UnboundType, RawExpressionType)) for mark in marks) else None
    if symbol is None or not isinstance(symbol.node, TypeAlias) or not (fullname or "").startswith(ANNOTATIONS):
        return None
    mark = (fullname or "").removeprefix(ANNOTATIONS)
    if mark == "Constant" or _is_generated(value):
        return EXCLUDED
    if mark in ("Meta", "Option", "OptionalDataPath"):
        return OPTIONAL
    return REQUIRED if not _has_default(value) else OPTIONAL


def _has_default(value: Expression) -> bool:
    """Whether what stands after `=` is a default; `field(groups=...)` is none."""
    if isinstance(value, TempNode):
        return False
    if isinstance(value, CallExpr) and _is_field(value):
        legacy = "ignore_default" in value.arg_names and not _is_flag(_keyword(value, "ignore_default"))
        return legacy or "default" in value.arg_names or "default_factory" in value.arg_names
    return True


def _is_generated(value: Expression) -> bool:
    """Whether the value is made by a `PathGenerator`, so that it cannot be given."""
    if not isinstance(value, CallExpr) or not _is_field(value):
        return False
    factory = _keyword(value, "default_factory")
    return (
        isinstance(factory, CallExpr)
        and isinstance(factory.callee, RefExpr)
        and factory.callee.fullname == ANNOTATIONS + "PathGenerator"
    )


def _is_field(call: CallExpr) -> bool:
    return isinstance(call.callee, RefExpr) and call.callee.fullname == ANNOTATIONS + "field"


def _is_flag(value: Expression | None) -> bool:
    return isinstance(value, NameExpr) and value.fullname in ("builtins.True", "builtins.False")


def _keyword(call: CallExpr, name: str) -> Expression | None:
    return next((value for key, value in zip(call.arg_names, call.args, strict=True) if key == name), None)


def _type_of(info: TypeInfo, name: str) -> Type | None:
    """Type of a parameter as seen from a class; None while mypy does not know it."""
    for base in info.mro:
        symbol = base.names.get(name)
        if symbol is not None and isinstance(symbol.node, Var):
            declared = symbol.node.type
            return None if declared is None else map_type_from_supertype(declared, info, base)
    return AnyType(TypeOfAny.special_form)


def _accepts_none(declared: Type) -> bool:
    """Whether a parameter of this type reads as None when it is not given."""
    proper = get_proper_type(declared)
    return isinstance(proper, UnionType) and any(isinstance(get_proper_type(t), NoneType) for t in proper.items)
