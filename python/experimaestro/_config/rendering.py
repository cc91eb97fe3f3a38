"""Configurations for the eye: a tree in a terminal (rich), a table in a notebook (HTML)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from experimaestro import _core

from .contents import elements, entries, is_a, is_config, items
from .information import ConfigInformation

if TYPE_CHECKING:
    from rich.tree import Tree

DEEPEST = 6
"""Levels that are shown."""
LONGEST = 20
"""Elements of a container that are shown."""


def _name(config: Any) -> str:
    return str(type(config).__xpmtype__.value_type.__qualname__)


def _rows(value: Any) -> list[tuple[str, Any]]:
    """What is inside a value, by name, index or key."""
    if is_config(value):
        return list(ConfigInformation(value).values.items())
    if is_a(value, dict):
        rows = [(_core.short_text(key), item) for key, item in entries(value)]
    else:
        inside = items(value) if is_a(value, (list, tuple)) else elements(value)
        rows = [(str(index), item) for index, item in enumerate(inside)]
    return rows if len(rows) <= LONGEST else [*rows[:LONGEST], ("…", _Rest(len(rows) - LONGEST))]


class _Rest:
    def __init__(self, count: int) -> None:
        self.count = count

    def __repr__(self) -> str:
        return f"{self.count} more"


def _holds_configurations(value: Any, above: int = 0) -> bool:
    if is_config(value):
        return True
    if above > DEEPEST:
        return False
    if is_a(value, dict):
        return any(_holds_configurations(item, above + 1) for _, item in entries(value))
    if is_a(value, (set, frozenset)):
        return any(map(is_config, elements(value)))
    return is_a(value, (list, tuple)) and any(_holds_configurations(item, above + 1) for item in items(value))


def rich_tree(config: Any) -> Tree:
    """The configuration as a tree for `rich.print`."""
    from rich.text import Text
    from rich.tree import Tree

    def fill(tree: Tree, value: Any, above: tuple[int, ...]) -> None:
        for name, item in _rows(value):
            label = Text(f"{name} = ")
            if not _holds_configurations(item):
                tree.add(label.append(_core.short_text(item), style="green"))
            elif id(item) in above or len(above) >= DEEPEST:
                tree.add(label.append("…", style="dim"))
            else:
                bold = is_config(item)
                label.append(_name(item) if bold else type(item).__name__, style="bold" if bold else "dim")
                fill(tree.add(label), item, (*above, id(item)))

    tree = Tree(Text(_name(config), style="bold"))
    fill(tree, config, (id(config),))
    return tree


def html(config: Any) -> str:
    """The configuration as nested tables that open and close."""
    return f"<div class='xpm-config'>{_html(config, ())}</div>"


def _html(value: Any, above: tuple[int, ...]) -> str:
    if not _holds_configurations(value):
        return f"<code>{escape(_core.short_text(value))}</code>"
    if id(value) in above or len(above) >= DEEPEST:
        return "…"
    name = _name(value) if is_config(value) else type(value).__name__
    rows = "".join(
        f"<tr><td style='text-align:left;vertical-align:top'>{escape(key)}</td>"
        f"<td style='text-align:left'>{_html(item, (*above, id(value)))}</td></tr>"
        for key, item in _rows(value)
    )
    opened = " open" if len(above) < 2 else ""
    return f"<details{opened}><summary><b>{escape(name)}</b></summary><table>{rows}</table></details>"
