"""Jobs that agree on all but some parameters share a folder, and use it one at a time."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from experimaestro import experiment


@pytest.mark.contract("configurations 10: partial identifiers")
def test_a_folder_is_shared_and_written_by_one_job_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "project"))
    sharing = importlib.import_module("sharing")
    with experiment(tmp_path, "partial"):
        tasks = [kind.C(lr=0.1, epochs=epochs) for kind in (sharing.Learn, sharing.Fine) for epochs in range(4)]
        tasks.append(sharing.Learn.C(lr=0.2, epochs=0))
        for task in tasks:
            task.submit()
    expected = str(sharing.Whole.C(lr=0.1).__identifier__())
    folder = tmp_path / "partials" / "partial.learn" / "checkpoints" / expected
    assert sorted((folder / "log.txt").read_text().split()) == ["0", "1", "2", "3"]
    (fine,) = (tmp_path / "partials" / "partial.fine" / "checkpoints").iterdir()
    assert sorted((fine / "log.txt").read_text().split()) == ["0", "1", "2", "3"]
    for task in tasks[:4]:
        assert (task.jobpath / ".experimaestro/partials/checkpoints").resolve() == folder.resolve()
        assert len([*(folder / ".experimaestro/locks/tickets").glob("*.ticket")]) == 4
    assert len([*(tmp_path / "partials" / "partial.learn" / "checkpoints").iterdir()]) == 2
