"""Which leaves differ between two configurations, and whether that counts in their identifiers.

Works on snapshots, hence on live configurations and on what jobs stored alike; never imports the user's code. Each pair
of configurations is compared once, however many ways lead to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from experimaestro import _core

from .alignment import align
from .differences import ABSENT, Difference, Differences, Repetition
from .snapshot import UNKNOWN, Node, Origin, Snapshot, read_snapshot, take_snapshot
from .stored_values import key_of, name_of, node_of, shape, text_of


def diff(old: Any, new: Any) -> Differences:
    """What differs between two configurations, each given live or as a path.

    Args:
        old: a configuration, or the path of a job folder, of a `params.json`, or of a folder that `save` wrote.
        new: the other one.

    Raises:
        TypeError: one is neither a configuration nor a path.
        LoadError: a file is missing or damaged.
        ValidationError: a live configuration lacks a required parameter.
    """
    return compare(_snapshot(old), _snapshot(new))


def _snapshot(given: Any) -> Snapshot:
    if isinstance(given, _core.ConfigBase) and not isinstance(given, _core.TaskStub):
        return take_snapshot(given)
    if isinstance(given, (str, Path)):
        return read_snapshot(Path(given))
    raise TypeError(f"diff() takes configurations and paths of job folders, not {given!r}")


def compare(old: Snapshot, new: Snapshot) -> Differences:
    """What differs between two snapshots."""
    return _Comparison(old, new).run()


class _Way(NamedTuple):
    """The way to a value, from its end: as long ways share their beginning, a chain costs no more than its length."""

    above: _Way | None
    step: str

    def __str__(self) -> str:
        steps, way = [], self
        while way.above is not None:
            steps.append(way.step)
            way = way.above
        return "".join(reversed(steps)).lstrip(".")


class _Leaf(NamedTuple):
    """What is known where a value is: of its parameter, on both sides."""

    declared: str | None
    origins: tuple[Origin, Origin]
    counts: bool | None
    why: str | None


class _Pair(NamedTuple):
    old: Node
    new: Node
    way: _Way
    counts: bool | None
    why: str | None


class _Comparison:
    def __init__(self, old: Snapshot, new: Snapshot) -> None:
        self.old, self.new = old, new
        self.found = Differences(old, new)
        self.counted: list[_Pair] = []
        self.uncounted: list[_Pair] = []
        self.seen: dict[tuple[int, int], _Way] = {}
        self.jobs: dict[Path, Snapshot] = {}
        self.below: list[_Pair] = []
        self.again: list[tuple[_Way, _Way]] = []
        """Ways to pairs that were compared before, with the first way."""
        self.marked: dict[int, _Way] = {}
        """Ways to something that differs, by address."""
        self.partners: tuple[dict[int, tuple[Node, _Way]], ...] = ({}, {})
        """What an object of an `InstanceConfig` was first compared with, from both sides."""

    def run(self) -> Differences:
        self.counted.append(_Pair(self.old.main, self.new.main, _Way(None, ""), True, None))
        # All that counts is looked at first: a pair that is reached in both ways counts.
        while self.counted or self.uncounted:
            pair = (self.counted or self.uncounted).pop()
            self._pair(pair)
            for below in reversed(self.below):
                (self.uncounted if below.counts is False else self.counted).append(below)
            self.below.clear()
        self.found.repeated = [
            Repetition(str(way), str(first)) for way, first in self.again if id(first) in self.marked
        ]
        self.found.sort(key=lambda it: it.counts is False)
        return self.found

    # --- configurations

    def _pair(self, pair: _Pair) -> None:
        old, new = self._followed(pair.old), self._followed(pair.new)
        key = id(old), id(new)
        same = old.identifier is not None and old.identifier == new.identifier
        first = self.seen.setdefault(key, pair.way)
        if first is not pair.way:
            if not same and pair.counts is not False:
                self.again.append((pair.way, first))
            return
        if old is new:
            return
        if old.is_instance and new.is_instance:
            self._sharing(pair, old, new)
        self._meta(pair, old, new)
        if same and pair.counts is not False:
            pair = pair._replace(counts=False, why="the identifiers agree")
        elif pair.counts is not False and old.meta is True and new.meta is True:
            pair = pair._replace(counts=False, why="setmeta")
        self._class(pair, old, new)
        if old.is_stub or new.is_stub:
            if not same:
                self._identity(pair, old, new)
            return
        for name in [*old.fields, *(name for name in new.fields if name not in old.fields)]:
            self._parameter(pair, old, new, name)
        self._tasks(pair, old, new)

    def _followed(self, node: Node) -> Node:
        """A linked task that is only a reference, as its own job stored it."""
        jobs = node.snapshot.jobs
        if not node.is_stub or jobs is None or not node.type_id or not node.identifier:
            return node
        folder = jobs / node.type_id / node.identifier
        if folder not in self.jobs:
            try:
                self.jobs[folder] = read_snapshot(folder)
            except _core.LoadError:
                return node  # its job is gone or damaged: the identifier is all that is known
        return self.jobs[folder].main

    def _class(self, pair: _Pair, old: Node, new: Node) -> None:
        before, after = old.type_id, new.type_id
        if before is None or after is None:  # older files have the class alone
            before, after = old.typename, new.typename
        leaf = _Leaf(None, (UNKNOWN, UNKNOWN), pair.counts, pair.why)
        if before != after:
            self._add(_Way(pair.way, "@type"), "type", leaf, before, after, (before, after))
        elif old.typename != new.typename:
            moved = leaf._replace(counts=False, why="same type identifier")
            self._add(_Way(pair.way, "@class"), "type", moved, old.typename, new.typename, (old.typename, new.typename))

    def _sharing(self, pair: _Pair, old: Node, new: Node) -> None:
        """Whether both sides use the same object in the same places, where that counts."""
        firsts = [
            of_side.setdefault(id(node), (partner, pair.way))
            for of_side, node, partner in zip(self.partners, (old, new), (new, old), strict=True)
        ]
        if firsts[0][0] is new and firsts[1][0] is old:
            return
        texts = [f"the same object as {way}" if way is not pair.way else "an object of its own" for _, way in firsts]
        outside = pair.counts is False and pair.why != "the identifiers agree"
        leaf = _Leaf(None, (UNKNOWN, UNKNOWN), not outside, pair.why if outside else None)
        self._add(_Way(pair.way, "@instance"), "changed", leaf, texts[0], texts[1], (texts[0], texts[1]))

    def _identity(self, pair: _Pair, old: Node, new: Node) -> None:
        leaf = _Leaf(None, (UNKNOWN, UNKNOWN), pair.counts, pair.why)
        way = _Way(pair.way, "@identifier")
        self._add(way, "changed", leaf, old.identifier, new.identifier, (str(old.identifier), str(new.identifier)))

    def _meta(self, pair: _Pair, old: Node, new: Node) -> None:
        if old.meta != new.meta:
            # The flag says whether what holds the configuration counts it.
            counts, why = (False, "nothing holds it") if pair.way.above is None else (pair.counts, pair.why)
            leaf = _Leaf("bool", (UNKNOWN, UNKNOWN), counts, why)
            way = _Way(pair.way, "@meta")
            self._add(way, "changed", leaf, old.meta, new.meta, (repr(old.meta), repr(new.meta)))

    def _tasks(self, pair: _Pair, old: Node, new: Node) -> None:
        if old.task is not None or new.task is not None:
            self._nodes(_Way(pair.way, "@task"), pair, old.task, new.task)
        for key, step in (("init-tasks", "@init_tasks"), ("pre-tasks", "@pre_tasks")):
            before, after = old.tasks(key), new.tasks(key)
            ways = align([it.identifier for it in before], [it.identifier for it in after])
            for left, right in ways:
                way = _Way(pair.way, f"{step}[{_index(left, right)}]")
                self._nodes(way, pair, None if left is None else before[left], None if right is None else after[right])

    def _nodes(self, way: _Way, pair: _Pair, old: Node | None, new: Node | None) -> None:
        if old is not None and new is not None:
            self.below.append(_Pair(old, new, way, pair.counts, pair.why))
            return
        leaf = _Leaf(None, (UNKNOWN, UNKNOWN), pair.counts, pair.why)
        texts = ("" if old is None else name_of(old), "" if new is None else name_of(new))
        before = ABSENT if old is None else old.identifier
        after = ABSENT if new is None else new.identifier
        self._add(way, "added" if old is None else "removed", leaf, before, after, texts)

    # --- values

    def _parameter(self, pair: _Pair, old: Node, new: Node, name: str) -> None:
        left, right = old.fields.get(name, ABSENT), new.fields.get(name, ABSENT)
        known = new.parameter(name) or old.parameter(name)
        origins = (
            old.origin(name) if left is not ABSENT else UNKNOWN,
            new.origin(name) if right is not ABSENT else UNKNOWN,
        )
        counts, why = pair.counts, pair.why
        # `setmeta` lets a configuration count in a parameter that does not.
        forced = [node for node, value in ((old, left), (new, right)) if self._is_forced(node, value)]
        if counts is not False:
            counts, why = self._counting(old, new, name, bool(forced))
        leaf = _Leaf(known.declared if known else None, origins, counts, why)
        self._values(_Way(pair.way, f".{name}"), leaf, left, right, old.snapshot, new.snapshot)

    @staticmethod
    def _is_forced(node: Node, value: Any) -> bool:
        inside = None if value is ABSENT else node_of(value, node.snapshot)
        return inside is not None and inside.meta is False

    @staticmethod
    def _counting(old: Node, new: Node, name: str, forced: bool) -> tuple[bool | None, str | None]:
        """Whether a difference of a parameter counts, and why it does not."""
        told = [it for it in (old.parameter(name), new.parameter(name)) if it is not None]
        if not told:
            values = [node.fields[name] for node in (old, new) if name in node.fields]
            is_path = all(value is None or shape(value)[0] == "path" for value in values)
            return (False, "path") if is_path else (None, None)
        if all(it.counts == "never" or (it.counts == "if-forced" and not forced) for it in told):
            return False, {"meta": "Meta", "generated": "generated", "data": "DataPath"}.get(told[-1].kind, "path")
        reasons = [_why_left_out(node, name) for node in (old, new) if name in node.fields]
        if reasons and all(reasons):
            return False, next((why for why in reasons if why == "setmeta"), reasons[-1])
        return True, None

    def _values(self, way: _Way, leaf: _Leaf, left: Any, right: Any, old: Snapshot, new: Snapshot) -> None:
        if left is ABSENT or right is ABSENT:
            texts = tuple("" if it is ABSENT else text_of(it, side) for it, side in ((left, old), (right, new)))
            self._add(way, "added" if left is ABSENT else "removed", leaf, left, right, (texts[0], texts[1]))
            return
        (kind, inside), (other_kind, other) = shape(left), shape(right)
        if kind == other_kind == "config":
            before, after = old.nodes.get(inside), new.nodes.get(other)
            if before is not None and after is not None:
                self.below.append(_Pair(before, after, way, leaf.counts, leaf.why))
            return
        if kind == other_kind and kind in ("list", "tuple"):
            self._items(way, leaf, inside, other, old, new)
        elif kind == other_kind == "set":
            self._items(_Way(way, "{}"), leaf, inside, other, old, new, ordered=False)
        elif kind == other_kind == "dict":
            self._entries(way, leaf, inside, other, old, new)
        elif not _same(leaf.declared, kind, inside, other_kind, other):
            self._add(way, "changed", leaf, left, right, (text_of(left, old), text_of(right, new)))

    def _items(
        self,
        way: _Way,
        leaf: _Leaf,
        left: list[Any],
        right: list[Any],
        old: Snapshot,
        new: Snapshot,
        *,
        ordered: bool = True,
    ) -> None:
        before, after = [key_of(item, old) for item in left], [key_of(item, new) for item in right]
        for i, j in align(before, after, ordered=ordered):
            here = _Way(way, f"[{_index(i, j)}]") if ordered else way
            old_item = ABSENT if i is None else left[i]
            self._values(here, leaf, old_item, ABSENT if j is None else right[j], old, new)

    def _entries(
        self,
        way: _Way,
        leaf: _Leaf,
        left: list[tuple[Any, Any]],
        right: list[tuple[Any, Any]],
        old: Snapshot,
        new: Snapshot,
    ) -> None:
        before = {key_of(key, old): (key, item, old) for key, item in left}
        after = {key_of(key, new): (key, item, new) for key, item in right}
        for key in [*before, *(key for key in after if key not in before)]:
            shown, _, side = before.get(key) or after[key]
            old_item = before[key][1] if key in before else ABSENT
            new_item = after[key][1] if key in after else ABSENT
            self._values(_Way(way, f"[{text_of(shown, side)}]"), leaf, old_item, new_item, old, new)
            # A configuration in a key is equal as far as the identifier goes; what does not count may differ.
            if key in before and key in after:
                self._values(_Way(way, f"[key {text_of(shown, side)}]"), leaf, before[key][0], after[key][0], old, new)

    def _add(self, way: _Way, kind: str, leaf: _Leaf, old: Any, new: Any, texts: tuple[str, str]) -> None:
        above: _Way | None = way
        while above is not None and id(above) not in self.marked:
            self.marked[id(above)] = above
            above = above.above
        self.found.append(
            Difference(str(way), kind, leaf.declared, old, new, *texts, *leaf.origins, leaf.counts, leaf.why)
        )


def _index(old: int | None, new: int | None) -> str:
    if old is not None and new is not None and old != new:
        return f"{old}→{new}"
    return str(old if old is not None else new)


def _why_left_out(node: Node, name: str) -> str | None:
    """Why the value of a parameter that may count is left out of the identifier; `None` if it is not."""
    inside = node_of(node.fields[name], node.snapshot)
    if inside is not None and inside.meta is True:
        return "setmeta"
    return "it is the default" if name in node.left_out or _is_ignored_default(node, name) else None


def _is_ignored_default(node: Node, name: str) -> bool:
    parameter = node.parameter(name)
    return (
        parameter is not None
        and parameter.counts in ("unless-default", "unless-none")
        and node.origin(name).kind == "default"
    )


def _same(declared: str | None, kind: str, left: Any, other_kind: str, right: Any) -> bool:
    """Whether two plain values mean the same: as their bytes are, apart from integers that stand for floats."""
    if {kind, other_kind} == {"int", "float"} and (declared or "").startswith(("float", "Optional[float")):
        return float(left) == float(right)
    return kind == other_kind and repr(left) == repr(right)
