"""Which elements of two sequences belong together."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

LONGEST = 2_000
"""Elements between the common ends up to which moved ones are looked for: that takes quadratic time."""


def align(old: list[Any], new: list[Any], *, ordered: bool = True) -> list[tuple[int | None, int | None]]:
    """Pairs of positions; `None` on one side means that the element is only on the other one.

    Args:
        old: keys of the elements: equal for equal elements.
        new: keys of the other elements.
        ordered: whether the order of the elements means something.

    >>> align(["a", "b", "c"], ["a", "x", "b", "c"])
    [(0, 0), (None, 1), (1, 2), (2, 3)]
    >>> align(["a", "b"], ["a", "c"])
    [(0, 0), (1, 1)]
    >>> align(["a", "b"], ["b", "c"], ordered=False)
    [(1, 0), (0, 1)]
    """
    if not ordered:
        return _unordered(old, new)
    if len(old) == len(new):
        # The place of an element says more than its value when nothing was added: widths, learning rates.
        return [(position, position) for position in range(len(old))]
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    pairs: list[tuple[int | None, int | None]] = [(position, position) for position in range(start)]
    pairs += _middle(old, new, start, len(old) - end, len(new) - end)
    pairs += [(len(old) - back, len(new) - back) for back in range(end, 0, -1)]
    return pairs


def _middle(
    old: list[Any], new: list[Any], start: int, old_end: int, new_end: int
) -> list[tuple[int | None, int | None]]:
    if old_end - start + new_end - start > LONGEST:
        return _paired(range(start, old_end), range(start, new_end))
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, old[start:old_end], new[start:new_end], autojunk=False)
    pairs: list[tuple[int | None, int | None]] = []
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        pairs += _paired(range(start + i, start + i_end), range(start + j, start + j_end))
    return pairs


def _paired(left: range, right: range) -> list[tuple[int | None, int | None]]:
    common = min(len(left), len(right))
    pairs: list[tuple[int | None, int | None]] = list(zip(left, right, strict=False))
    pairs += [(position, None) for position in left[common:]]
    pairs += [(None, position) for position in right[common:]]
    return pairs


def _unordered(old: list[Any], new: list[Any]) -> list[tuple[int | None, int | None]]:
    places = defaultdict(list)
    for position, key in enumerate(new):
        places[key].append(position)
    pairs: list[tuple[int | None, int | None]] = []
    alone = []
    for position, key in enumerate(old):
        if places[key]:
            pairs.append((position, places[key].pop(0)))
        else:
            alone.append(position)
    rest = [position for positions in places.values() for position in positions]
    # One that went and one that came are taken for one that changed, when both are of the same kind.
    if len(alone) == len(rest) == 1 and _kind(old[alone[0]]) == _kind(new[rest[0]]):
        return [*pairs, (alone[0], rest[0])]
    return [*pairs, *((position, None) for position in alone), *((None, position) for position in sorted(rest))]


def _kind(key: Any) -> Any:
    return key[0] if isinstance(key, tuple) and key else type(key)
