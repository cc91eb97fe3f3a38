"""Tables for terminals; commands print plain lines when their output goes elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text


def console(*, stderr: bool = False) -> Console:
    """A rich console that neither guesses colours of what we print nor wraps words in markup."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def table(*headings: str) -> Table:
    """An open table: dim headings, no lines."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, no_wrap=True, overflow="ellipsis")
    return made


def state_cell(state: str) -> Text:
    """Icon and label of a state, in its colour."""
    from rich.text import Text

    from experimaestro.cli.text import look

    seen = look(state)
    return Text(f"{seen.icon} {seen.label.lower()}", style=seen.style)
