"""What may name an experiment, and its workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from experimaestro import experiment


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a\0b", "a\nb", " a", "a ", "\udc80", "x" * 201])
def test_what_cannot_be_the_name_of_a_folder_cannot_name_an_experiment(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot name an experiment"):
        experiment(tmp_path / "workspace", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "\u00e9t\u00e9", "a.b", "x" * 200])
def test_other_names_are_folders(name: str, tmp_path: Path) -> None:
    with experiment(tmp_path, name):
        pass
    assert (tmp_path / "experiments" / name / "current").is_symlink()


def test_a_workspace_without_a_name_is_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="folder of the workspace"):
        experiment("", "first")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts the open files that /proc shows")
def test_experiments_that_have_ended_hold_no_files_open(tmp_path: Path) -> None:
    kept = []

    def run() -> int:
        with experiment(tmp_path, "again") as opened:
            kept.append(opened)
        return len(os.listdir("/proc/self/fd"))

    run()
    before = run()
    assert [run() for _ in range(3)] == [before] * 3
