"""Differences for the eye (text, terminal, notebook) and for programs (plain data)."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .differences import ABSENT

if TYPE_CHECKING:
    from rich.text import Text

    from .differences import Difference, Differences
    from .snapshot import Origin

MOST = 200
"""Differences that are shown of each sort; all are in the list, and in `--json`."""

MOST_ELEMENTS = 10
"""Elements of one container that are shown, so that a longer list does not hide what else differs."""

Piece = tuple[str, str]
"""Some text and its style in rich's words."""

_ORIGINS = {"set": "set", "default": "default", "generated": "generated", "loaded": "loaded"}


def plain(found: Differences) -> str:
    """As text without colours."""
    return "".join(text for text, _ in pieces(found)).rstrip("\n")


def styled(found: Differences) -> Text:
    """As text for `rich.print`."""
    from rich.text import Text

    return Text.assemble(*pieces(found), overflow="fold")


def pieces(found: Differences) -> list[Piece]:
    """The whole text, in pieces of one style."""
    out: list[Piece] = [
        ("--- ", "red"),
        (f"{found.old_label}  {found.old_identifier or ''}\n", "bold"),
        ("+++ ", "green"),
        (f"{found.new_label}  {found.new_identifier or ''}\n", "bold"),
    ]
    counted, uncounted = found.counted, found.uncounted
    if not counted:
        same = "same identifier" if found.same_identifier else "no value that counts differs"
        out.append((f"\n{same}\n", "bold"))
        if not found.same_identifier:
            out.append(("the identifiers differ: they were computed in different ways (scheme or release)\n", "yellow"))
    out += _section(counted)
    for again in found.repeated:
        out += [("\n  ", ""), (again.path, "bold"), (f" is {again.first}, told above\n", "bright_black")]
    if uncounted:
        out.append(("\nNot part of the identifier:\n", "bold"))
        out += _section(uncounted)
    if found.unknown:
        told = ", ".join(dict.fromkeys(found.unknown))
        out.append((f"\n{told}: stored by an older release, which does not say what counts (marked ?)\n", "yellow"))
    return out


def _section(differences: list[Difference]) -> list[Piece]:
    out: list[Piece] = []
    shown = hidden = 0
    for container, members in groupby(differences, _container):
        group = list(members)
        most = min(len(group) if container is None else MOST_ELEMENTS, MOST - shown)
        for it in group[:most]:
            out += _one(it)
        shown += len(group[:most])
        if container is not None and most == MOST_ELEMENTS < len(group):
            out.append((f"\n  … and {len(group) - most} more in {container}\n", "bright_black"))
        elif most < len(group):
            hidden += len(group) - most
    if hidden:
        out.append((f"\n  … and {hidden} more\n", "bright_black"))
    return out


def _container(it: Difference) -> str | None:
    """The list, set or dictionary of which a whole element differs."""
    if it.path.endswith("{}"):
        return it.path[:-2]
    return it.path[: it.path.rindex("[")] if it.path.endswith("]") and "[" in it.path else None


def _one(it: Difference) -> list[Piece]:
    declared = f": {it.declared}" if it.declared else ""
    notes = "  (does not count: " + str(it.why) + ")" if it.counts is False else "  ?" if it.counts is None else ""
    out: list[Piece] = [("\n  ", ""), (it.path, "bold cyan"), (f"{declared}{notes}\n", "bright_black")]
    if it.old is not ABSENT:
        out += [(f"    - {it.old_text}", "red"), (_origin(it.old_origin), "bright_black"), ("\n", "")]
    if it.new is not ABSENT:
        out += [(f"    + {it.new_text}", "green"), (_origin(it.new_origin), "bright_black"), ("\n", "")]
    return out


def _origin(origin: Origin) -> str:
    told = _ORIGINS.get(origin.kind, "")
    return f"   {told}{' at ' + origin.place if origin.place else ''}" if told else ""


def html(found: Differences) -> str:
    """As HTML for a notebook."""
    colours = {"red": "#b31d28", "green": "#22863a", "bold cyan": "#0366d6", "bright_black": "#6a737d"}
    colours["yellow"] = "#b08800"
    parts = []
    for text, style in pieces(found):
        css = f"color:{colours[style]};" if style in colours else ""
        css += "font-weight:bold;" if "bold" in style else ""
        parts.append(f"<span style='{css}'>{escape(text)}</span>" if css else escape(text))
    return f"<pre class='xpm-diff'>{''.join(parts)}</pre>"


def to_json(found: Differences) -> dict[str, Any]:
    """As plain data."""
    return {
        "old": {"label": found.old_label, "identifier": found.old_identifier},
        "new": {"label": found.new_label, "identifier": found.new_identifier},
        "same-identifier": found.same_identifier,
        "differences": [_to_json(it) for it in found],
        "repeated": [it._asdict() for it in found.repeated],
    }


def _to_json(it: Difference) -> dict[str, Any]:
    data: dict[str, Any] = {"path": it.path, "kind": it.kind, "type": it.declared, "counts": it.counts}
    if it.why is not None:
        data["why"] = it.why
    for side, value, origin in (("old", it.old, it.old_origin), ("new", it.new, it.new_origin)):
        if value is not ABSENT:
            data[side] = {"value": value, "set": origin.kind, "at": origin.place}
    return data
