"""The language of `jobs list --filter`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experimaestro.cli.filter import STATES, FilterError, parse_filter

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TAGS = ("lr", "seed", "model-name", "x_1", "größe")
WORDS = st.sampled_from(["a", "b", "ab", "0.1", "3", "true", 'qu"ote', "it's", "back\\slash", ""])
VALUES = st.sampled_from(["a", "b", "ab", 'qu"ote', "it's", "back\\slash", ""])
JOBS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "task_id": st.sampled_from(["a", "ab.b", "b"]),
        "tags": st.dictionaries(st.sampled_from(TAGS), VALUES, max_size=4),
    }
)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def value_of(job: dict[str, Any], variable: str) -> Any:
    return {"@state": job["state"], "@name": job["task_id"]}.get(variable, job["tags"].get(variable))


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Any]:
    """A test as text, with what it means."""
    variable = draw(st.sampled_from(["@state", "@name", *TAGS]))
    words = st.sampled_from(STATES) if variable == "@state" else WORDS
    kind = draw(st.sampled_from(["=", "!=", "in", "not in", "~", "variable"]))
    if kind == "~":
        word = draw(st.sampled_from(["a", "a.*b", "b$", "[ab]+", "r", "d"]))
        import re

        def matches(job: dict[str, Any]) -> bool:
            value = value_of(job, variable)
            return value is not None and re.match(word, value) is not None

        return f"{variable} ~ {quoted(word)}", matches
    if kind == "variable":
        other = draw(st.sampled_from(["@name", *TAGS]))
        return f"{variable} = {other}", lambda job: value_of(job, variable) == value_of(job, other)
    chosen = draw(st.lists(words, min_size=1, max_size=3))
    if kind in ("=", "!="):
        text = f"{variable}{kind}{quoted(chosen[0])}"
        chosen = chosen[:1]
    else:
        text = f"{variable} {kind} [{', '.join(map(quoted, chosen))}]"
    negative = kind in ("!=", "not in")
    return text, lambda job: (value_of(job, variable) in chosen) != negative


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def both(parts: tuple[Any, Any]) -> Any:
        (left, means_left), (right, means_right) = parts
        return f"({left}) and ({right})", lambda job: means_left(job) and means_right(job)

    def either(parts: tuple[Any, Any]) -> Any:
        (left, means_left), (right, means_right) = parts
        return f"({left}) or ({right})", lambda job: means_left(job) or means_right(job)

    pairs = st.tuples(inner, inner)
    negated = inner.map(lambda part: (f"not ({part[0]})", lambda job: not part[1](job)))
    return pairs.map(both) | pairs.map(either) | negated


@CALM
@given(st.recursive(conditions(), combined, max_leaves=6), JOBS)
def test_a_filter_means_what_it_says(expression: tuple[str, Any], job: dict[str, Any]) -> None:
    text, meaning = expression
    assert parse_filter(text)(job) == meaning(job)


@CALM
@given(st.lists(conditions(), min_size=3, max_size=3), JOBS)
def test_and_binds_tighter_than_or(parts: list[tuple[str, Any]], job: dict[str, Any]) -> None:
    (a, _), (b, _), (c, _) = parts
    assert parse_filter(f"{a} or {b} and {c}")(job) == parse_filter(f"{a} or ({b} and {c})")(job)
    assert parse_filter(f"{a} and {b} or {c}")(job) == parse_filter(f"({a} and {b}) or {c}")(job)


def job(state: str = "done", name: str = "learn", **tags: Any) -> dict[str, Any]:
    return {"state": state, "task_id": name, "tags": tags}


@pytest.mark.contract("running 17: DEF: filter expressions")
@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        ('@state = "DONE"', job("done"), True),
        ("@state = 'Error'", job("error"), True),
        ('@state = "failed"', job("error"), True),
        ('@state in ["RUNNING", "done"]', job("running"), True),
        ('@state not in ["RUNNING", "done"]', job("error"), True),
        ('@state ~ "D"', job("done"), True),
        ('lr = "0.1"', job(lr=0.1), True),
        ('lr = "1e-3"', job(lr=0.001), True),
        ("lr = 0.10", job(lr=0.1), True),
        ('seed = "3"', job(seed=3), True),
        ('seed in ["1", "3"]', job(seed=3), True),
        ('flag = "True"', job(flag=True), True),
        ('flag = "1"', job(flag=True), False),
        ('missing = "x"', job(), False),
        ('missing != "x"', job(), True),
        ('missing ~ ".*"', job(), False),
        ('missing not in ["x"]', job(), True),
        ('@name ~ "learn"', job(name="relearn"), False),
        ('a = "1" AND NOT b = "2"', job(a=1, b=3), True),
        ('a.b = "1"', {"state": "done", "task_id": "t", "tags": {"a.b": 1}}, True),
    ],
)
def test_cases_people_write(text: str, row: dict[str, Any], expected: bool) -> None:
    assert parse_filter(text)(row) is expected


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "expected @state"),
        ("lr", 3, "after the variable"),
        ("lr =", 5, "in quotes"),
        ("lr = 'x", 6, "not closed"),
        ('@state = "finished"', 10, "no state 'finished'"),
        ("@stat = 'done'", 1, "there is no @stat"),
        ("lr in 'x'", 7, "expected ["),
        ("lr in ['x'", 11, "column 7 is not closed"),
        ("lr not = 'x'", 8, 'expected "in"'),
        ("(lr = 'x'", 10, "column 1 is not closed"),
        ("lr = 'x' lr = 'y'", 10, 'expected "and", "or"'),
        ("lr = 'x' and", 13, "expected @state"),
        ("lr ~ '('", 6, "regular expression"),
        ("lr = 'x' & b = 'y'", 10, "unexpected character"),
        ("lr == 'x'", 5, "in quotes"),
    ],
)
def test_mistakes_are_pointed_at(text: str, column: int, words: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    message = str(caught.value)
    assert words in message
    assert f"(column {column})" in message
    assert message.splitlines()[-1] == "  " + " " * (column - 1) + "^"


@CALM
@given(st.text(alphabet="@statenml =~()[],\"'andori!0.1\\é\n", max_size=30))
def test_any_text_is_a_filter_or_a_mistake(text: str) -> None:
    try:
        predicate = parse_filter(text)
    except FilterError:
        return
    assert predicate(job()) in (True, False)
