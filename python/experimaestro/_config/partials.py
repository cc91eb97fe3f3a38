"""Partial identifiers: folders that jobs share which agree on all but some parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .types import Argument


class ParameterGroup(NamedTuple):
    """A name that parameters share: `field(groups=[group])`. Two groups with the same name are equal."""

    name: str


def param_group(name: str) -> ParameterGroup:
    """A group of parameters.

    >>> param_group("iterations") == param_group("iterations")
    True
    """
    return ParameterGroup(_name(name))


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or not name.isprintable() or "/" in name or name in (".", ".."):
        raise ValueError(f"{name!r} cannot be part of the name of a folder: give printable text without '/'")
    return name


def _groups(given: Iterable[Any] | ParameterGroup | None) -> tuple[ParameterGroup, ...]:
    if given is None:
        return ()
    given = [given] if isinstance(given, (ParameterGroup, str)) else given
    groups = [group if isinstance(group, ParameterGroup) else param_group(group) for group in given]
    return tuple(sorted(set(groups)))


class Partial:
    """Which parameters are left out of a partial identifier; made by `partial(...)`.

    As a class attribute it is named after the attribute. Written where it is used, it is named after what it leaves
    out, so that the same choice is the same folder.
    """

    def __init__(
        self,
        exclude_groups: Iterable[Any] | ParameterGroup | None = None,
        include_groups: Iterable[Any] | ParameterGroup | None = None,
        exclude_no_group: bool = False,
        exclude_all: bool = False,
    ) -> None:
        self.exclude_groups = _groups(exclude_groups)
        self.include_groups = _groups(include_groups)
        self.exclude_no_group = exclude_no_group
        self.exclude_all = exclude_all
        self._given_name: str | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        if self._given_name is None:
            self._given_name = name

    @property
    def name(self) -> str:
        """Name of the folder that holds those of the partial identifiers."""
        if self._given_name is not None:
            return self._given_name
        left_out = ["all"] if self.exclude_all else ["ungrouped"] * self.exclude_no_group
        if not self.exclude_all:
            left_out += [group.name for group in self.exclude_groups]
        words = ["without", *left_out]
        if self.include_groups:
            words += ["but", *(group.name for group in self.include_groups)]
        return "-".join(words)

    def is_excluded(self, argument: Argument) -> bool:
        """Whether a parameter is left out."""
        groups = _groups(argument.groups)
        if any(group in self.include_groups for group in groups):
            return False
        if self.exclude_all or (not groups and self.exclude_no_group):
            return True
        return any(group in self.exclude_groups for group in groups)

    def excluded(self, config: Any) -> set[str]:
        """Names of the parameters of a configuration that are left out."""
        arguments = type(config).__xpmtype__.arguments
        return {name for name, argument in arguments.items() if self.is_excluded(argument)}

    def identifier(self, config: Any) -> _core.Identifier:
        """The identifier that a configuration would have if its class lacked the parameters that are left out."""
        return _core.partial_identifier(config, self.excluded(config))

    def __repr__(self) -> str:
        return f"Partial({self.name!r})"


def partial(
    *,
    exclude_groups: Iterable[Any] | ParameterGroup | None = None,
    include_groups: Iterable[Any] | ParameterGroup | None = None,
    exclude_no_group: bool = False,
    exclude_all: bool = False,
) -> Partial:
    """Choose parameters to leave out of a partial identifier.

    A parameter of one of `include_groups` stays. Else it is left out by `exclude_all`, or by `exclude_no_group` if it
    is in no group, or if one of its groups is in `exclude_groups`.

    Args:
        exclude_groups: groups that are left out.
        include_groups: groups that stay, whatever else is said.
        exclude_no_group: leave out parameters without a group.
        exclude_all: leave out all.

    Raises:
        ValueError: a group has a name that cannot be part of the name of a folder.

    >>> from experimaestro import Param, Task, field
    >>> iterations = param_group("iterations")
    >>> class Learn(Task):
    ...     __xpmid__ = "demo.partial.learn"
    ...     lr: Param[float]
    ...     epochs: Param[int] = field(groups=[iterations])
    ...     checkpoints = partial(exclude_groups=[iterations])
    >>> short, long = Learn.C(lr=0.1, epochs=1), Learn.C(lr=0.1, epochs=100)
    >>> [config.__xpm__.get_partial_identifier(Learn.checkpoints) for config in (short, long)].count(
    ...     short.__xpm__.get_partial_identifier(Learn.checkpoints))
    2
    """
    return Partial(exclude_groups, include_groups, exclude_no_group, exclude_all)
