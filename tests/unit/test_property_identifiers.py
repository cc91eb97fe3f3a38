"""Equal identifiers exactly when the meanings are equal, for random classes and values."""

from __future__ import annotations

import json
import pickle
from typing import Any, List, Optional

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from meaning import meaning
from property_classes import ANYTHING, attempt, built, hierarchies, near, plans

from experimaestro import Config, InstanceConfig, Param, _core
from experimaestro._config.generation import PathlessContext


def hexed(config: Any) -> str:
    return str(config.__identifier__())


@st.composite
def pairs(draw: Any) -> tuple[Any, Any]:
    classes = draw(hierarchies())
    one = draw(plans(classes))
    other = draw(plans(classes)) if draw(st.integers(0, 5)) == 0 else draw(near(one))
    return one, other


@pytest.mark.contract("configurations 11.2: identifiers are equal exactly when what counts is")
@settings(max_examples=200)
@given(pairs())
def test_equal_identifiers_are_equal_meanings(pair: tuple[Any, Any]) -> None:
    one, other = built(pair[0]), attempt(pair[1])
    same = meaning(one) == meaning(other)
    event(f"same: {same}")
    assert (hexed(one) == hexed(other)) == same


@pytest.mark.contract("configurations 11.2: the order of keywords and dict entries, sharing and tags do not count")
@settings(max_examples=100)
@given(hierarchies().flatmap(plans))
def test_the_way_of_building_does_not_count(plan: Any) -> None:
    expected = hexed(built(plan))
    assert hexed(built(plan, backwards=True)) == expected
    assert hexed(built(plan, shared={})) == expected
    assert hexed(built(plan).seal()) == expected


class Anything(Config):
    __xpmid__ = "laws.anything"
    value: Param[Any]


@pytest.mark.contract("configurations 11.3: values of every kind")
@settings(max_examples=200)
@given(ANYTHING.flatmap(lambda value: st.tuples(st.just(value), near(value) | ANYTHING)))
def test_values_are_told_apart(pair: tuple[Any, Any]) -> None:
    one, other = (Anything.C(value=[value]) for value in pair)
    assert (hexed(one) == hexed(other)) == (meaning(list(pair[:1])) == meaning(list(pair[1:])))


class Link(Config):
    __xpmid__ = "laws.link"
    n: Param[int] = 0
    next: Param[Optional[Link]]
    others: Param[List[Link]] = []


GRAPHS = st.integers(1, 4).flatmap(
    lambda size: st.lists(
        st.tuples(
            st.integers(0, 1),
            st.none() | st.integers(0, size - 1),
            st.lists(st.integers(0, size - 1), max_size=2),
        ),
        min_size=size,
        max_size=size,
    )
)


def linked(graph: list[Any]) -> list[Any]:
    nodes = [Link.C(n=n) for n, _, _ in graph]
    for node, (_, following, others) in zip(nodes, graph, strict=True):
        node.next = None if following is None else nodes[following]
        node.others = [nodes[other] for other in others]
    return nodes


def reached(graph: list[Any], start: int) -> set[int]:
    found: set[int] = set()
    pending = [start]
    while pending:
        _, following, others = graph[pending.pop()]
        for target in [*others, *([] if following is None else [following])]:
            if target not in found:
                found.add(target)
                pending.append(target)
    return found


def shape(graph: list[Any], root: int) -> Any:
    """A node as it is seen from itself: its cycle numbered from it, everything else by its own shape."""
    order = [root]
    cycle = {node for node in reached(graph, root) if root in reached(graph, node)}

    def seen(target: int) -> Any:
        if target not in cycle:
            return shape(graph, target)
        if target not in order:
            order.append(target)
        return order.index(target)

    described = []
    for node in order:  # grows
        n, following, others = graph[node]
        described.append((n, None if following is None else ("next", seen(following)), [seen(o) for o in others]))
    return (bool(cycle), described)


@pytest.mark.contract("configurations 11.3: cycles are what they look like from the one that is asked")
@settings(max_examples=150)
@given(GRAPHS, GRAPHS)
def test_graphs_with_cycles(one: list[Any], other: list[Any]) -> None:
    known: dict[str, Any] = {}
    for graph in (one, other):
        for index, node in enumerate(linked(graph)):
            mine = shape(graph, index)
            for identifier, seen in known.items():
                assert (identifier == hexed(node)) == (seen == mine)
            known[hexed(node)] = mine


@pytest.mark.contract("configurations 11.3: members of a cycle, whichever is sealed, identified or stored first")
@settings(max_examples=100)
@given(GRAPHS.flatmap(lambda graph: st.tuples(st.just(graph), st.permutations(range(len(graph))), st.integers(0, 3))))
def test_what_was_identified_before_does_not_count(case: tuple[list[Any], list[int], int]) -> None:
    graph, order, way = case
    expected = [hexed(node) for node in linked(graph)]
    nodes = linked(graph)
    if way == 1:  # as a task is: identified, then sealed with what was found on the way
        _core.identifier(nodes[order[0]], keep=True)
        _core.seal(nodes[order[0]], PathlessContext(), identified=True)
    elif way > 1:
        nodes[order[0]].seal()
    for index in order:
        assert hexed(nodes[index]) == expected[index]
        if way == 3:
            nodes = pickle.loads(pickle.dumps(nodes))
    stored = {it["fields"]["n"]: it["identifier"] for it in _numbered_objects(graph, order)}
    assert stored == {n: hexed(node) for n, node in enumerate(_numbered_nodes(graph)) if n in stored}


def _numbered_nodes(graph: list[Any]) -> list[Any]:
    return linked([(index, following, others) for index, (_, following, others) in enumerate(graph)])


def _numbered_objects(graph: list[Any], order: list[int]) -> list[Any]:
    nodes = _numbered_nodes(graph)
    hexed(nodes[order[0]].seal())
    return json.loads(nodes[order[-1]].seal().__json__())


class Coder(InstanceConfig):
    __xpmid__ = "laws.coder"
    n: Param[int] = 0


class Tree(Config):
    __xpmid__ = "laws.tree"
    below: Param[List[Any]]


TREES = st.recursive(st.integers(0, 3), lambda inner: st.lists(inner, max_size=3), max_leaves=6)


def grown(tree: Any, coders: list[Any]) -> Any:
    return coders[tree] if isinstance(tree, int) else Tree.C(below=[grown(item, coders) for item in tree])


def numbered(tree: Any, values: list[int], met: list[int]) -> Any:
    if isinstance(tree, int):
        if tree not in met:
            met.append(tree)
        return (values[tree], [other for other in met if values[other] == values[tree]].index(tree))
    return [numbered(item, values, met) for item in tree]


@pytest.mark.contract("configurations 2: InstanceConfig: the objects count, in the order in which they are met")
@settings(max_examples=200)
@given(TREES, TREES, st.lists(st.integers(0, 1), min_size=4, max_size=4))
def test_instances(one: Any, other: Any, values: list[int]) -> None:
    assume(isinstance(one, list) and isinstance(other, list))
    identifiers = [hexed(grown(tree, [Coder.C(n=value) for value in values])) for tree in (one, other)]
    meanings = [numbered(tree, values, []) for tree in (one, other)]
    assert (identifiers[0] == identifiers[1]) == (meanings[0] == meanings[1])
