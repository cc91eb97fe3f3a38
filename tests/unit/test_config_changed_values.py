"""Values that are changed in place after the submission of the task that holds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experimaestro import Config, Meta, Param, Task
from experimaestro._config.lifecycle import job_files, prepare_submission, submission_outputs
from experimaestro.exceptions import ValidationError


class Part(Config):
    sizes: Param[list[int]] = []


class Whole(Task):
    xs: Param[list[float]]
    named: Param[dict[str, list[int]]] = {"a": [1]}
    kinds: Param[set[str]]
    parts: Param[list[Part]]
    part: Param[Part]
    notes: Meta[list[str]] = []

    def task_outputs(self, dep: Any) -> Any:
        return dep(self.part)


def whole() -> Any:
    return Whole.C(xs=[1.0, float("nan")], kinds={"b"}, parts=[Part.C(sizes=[1])], part=Part.C(sizes=[2]))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("xs", lambda task: task.xs.append(2.0)),
        ("xs", lambda task: task.xs.clear()),
        ("named", lambda task: task.named.__setitem__("a", [2])),
        ("named", lambda task: task.named["a"].append(2)),
        ("kinds", lambda task: task.kinds.add("c")),
        ("parts", lambda task: task.parts.append(Part.C())),
        ("sizes", lambda task: task.parts[0].sizes.append(2)),
        ("sizes", lambda task: task.part.sizes.clear()),
    ],
)
def test_a_job_does_not_run_with_values_that_its_identifier_does_not_stand_for(
    name: str, change: Callable[[Any], None], tmp_path: Path
) -> None:
    task = whole()
    submission = prepare_submission(task, tmp_path, [])
    change(task)
    with pytest.raises(ValidationError, match=f"'{name}' of .* changed after the submission"):
        job_files(task, tmp_path, submission.directory)


def test_what_is_not_identified_may_change_and_outputs_may_be_linked(tmp_path: Path) -> None:
    task = whole()
    submission = prepare_submission(task, tmp_path, [])
    task.notes.append("seen")
    output = submission_outputs(task)
    assert output.__xpm__.task is task
    params, identity = job_files(task, tmp_path, submission.directory)
    assert submission.identifier.encode() in identity
    assert b"seen" in params


def test_a_change_before_the_submission_counts(tmp_path: Path) -> None:
    task, other = whole(), whole()
    task.xs.append(3.0)
    assert prepare_submission(task, tmp_path, []).identifier != prepare_submission(other, tmp_path, []).identifier
    job_files(task, tmp_path, tmp_path)
