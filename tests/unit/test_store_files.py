"""Files that belong to configurations go where the definition goes, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List

import pytest

from experimaestro import (
    Config,
    DataPath,
    OptionalDataPath,
    Param,
    PathSerializationLWTask,
    from_state_dict,
    load,
    save,
    state_dict,
)
from experimaestro._config import data_paths
from experimaestro.core.context import SerializationContext, SerializedPath

contract = pytest.mark.contract


class Weights(Config):
    w: DataPath
    extra: OptionalDataPath


class Net(Config):
    n: Param[Weights]
    several: Param[List[Weights]] = []
    named: Param[Dict[str, Weights]] = {}


class Renamed(Config):
    w: DataPath

    def __xpm_serialize__(self, context: SerializationContext) -> dict[str, SerializedPath]:
        with context.push("own"):
            saved = context.serialize([*context.var_path, "model.bin"], self.w, self)
            assert context.depth == len(context.var_path)
        return {**super().__xpm_serialize__(context), "w": saved}


class Undeclared(Config):
    """Saves a file that is no parameter."""

    def __xpm_serialize__(self, context: SerializationContext) -> dict[str, SerializedPath]:
        data = super().__xpm_serialize__(context)
        data["log"] = context.serialize([*context.var_path, "log"], self.log_file, self)
        return data


class Clash(Config):
    w: DataPath

    def __xpm_serialize__(self, context: SerializationContext) -> dict[str, SerializedPath]:
        return {"w": context.serialize(["same"], self.w, self)}


def file_of(folder: Path, name: str, content: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content or name)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@contract("configurations 12.3: names of saved files")
def test_names_lead_from_what_is_saved_to_the_file(source: Path, target: Path) -> None:
    files = [file_of(source, name) for name in "abcd"]
    shared = Weights.C(w=files[0])
    config = Net.C(n=shared, several=[shared, Weights.C(w=files[1])], named={"x": Weights.C(w=files[2])})
    save(config, target)
    assert {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()} == {
        "experimaestro.json",
        "n/w",
        "several/1/w",
        "named/x/w",
    }
    back = load(target)
    assert back.n is back.several[0]
    assert back.n.w == target / "n" / "w"
    assert back.n.extra is None
    assert [item.w.read_text() for item in (*back.several, back.named["x"])] == ["a", "b", "c"]
    assert load(target, as_instance=True).named["x"].w.read_text() == "c"
    assert back.__identifier__() == config.__identifier__()


@contract("configurations 12.3: top-level lists have an index")
def test_elements_of_a_list_do_not_meet(source: Path, target: Path) -> None:
    save([Weights.C(w=file_of(source, "a")), Weights.C(w=file_of(source, "b"))], target)
    assert [item.w.read_text() for item in load(target)] == ["a", "b"]
    save({"k": Weights.C(w=file_of(source, "c"))}, target)
    assert load(target)["k"].w == target / "k" / "w"


@contract("configurations 12.3: hard links first")
def test_files_are_linked_where_possible_else_copied(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(source, "a")
    save(Weights.C(w=file), target)
    assert os.path.samefile(file, target / "w")

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    other = target.parent / "other"
    other.mkdir()
    save(Weights.C(w=file), other)
    assert not os.path.samefile(file, other / "w")
    assert (other / "w").read_text() == "a"


@pytest.mark.contract("configurations 12.3: folders")
def test_folders_are_saved_whole_and_replace_what_was_there(source: Path, target: Path) -> None:
    file_of(source, "tree/deep/one")
    (source / "tree" / "link").symlink_to(file_of(source, "elsewhere"))
    save(Weights.C(w=source / "tree"), target)
    assert load(target).w.is_dir()
    assert (target / "w" / "deep" / "one").read_text() == "tree/deep/one"
    assert (target / "w" / "link").read_text() == "elsewhere"
    file_of(source, "second/two")
    save(Weights.C(w=source / "second"), target)
    assert [str(p.relative_to(target / "w")) for p in (target / "w").rglob("*")] == ["two"]
    save(Weights.C(w=file_of(source, "a")), target)
    assert (target / "w").read_text() == "a"


@contract("configurations 12.3: saving twice into one folder")
def test_saving_twice_works_also_from_the_folder_itself(source: Path, target: Path) -> None:
    file_of(source, "tree/one")
    config = Net.C(n=Weights.C(w=file_of(source, "a"), extra=source / "tree"))
    for _ in range(2):
        save(config, target)
    before = sorted(target.rglob("*"))
    for _ in range(2):
        save(load(target), target)
    assert sorted(target.rglob("*")) == before
    assert load(target).n.w.read_text() == "a"
    assert (load(target).n.extra / "one").read_text() == "tree/one"


@contract("configurations 12.3: conflicts")
def test_two_files_under_one_name_are_a_conflict(source: Path, target: Path) -> None:
    pair = [Clash.C(w=file_of(source, "a")), Clash.C(w=file_of(source, "b"))]
    with pytest.raises(ValueError, match="Serialization path conflict"):
        save(pair, target)
    assert not (target / "experimaestro.json").exists()


def test_a_file_that_is_not_there_leaves_the_definition_as_it_was(source: Path, target: Path) -> None:
    save(Weights.C(w=file_of(source, "a")), target)
    before = (target / "experimaestro.json").read_bytes()
    with pytest.raises(FileNotFoundError, match="cannot be saved"):
        save(Net.C(n=Weights.C(w=source / "gone")), target)
    assert (target / "experimaestro.json").read_bytes() == before
    assert load(target).w.read_text() == "a"


def test_an_interrupted_copy_leaves_the_old_file(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Weights.C(w=file_of(source, "a")), target)

    def broken(_: str, to: str) -> None:
        Path(to).write_text("hal")
        raise OSError("disk full")

    monkeypatch.setattr(data_paths, "_link_or_copy", broken)
    with pytest.raises(OSError, match="disk full"):
        save(Weights.C(w=file_of(source, "b")), target)
    assert sorted(p.name for p in target.iterdir()) == ["experimaestro.json", "w"]
    assert (target / "w").read_text() == "a"


def test_a_folder_is_not_saved_inside_itself(source: Path) -> None:
    inside = source / "tree" / "saved"
    inside.mkdir(parents=True)
    with pytest.raises(ValueError, match="inside itself"):
        save(Weights.C(w=source / "tree"), inside)
    assert list(inside.iterdir()) == []


@contract("configurations 12.3: __xpm_serialize__ renames")
def test_classes_choose_the_names_of_their_files(source: Path, target: Path) -> None:
    save([Renamed.C(w=file_of(source, "a"))], target)
    assert load(target)[0].w == target / "0" / "own" / "model.bin"


@contract("configurations 12.3: __xpm_serialize__ adds undeclared files")
def test_files_that_are_no_parameter_come_back_as_attributes(source: Path, target: Path) -> None:
    config = Undeclared.C()
    config.log_file = file_of(source, "a")
    save(config, target)
    assert load(target).log == target / "log"
    assert load(target, as_instance=True).log.read_text() == "a"


@contract("configurations 12.3: SerializationContext without a folder")
def test_without_a_folder_files_are_recorded(source: Path) -> None:
    file = file_of(source, "a")
    context = SerializationContext()
    state = state_dict(context, Net.C(n=Weights.C(w=file)))
    assert context.serialized_paths == {Path("n/w"): file}
    with pytest.raises(RuntimeError, match="give path="):
        from_state_dict(state)
    asked: list[Any] = []

    def loader(path: Any) -> Path:
        asked.append(path)
        return file

    assert from_state_dict(state, loader).n.w == file
    assert asked == [SerializedPath("n/w", is_folder=False)]
    assert from_state_dict(state, "/x").n.w == Path("/x/n/w")


def test_definitions_do_not_point_out_of_their_folder(source: Path) -> None:
    state = state_dict(SerializationContext(), Weights.C(w=file_of(source, "a")))
    for path in ("../a", "/etc/passwd", "", "x/../../a"):
        state["objects"][-1]["fields"]["w"]["value"] = path
        with pytest.raises(RuntimeError, match="points out of the folder"):
            from_state_dict(state, source)


@pytest.mark.contract("configurations 12.1: loaders given as functions")
def test_a_function_can_find_the_definition_too(source: Path, target: Path) -> None:
    save(Weights.C(w=file_of(source, "a")), target)
    assert load(lambda path: target / path).w.read_text() == "a"


class Part(Config):
    n: Param[int]


class FromFile(PathSerializationLWTask):
    def execute(self) -> None:
        self.value.state = self.path.read_text()


@pytest.mark.contract("configurations 12.2: pre-tasks")
def test_pre_tasks_come_back_and_run_for_an_instance(source: Path, target: Path) -> None:
    config = FromFile.construct(Part.C(n=1), file_of(source, "a"), lambda loader: loader)
    save([config], target)
    (back,) = load(target)
    assert back.__identifier__() == config.__identifier__()
    assert [type(task) for task in back.__xpm__._state.pre_tasks] == [FromFile.C]
    (value,) = load(target, as_instance=True)
    assert value.state == "a"
