"""What is done with a configuration once it is made, beside the same on dataclasses or on plain data.

Copies, sealing, objects, and the plain form; then the same on more and more nodes, for the cost of each.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import models
from harness import OLDER, WHO, Contender, compare, nothing

SIZES = (100, 1_000, 10_000)


def below(data: Any) -> Iterator[Any]:
    """Yield the dataclasses in the fields of one, in lists too."""
    for field in fields(data):
        value = getattr(data, field.name)
        for item in value if isinstance(value, list) else (value,):
            if is_dataclass(item):
                yield item


def mark(root: Any) -> None:
    """Mark a dataclass and all below it, each once: the least that sealing has to do."""
    seen = {id(root)}
    stack = [root]
    while stack:
        data = stack.pop()
        data.sealed = True
        for child in below(data):
            if id(child) not in seen:
                seen.add(id(child))
                stack.append(child)


def copies(case: str, make: Callable[[Any], Any], **changes: Any) -> None:
    """Compare `copyconfig` with `dataclasses.replace`, of one object again and again."""
    from experimaestro import copyconfig

    config, data = make(models.CONFIGURATIONS), make(models.DATACLASSES)
    contenders = {WHO: Contender(nothing, lambda _: copyconfig(config, **changes))}
    if not OLDER:
        contenders["replace"] = Contender(nothing, lambda _: replace(data, **changes))
        contenders["copy.copy"] = Contender(nothing, lambda _: copy.copy(data))
    compare(case, contenders)


def sealing(case: str, make: Callable[[Any], Any]) -> None:
    """Compare `seal` with marking the same dataclasses."""
    compare(
        case,
        {
            WHO: Contender(lambda: make(models.CONFIGURATIONS), lambda config: config.seal()),
            "marking": Contender(lambda: make(models.DATACLASSES), mark),
        },
    )


def objects(case: str, make: Callable[[Any], Any]) -> None:
    """Compare `instance` with the construction of the same dataclasses."""
    contenders = {WHO: Contender(lambda: make(models.CONFIGURATIONS), lambda config: config.instance())}
    if not OLDER:
        contenders["dataclasses"] = Contender(nothing, lambda _: make(models.DATACLASSES))
    compare(case, contenders)


def plain_data(case: str, make: Callable[[Any], Any]) -> None:
    """Compare both ways of the plain form with JSON text made of it and read again."""
    from experimaestro import SerializationContext, from_state_dict, state_dict

    context = SerializationContext()
    state = state_dict(context, make(models.CONFIGURATIONS))
    floor = Contender(nothing, lambda _: json.loads(json.dumps(state)))
    writing = Contender(lambda: make(models.CONFIGURATIONS), lambda config: state_dict(context, config))
    compare(f"state_dict: {case}", {WHO: writing, "json": floor})
    compare(f"from_state_dict: {case}", {WHO: Contender(nothing, lambda _: from_state_dict(state)), "json": floor})


def many(count: int) -> Callable[[Any], Any]:
    """Return what makes an object that holds a list of `count` nodes."""
    return lambda family: family.Shared(nodes=[family.Node(value=0.5, name="leaf") for _ in range(count)])


if __name__ == "__main__":
    copies("copyconfig: 10 scalars", models.flat, epochs=41)
    copies("copyconfig: 31 nested nodes", models.tree, value=0.25)
    objects("instance: 31 nested nodes", models.tree)
    if not OLDER:
        sealing("seal: 31 nested nodes", models.tree)
        plain_data("31 nested nodes", models.tree)
        for size in SIZES:
            sealing(f"seal: {size:,} nodes", many(size))
            objects(f"instance: {size:,} nodes", many(size))
            plain_data(f"{size:,} nodes", many(size))
