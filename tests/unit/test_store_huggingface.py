"""Configurations in the form of the Hugging Face hub, in local folders; the network is not asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experimaestro import Config, DataPath, Param
from experimaestro.exceptions import LoadError

hub = pytest.importorskip("huggingface_hub")

from experimaestro.huggingface import ExperimaestroHFHub  # noqa: E402

contract = pytest.mark.contract


class Model(Config):
    depth: Param[int]
    weights: DataPath


@pytest.fixture
def model(tmp_path: Path) -> Any:
    (tmp_path / "w.bin").write_bytes(b"weights")
    return Model.C(depth=3, weights=tmp_path / "w.bin")


@contract("configurations 13: experimaestro.huggingface")
def test_a_saved_configuration_comes_back(model: Any, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    ExperimaestroHFHub(model).save_pretrained(folder)
    back = ExperimaestroHFHub.from_pretrained(folder)
    assert back.__identifier__() == model.__identifier__()
    assert back.weights == folder / "weights"
    value = ExperimaestroHFHub.from_pretrained(str(folder), as_instance=True)
    assert type(value) is Model
    assert value.weights.read_bytes() == b"weights"


def test_files_of_a_repository_are_fetched_one_by_one(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "saved"
    ExperimaestroHFHub(model).save_pretrained(folder)
    asked = []

    def download(repository: str, name: str, **options: Any) -> str:
        asked.append((repository, name, options))
        return str(folder / name)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    back = ExperimaestroHFHub.from_pretrained("me/model", revision="v1")
    assert back.weights.read_bytes() == b"weights"
    assert asked == [
        ("me/model", "experimaestro.json", {"revision": "v1"}),
        ("me/model", "weights", {"revision": "v1"}),
    ]


def test_a_definition_of_strangers_executes_no_script(tmp_path: Path) -> None:
    script = tmp_path / "evil_script.py"
    script.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    (tmp_path / "experimaestro.json").write_text(
        f'[{{"id": 0, "module": "evil_script", "type": "A", "file": "{script}", "fields": {{}}}}]'
    )
    with pytest.raises(LoadError, match="cannot be imported"):
        ExperimaestroHFHub.from_pretrained(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_only_configurations_go_to_the_hub() -> None:
    with pytest.raises(TypeError, match="a configuration"):
        ExperimaestroHFHub(3)
