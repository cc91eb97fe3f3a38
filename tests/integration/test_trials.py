"""A few of the trials of `tests/trials`; `make kills` and `make trials` run many."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "trials"))

import trial


@pytest.mark.contract("running 7.3: a driver killed at any moment leaves what an undisturbed one does")
def test_a_driver_killed_at_random_moments_changes_nothing_of_the_end():
    assert trial.kills(8) == []


@pytest.mark.contract(
    "running 7.2: at most once, never twice at a time, whatever is killed, stopped, or finds the disk full"
)
def test_faults_in_drivers_fork_servers_and_jobs():
    assert trial.faults(0, 8) == []


def test_what_a_trial_compares_tells_the_states_and_the_outputs(tmp_path):
    _, found = trial.undisturbed(tmp_path, 3)
    states = found.pop("states")
    assert states.count("'done'") == len(found) >= 3
    assert all("['node.done']" in left and " after [" in left for left in found.values())
    records = sorted((tmp_path / "records").glob("[0-9]"))
    place = object.__new__(trial.Place)
    place.root, place.workspace, place.records, place.log = (
        tmp_path,
        tmp_path / "workspace",
        tmp_path / "records",
        tmp_path / "no",
    )
    assert list(place.problems()) == []
    records[0].write_text("start 1\n" + records[0].read_text())
    assert len(list(place.problems())) == 1
