"""Copies of configurations: open ones, deep ones, pickled ones."""

from __future__ import annotations

import copy
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from experimaestro import _core

from .contents import elements, entries, is_a, is_config, is_numpy, items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .classes import Config

ConfigT = TypeVar("ConfigT", bound="Config")


def copyconfig(config: ConfigT, **changes: Any) -> ConfigT:
    """An open configuration of the same class with some parameters changed; values are shared, not copied.

    Constants may be changed here. Tags, task link and init tasks are not copied; generated values are made anew.

    Raises:
        ValidationError: a name is no parameter, or a value does not fit.

    >>> from experimaestro import Config, Param
    >>> class Adam(Config):
    ...     __xpmid__ = "demo.adam"
    ...     lr: Param[float] = 1e-3
    >>> copyconfig(Adam.C(lr=0.1), lr=0.2).lr
    0.2
    """
    if not isinstance(config, _core.ConfigBase):
        raise TypeError(f"copyconfig copies configurations, not {config!r}")
    return _core.copy_changed(config, changes)


def copy_default(value: Any) -> Any:
    """A default for one configuration: containers and configurations are new objects, others are shared.

    What is one configuration in the default is one in the copy: that may count (`InstanceConfig`).
    """
    return _copy_default(value, {})


def _copy_default(value: Any, memo: dict[int, Any]) -> Any:
    if is_config(value):
        return deep_copy(value, memo)
    return _copied(value, lambda item: _copy_default(item, memo))


def deep_copy(config: Any, memo: dict[int, Any] | None = None) -> Any:
    """An open copy of a configuration and of all below it, with tags, meta flags, pre-tasks, init and linked tasks.

    Shared parts stay shared. Tasks below that were submitted are jobs: the copy refers to them, they are not copied.
    """
    memo = {} if memo is None else memo
    order = _core.reachable_configurations(config)
    _keep_hashed(order, memo)
    for source in order:
        if id(source) not in memo:
            is_job = source is not config and _core.state_of(source).submitted
            memo[id(source)] = source if is_job else _core.empty_copy(source)
    for source in order:
        made = memo[id(source)]
        if made is source:
            continue
        for argument, value in source.__xpm__.arguments():
            if argument.read_only and _core.state_of(source).sealed:
                continue
            _core.set_unchecked(made, argument.name, _copy_value(value, memo))
        _bind_variables(made)
        of_source, of_made = _core.state_of(source), _core.state_of(made)
        if of_source.pre_tasks:
            of_made.pre_tasks = [memo[id(task)] for task in of_source.pre_tasks]
        if of_source.init_tasks:
            of_made.init_tasks = [memo[id(task)] for task in of_source.init_tasks]
    return memo[id(config)]


def _keep_hashed(order: list[Any], memo: dict[int, Any]) -> None:
    """Elements of sets and keys, with all below them, are shared with the copy: they are sealed, as they have a hash.

    They are so wherever else they are used: which places hold the same object may count (`InstanceConfig`).
    """
    for source in reversed(order):  # the outer ones first: what is below is walked once
        for _, value in source.__xpm__.arguments():
            for hashed in _hashed(value, False):
                if memo.get(id(hashed)) is not hashed:
                    memo.update((id(below), below) for below in _core.reachable_configurations(hashed))


def _hashed(value: Any, is_hashed: bool) -> Iterator[Any]:
    """Configurations inside a value that are, or are in, an element of a set or a key."""
    if is_config(value):
        if is_hashed:
            yield value
    elif is_a(value, dict):
        for key, item in entries(value):
            yield from _hashed(key, True)
            yield from _hashed(item, is_hashed)
    elif is_a(value, (list, tuple)):
        for item in items(value):
            yield from _hashed(item, is_hashed)
    elif is_a(value, (set, frozenset)):
        for item in elements(value):
            yield from _hashed(item, True)


def _bind_variables(config: Any) -> None:
    """What type variables stand for is found again from the values."""
    bound: dict[Any, Any] = {}
    for argument, value in config.__xpm__.arguments():
        if argument.generic is not None and config.__xpm__.provenance_of(argument.name).kind == "explicit":
            from .generics import bind

            bind(argument.generic, bound, value)
    if bound:
        _core.state_of(config).type_variables = bound


def _copy_value(value: Any, memo: dict[int, Any]) -> Any:
    if is_config(value):
        return memo[id(value)]
    return _copied(value, lambda item: _copy_value(item, memo))


def _copied(value: Any, inside: Callable[[Any], Any]) -> Any:
    """A new container with copies inside; arrays are copied, what cannot be changed is shared."""
    if is_a(value, list):
        return [inside(item) for item in items(value)]
    if is_a(value, dict):
        return {key: inside(item) for key, item in entries(value)}
    if is_a(value, tuple):
        return tuple(inside(item) for item in items(value))
    if is_a(value, set):
        return set(elements(value))
    if is_a(value, frozenset):
        return elements(value)
    return copy.copy(value) if is_numpy(value) else value


class _Announcement:
    """Configurations that one that is being pickled puts before itself, by address.

    It is pickled after them, and holds until then; if pickle gives up before, it is freed with what was to be pickled.
    """

    __slots__ = ("__weakref__", "addresses")

    def __init__(self, below: list[Any]) -> None:
        self.addresses = frozenset(map(id, below))

    def __reduce__(self) -> Any:
        self.addresses = frozenset()
        return int, ()


class _Here(threading.local):
    """What is being pickled by a thread."""

    announcements: tuple[weakref.ref[_Announcement], ...] = ()


_here = _Here()


def reduce(config: Any) -> Any:
    """How a configuration is pickled: class and flags, then what may lead back to it: values and tasks.

    All that is below comes first, the innermost at the very start: pickle, which recurses, never goes deeper than one
    configuration.
    """
    below: list[Any] = []
    announcement = None
    held = [it for it in (known() for known in _here.announcements) if it is not None]
    if not any(id(config) in it.addresses for it in held):
        below = _below(config)
        announcement = _Announcement(below)
        _here.announcements = tuple(map(weakref.ref, [*held, announcement]))
    content = below, announcement, config.__xpm__.values, _core.export_tasks(config)
    return _rebuild, (type(config).__xpmtype__.value_type, _core.export_state(config)), content, None, None, _restore


def _below(config: Any) -> list[Any]:
    """What a configuration is made of and the tasks that this is linked to, each after those that it needs."""
    parts, known = [], {id(config)}
    pending = [config]
    for root in pending:
        reached = _core.reachable_configurations(root)
        parts.append(reached)
        for each in reached:
            task = _core.state_of(each).task
            if task is not None and not isinstance(task, _core.TaskStub) and id(task) not in known:
                known.add(id(task))
                pending.append(task)
    found = {id(each): each for reached in reversed(parts) for each in reached}
    found.pop(id(config), None)
    return list(found.values())


def _rebuild(cls: type[Config], state: Any) -> Any:
    return _core.import_state(cls, state)


def _restore(config: Any, content: tuple[list[Any], Any, dict[str, Any], Any]) -> None:
    _, _, values, tasks = content
    for name, value in values.items():
        _core.set_unchecked(config, name, value)
    if tasks is not None:
        _core.import_tasks(config, tasks)
