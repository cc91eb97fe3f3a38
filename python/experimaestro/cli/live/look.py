"""Colours and signs of the phases."""

from __future__ import annotations

from experimaestro.cli.live.board import Phase

STYLES = {
    Phase.DONE: "green",
    Phase.REUSED: "blue",
    Phase.RUNNING: "cyan",
    Phase.WAITING: "bright_black",
    Phase.FAILED: "red",
    Phase.BLOCKED: "magenta",
    Phase.UNNEEDED: "bright_black",
}
_ICONS = {
    Phase.DONE: ("✓", "+"),
    Phase.REUSED: ("↻", "="),
    Phase.RUNNING: ("▶", ">"),
    Phase.WAITING: ("○", "."),
    Phase.FAILED: ("✗", "x"),
    Phase.BLOCKED: ("⊘", "-"),
    Phase.UNNEEDED: ("◌", "~"),
}


def icon(phase: Phase, ascii_only: bool) -> str:
    """The sign of a phase."""
    return _ICONS[phase][ascii_only]
