"""Tags: names for what varies in an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from experimaestro import _core

if TYPE_CHECKING:
    from .classes import Config

T = TypeVar("T")


class TagDict(dict[str, Any]):
    """Tags in name order; cannot be changed, can be hashed."""

    def __init__(self, tags: dict[str, Any]) -> None:
        super().__init__(sorted(tags.items()))

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("tags cannot be changed here: use config.tag(name, value)")

    __setitem__ = __delitem__ = pop = popitem = clear = _refuse
    update = setdefault = _refuse  # pyright: ignore[reportAssignmentType]

    def __reduce__(self) -> Any:
        return TagDict, (dict(self),)


def tag(value: T) -> T:
    """Tag the parameter that gets this value with its own name: `Learn.C(lr=tag(0.1))`."""
    return cast("T", _core.TaggedValue(value))


def stop_tags(value: T) -> T:
    """Give a parameter its value without the tags that are below it."""
    return cast("T", _core.TaggedValue(value, stops=True))


def tags(config: Config | _core.ConfigBase) -> TagDict:
    """Tags of a configuration and of all below it: parameters, init tasks and linked tasks.

    >>> from experimaestro import Config, Param
    >>> class Model(Config):
    ...     __xpmid__ = "demo.model"
    ...     depth: Param[int]
    >>> tags(Model.C(depth=tag(3)))
    {'depth': 3}
    """
    return _core.tags(config, TagDict)  # type: ignore[no-any-return]


def tagspath(config: Config) -> str:
    """The tags as one path component: `depth=3_lr=0.1`."""

    def clean(value: Any) -> Any:
        return value.replace("/", "-") if isinstance(value, str) else value

    return "_".join(f"{clean(name)}={clean(value)}" for name, value in tags(config).items())
