"""The seam to running: what a submission asks of a configuration, and how a job gets its objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experimaestro import _core

from .generation import JobContext
from .outputs import submission_outputs

if TYPE_CHECKING:
    from .tags import TagDict

__all__ = ["OWN_SCHEME", "Submission", "job_files", "load_task", "prepare_submission", "submission_outputs"]


OWN_SCHEME = "md5"
"""The identifier scheme of this package."""


class Submission(NamedTuple):
    """A task that is ready to be handed over."""

    type_id: str
    identifier: str
    directory: Path
    dependencies: list[Any]
    tags: TagDict
    partials: dict[Path, str]
    """Folders shared with other jobs, which only one may use at a time, and the name of the partial of each"""


def give_init_tasks(state: Any, init_tasks: list[Any]) -> None:
    """Let lightweight tasks run before a task; `stop_tags(task)` keeps their tags out of it.

    Raises:
        ValueError: one is no configuration of a lightweight task, or is inside `tag(...)`.
    """
    from .classes import LightweightTask

    tasks, barriers = [], []
    for index, given in enumerate(init_tasks):
        task = given
        while isinstance(task, _core.TaggedValue):
            if not task.stops:
                raise ValueError(
                    f"init_tasks[{index}]: a tag needs a parameter; give the task itself, or stop_tags(task)"
                )
            barriers.append(index)
            task = task.value
        if not (isinstance(task, _core.ConfigBase) and isinstance(task, LightweightTask)):
            raise ValueError(f"init_tasks[{index}]: a configuration of a LightweightTask is expected, not {task!r}")
        tasks.append(task)
    state.init_tasks = tasks
    state.init_barriers = barriers


def prepare_submission(config: Any, workspace: Path, init_tasks: list[Any], scheme: str = OWN_SCHEME) -> Submission:
    """Validate, identify and seal a task; find what must be done before it.

    Args:
        config: a task configuration.
        workspace: absolute path of the workspace.
        init_tasks: lightweight tasks that run in the job before the task.
        scheme: how identifiers are made in the workspace.

    Raises:
        ValidationError: a required parameter is missing.
        Exception: whatever a `__validate__` raised.
    """
    state = _core.state_of(config)
    if init_tasks:
        give_init_tasks(state, init_tasks)
    _core.validate(config)
    # Also in the workspace of an older package: identity.json tells what it was made of.
    identifier = _core.identifier(config, keep=True, own=True)
    if scheme != OWN_SCHEME:
        identifier = _core.legacy_identifier(config, scheme, store=True)
    type_id = state.schema.type_id
    directory = workspace.joinpath("jobs", type_id, str(identifier))  # one join: each costs 10 µs
    context = JobContext(directory, config)
    _core.seal(config, context, identified=True)
    dependencies = _core.task_dependencies(config)
    return Submission(type_id, str(identifier), directory, dependencies, config.tags(), context.partials)


def job_files(
    config: Any, workspace: Path, directory: Path, ancestors: _core.Ancestors | None = None
) -> tuple[bytes, bytes]:
    """Content of `params.json` and of `identity.json`.

    With many ancestors, these are in a file of the run, which gets a second name in the job's folder.
    """
    tags = dict(config.tags())
    if ancestors is not None:
        return ancestors.job_files(config, directory.parent.name, directory.name, tags)
    return _core.params_json(config, str(workspace), str(directory), tags), _core.identity_json(config)


def load_task(directory: Path) -> Any:
    """The object of a job, from its `params.json`: built, initialised, its init tasks run.

    Raises:
        LoadError: the file is damaged or of a newer version, or a class cannot be imported any more.
    """
    from .loading import load_task as load

    return load(directory)
