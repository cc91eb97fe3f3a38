"""Experiment files: reading with places, merging, dotted overrides."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experimaestro.experiments.document import LocatedDict, load_document, parse
from experimaestro.experiments.errors import ExperimentFileError
from experimaestro.experiments.merge import load_experiment_document, load_with_imports, merge, set_dotted

KEYS = st.text("abcdxyz_-", min_size=1, max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=4)


class Quoting(yaml.SafeDumper):
    """Writes every text in quotes: what PyYAML leaves plain (`0E0`) follows YAML 1.1."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def located(value: Any) -> LocatedDict:
    document = parse(yaml.dump(value, Dumper=Quoting), "file.yaml")
    assert isinstance(document, LocatedDict)
    return document


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@CALM
@given(MAPPINGS)
def test_reading_gives_back_what_was_written(value: dict[str, Any]) -> None:
    assert located(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 0.001), ("-2E5", -2e5), ("1.", 1.0), (".5", 0.5), ("1_000", 1000), ("010", 10), ("0x1f", 31),
        ("0o17", 15), ("1:30", "1:30"), ("2026-01-02", "2026-01-02"), ("yes", True), ("Off", False), ("~", None),
        ("", None), ("'1'", "1"), (".inf", math.inf), ("e3", "e3"), ("1.2.3", "1.2.3"), ("y", "y"),
        ("nothing", "nothing"),
    ],
)  # fmt: skip
def test_plain_scalars(text: str, expected: object) -> None:
    value = parse(f"a: {text}", "file.yaml")["a"]
    assert value == expected
    assert type(value) is type(expected)


def test_every_entry_knows_its_line() -> None:
    document = parse("# a comment\na: 1\nb:\n  c: 2\n  d:\n  - 3\n  - {e: 4}\n", "file.yaml")
    assert str(document.origins["a"]) == "file.yaml:2"
    assert str(document["b"].origins["c"]) == "file.yaml:4"
    assert [str(origin) for origin in document["b"]["d"].origins] == ["file.yaml:6", "file.yaml:7"]
    assert str(document["b"]["d"][1].origins["e"]) == "file.yaml:7"


def test_anchors_and_merge_keys() -> None:
    document = parse("base: &base {x: 1, y: 2}\nother:\n  <<: *base\n  y: 3\n", "file.yaml")
    assert document["other"] == {"x": 1, "y": 3}
    assert str(document["other"].origins["x"]) == "file.yaml:1"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: [1, 2\n", "bad.yaml:3", "not valid YAML"),
        ("a: 1\na: 2\n", "bad.yaml:2", "already given at line 1"),
        ("- 1\n", "bad.yaml", "key: value"),
        ("just text\n", "bad.yaml", "key: value"),
        ("a: !!python/object:os.system {}\n", "bad.yaml:1", "not valid YAML"),
        ("a: &a [*a]\n", "bad.yaml:1", "contains itself"),
        ("a: !!int x\n", "bad.yaml:1", "type int"),
        ("? [1]\n: 2\n", "bad.yaml:1", "single value"),
        ("a: 1\n---\nb: 2\n", "bad.yaml:2", "not valid YAML"),
        ("a: \x07\n", "bad.yaml", "not valid YAML"),
        ("[" * 3000, "bad.yaml", ""),
    ],
)
def test_broken_files_say_where(tmp_path: Path, text: str, place: str, words: str) -> None:
    path = write(tmp_path / "bad.yaml", text)
    with pytest.raises(ExperimentFileError) as caught:
        load_document(path, "bad.yaml")
    message = str(caught.value)
    assert message.startswith(place)
    assert words in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ExperimentFileError, match="no such file"):
        load_document(tmp_path / "absent.yaml")
    with pytest.raises(ExperimentFileError, match="folder"):
        load_document(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(ExperimentFileError, match="UTF-8"):
        load_document(tmp_path / "binary.yaml")


@CALM
@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_merging_is_associative_and_leaves_its_arguments_alone(a: Any, b: Any, c: Any) -> None:
    x, y, z = located(a), located(b), located(c)
    left, right = merge(merge(x, y), z), merge(x, merge(y, z))
    assert (x, y, z) == (a, b, c)
    assert merge(x, LocatedDict()) == x == merge(LocatedDict(), x)
    # a single value between two mappings makes the grouping visible: only compare when no such clash exists
    if not _clash(a, b) and not _clash(b, c) and not _clash(a, c):
        assert left == right


def _clash(a: Any, b: Any) -> bool:
    if isinstance(a, dict) != isinstance(b, dict):
        return True
    return isinstance(a, dict) and any(_clash(a[key], b[key]) for key in a.keys() & b.keys())


def test_order_of_strength(tmp_path: Path) -> None:
    write(tmp_path / "pre.yaml", "a: pre\nb: pre\nc: pre\nd: pre\ne: pre\nm: {pre: 1}")
    write(tmp_path / "base.yaml", "b: base\nc: base\nd: base\ne: base\nm: {base: 1}")
    write(tmp_path / "main.yaml", "imports: [base]\nc: main\nd: main\ne: main\nm: {main: 1}")
    write(tmp_path / "post.yaml", "d: post\ne: post\nm: {post: 1}")
    document = load_experiment_document(
        tmp_path / "main", [tmp_path / "pre.yaml"], [tmp_path / "post.yaml"], ["e=conf", "m.conf=1"]
    )
    assert {key: document[key] for key in "abcde"} == {"a": "pre", "b": "base", "c": "main", "d": "post", "e": "conf"}
    assert document["m"] == {"pre": 1, "base": 1, "main": 1, "post": 1, "conf": "1"}
    assert document.origins["b"].source.endswith("base.yaml")


def test_imports_are_relative_to_the_file_that_imports(tmp_path: Path) -> None:
    (tmp_path / "common").mkdir()
    write(tmp_path / "common" / "deep.yaml", "x: 1")
    write(tmp_path / "common" / "base.yaml", "parent: deep.yaml\ny: 2")
    assert load_with_imports(write(tmp_path / "main.yaml", "imports: common/base")) == {
        "imports": "common/base", "parent": "deep.yaml", "x": 1, "y": 2,
    }  # fmt: skip


def test_imports_that_cannot_work(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", "imports: [b]")
    write(tmp_path / "b.yaml", "imports: [a]")
    with pytest.raises(ExperimentFileError, match=r"imports itself .*a\.yaml -> b\.yaml -> a\.yaml"):
        load_with_imports(tmp_path / "a.yaml")
    with pytest.raises(ExperimentFileError, match="keep `imports`"):
        load_with_imports(write(tmp_path / "c.yaml", "imports: []\nparent: a"))
    with pytest.raises(ExperimentFileError, match=r"absent.yaml: there is no such file\n  imported at .*d.yaml:2"):
        load_with_imports(write(tmp_path / "d.yaml", "x: 1\nimports: [absent]"))


def test_overrides_reach_into_lists_and_new_keys() -> None:
    document = located({"layers": [{"size": 1}, {"size": 2}], "lr": 1})
    changed = set_dotted(set_dotted(document, "layers.1.size=3"), "new.deep.key=a=b")
    assert changed == {"layers": [{"size": 1}, {"size": "3"}], "lr": 1, "new": {"deep": {"key": "a=b"}}}
    assert document == {"layers": [{"size": 1}, {"size": 2}], "lr": 1}
    assert str(changed["layers"][1].origins["size"]) == "--conf layers.1.size=3"


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("lr", "key=value"),
        ("=3", "key=value"),
        ("lr.x=1", "single value"),
        ("layers.7=1", "from 0 to 1"),
        ("a..b=1", "key=value"),
    ],
)
def test_overrides_that_cannot_work(assignment: str, words: str) -> None:
    with pytest.raises(ExperimentFileError, match=words):
        set_dotted(located({"layers": [1, 2], "lr": 1}), assignment)
