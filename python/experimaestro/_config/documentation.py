"""What docstrings and literals say of a class and of its parameters; read only when somebody asks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .types import ObjectType

logger = logging.getLogger("xpm")


class Documentation(NamedTuple):
    """The documentation of one class, without that of its parents."""

    title: str | None
    description: str
    parameters: dict[str, str]


def read_documentation(object_type: ObjectType) -> Documentation:
    """What a class says of itself: its docstring, the sections in it, the literals after its annotations."""
    cls = object_type.value_type
    text = cls.__dict__.get("__doc__") or ""
    title, description, helps = _sections(text) if text.strip() else (None, "", {})
    for name in [name for name in helps if name not in object_type.arguments]:
        logger.warning("the docstring of %s describes '%s', which is no parameter", object_type.identifier, name)
        del helps[name]
    literals = literals_after_annotations(cls)
    helps.update((name, value) for name, value in literals.items() if name in object_type.arguments)
    return Documentation(title, description, helps)


def _sections(text: str) -> tuple[str | None, str, dict[str, str]]:
    from docstring_parser import parse

    try:
        parsed = parse(text)
    except Exception:  # noqa: BLE001 - a docstring is free text: what cannot be parsed is still a text
        lines = text.strip().splitlines()
        return lines[0], "\n".join(lines[1:]).strip(), {}
    helps = {parameter.arg_name: parameter.description or "" for parameter in parsed.params}
    return parsed.short_description, parsed.long_description or "", helps


def literals_after_annotations(cls: type) -> dict[str, str]:
    """String literals that directly follow an annotation in the body of a class, as written.

    Nothing when the source is not at hand (a notebook that was closed, a compiled module).
    """
    import ast
    import inspect
    import textwrap
    from itertools import pairwise

    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    body: Any = getattr(tree.body[0], "body", []) if tree.body else []
    found = {}
    for statement, following in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            found[statement.target.id] = following.value.value
    return found
