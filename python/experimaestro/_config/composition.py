"""`outer @ inner`: give a configuration to the one parameter of another that takes it; and `sealed_set`."""

from __future__ import annotations

from typing import Any, TypeVar

from experimaestro import _core

T = TypeVar("T")


def compose(outer: Any, inner: Any) -> Any:
    """Set the only parameter of `outer` whose type is a configuration class (or an optional one) that takes `inner`.

    Returns:
        `outer`.

    Raises:
        ValueError: no parameter takes it, or more than one does.
    """
    object_type = type(outer).__xpmtype__
    given = type(inner).__xpmtype__.value_type
    found = []
    for name, argument in object_type.arguments.items():
        spec = argument.spec[1] if argument.spec[0] == "optional" else argument.spec
        if spec[0] in ("config", "generic") and issubclass(given, spec[1]) and argument.kind in ("param", "meta"):
            found.append(name)
    if not found:
        raise ValueError(f"No parameter of {object_type.identifier} takes a configuration of {given.__qualname__}")
    if len(found) > 1:
        raise ValueError(
            f"Ambiguous: the parameters {', '.join(found)} of {object_type.identifier} take a configuration of "
            f"{given.__qualname__}; set one by name"
        )
    setattr(outer, found[0], inner)
    return outer


def sealed_set(*elements: T) -> set[T]:
    """A set of the elements; configurations among them are sealed, so that they have a hash."""
    return {element.seal() if isinstance(element, _core.ConfigBase) else element for element in elements}  # type: ignore[attr-defined]
