"""States compare by what they are, and agree with the names of the engine."""

from __future__ import annotations

import pytest

from experimaestro._run.states import JobFailureStatus, JobState, JobStateError, state_of

ALL = [
    JobState.UNSCHEDULED, JobState.WAITING, JobState.READY, JobState.SCHEDULED, JobState.RUNNING, JobState.DONE,
    JobState.ERROR,
]  # fmt: skip


def test_each_state_is_in_exactly_one_phase_and_they_follow_each_other():
    phases = [(state.notstarted(), state.running(), state.finished()) for state in ALL]
    assert all(sum(phase) == 1 for phase in phases)
    assert phases == sorted(phases, reverse=True)
    assert [state.value for state in ALL] == list(range(7))


def test_states_are_equal_only_to_themselves():
    for left in ALL:
        for right in ALL:
            assert (left == right) == (left.value == right.value)
    assert JobState.DONE != "done"
    assert len({*ALL, JobStateError(JobFailureStatus.MEMORY)}) == len(ALL)


@pytest.mark.parametrize("reason", JobFailureStatus)
def test_an_error_is_an_error_whatever_its_reason(reason):
    state = state_of("error", reason.name)
    assert state == JobState.ERROR
    assert state.is_error()
    assert state.failure_reason is reason


def test_reasons_have_numbers_of_their_own():
    assert len({reason.value for reason in JobFailureStatus}) == 9
    assert JobFailureStatus.DELETED.name == "DELETED"


def test_only_errors_have_a_reason():
    assert [state.failure_reason for state in ALL] == [None] * len(ALL)
    assert [state.is_error() for state in ALL].count(True) == 1


def test_every_name_of_the_boundary_is_known():
    names = ["unscheduled", "waiting", "ready", "scheduled", "running", "done", "error"]
    assert [state_of(name).name for name in names] == names
