"""What a comparison of two configurations finds: leaves that differ, and whether each counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text

    from .snapshot import Origin, Snapshot


class Absent:
    """Stands for the value of a side that has none."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()


class Difference(NamedTuple):
    """One leaf that differs."""

    path: str
    """Where: `model.layers[1].width`; `model@task.lr` is in the task whose output `model` is."""
    kind: str
    """`changed`, `added`, `removed`, or `type`: it is of another class."""
    declared: str | None
    """Type of the parameter; `None` when it is not known."""
    old: Any
    """Stored form of the first value (docs/serialization.md), or `ABSENT`."""
    new: Any
    """Stored form of the second value, or `ABSENT`."""
    old_text: str
    """The first value for people, shortened."""
    new_text: str
    """The second value for people, shortened."""
    old_origin: Origin
    """How and where the first value was set."""
    new_origin: Origin
    """How and where the second value was set."""
    counts: bool | None
    """Whether it counts in the identifier; `None` when an older release did not store enough to tell."""
    why: str | None
    """Why it does not count: `Meta`, `path`…"""


class Repetition(NamedTuple):
    """A pair of configurations that is reached once more."""

    path: str
    first: str
    """Where its differences are told."""


class Differences(list[Difference]):
    """All that differs, what counts first. Empty, hence false, when nothing does.

    >>> from experimaestro import Config, Param
    >>> class Model(Config):
    ...     __xpmid__ = "demo.model"
    ...     width: Param[int]
    >>> found = Model.C(width=1).diff(Model.C(width=2))
    >>> [(it.path, it.old, it.new, it.counts) for it in found]
    [('width', 1, 2, True)]
    """

    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        super().__init__()
        self.old_label, self.new_label = old.label, new.label
        self.old_identifier, self.new_identifier = old.main.identifier, new.main.identifier
        self.repeated: list[Repetition] = []
        self.unknown = [side.label for side in (old, new) if not side.tells_what_counts]
        """Sides that were stored by an older release, which does not say what counts."""

    @property
    def counted(self) -> list[Difference]:
        """Those that make the identifiers different, or may."""
        return [it for it in self if it.counts is not False]

    @property
    def uncounted(self) -> list[Difference]:
        """Those that do not count in the identifier."""
        return [it for it in self if it.counts is False]

    @property
    def same_identifier(self) -> bool:
        """Whether both are the same thing to a workspace."""
        return self.old_identifier is not None and self.old_identifier == self.new_identifier

    def to_json(self) -> dict[str, Any]:
        """As plain data: what `xpm diff --json` prints."""
        from .difference_text import to_json

        return to_json(self)

    def __str__(self) -> str:
        from .difference_text import plain

        return plain(self)

    def __rich__(self) -> Text:
        from .difference_text import styled

        return styled(self)

    def _repr_html_(self) -> str:
        from .difference_text import html

        return html(self)
