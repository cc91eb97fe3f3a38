"""`submit()`: from a task to a job.

Floor: `_run`. Thin: the configuration is checked and sealed by `_config`, the rest is the engine's; nothing is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro import _core
from experimaestro._config.importable import check_importable
from experimaestro._config.lifecycle import prepare_submission, submission_outputs
from experimaestro._config.tasks import Prepare
from experimaestro._config.types import HOOKED
from experimaestro._run import preparation
from experimaestro._run.current import acting_experiment
from experimaestro._run.engine import get_engine
from experimaestro._run.job import Job
from experimaestro._run.run_mode import RunMode
from experimaestro._run.transient import TransientMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from experimaestro._run.experiment import experiment
    from experimaestro._run.launching import Launcher
    from experimaestro._run.workspace import Workspace

__all__ = ["hand_over", "submit_task"]

# Every job of this process. The workspace is part of the key: the same task in two workspaces is two jobs.
_jobs: dict[tuple[str, str, str], Job] = {}
_MODES: dict[TransientMode, Literal["none", "transient", "remove"]] = {
    TransientMode.NONE: "none",
    TransientMode.TRANSIENT: "transient",
    TransientMode.REMOVE: "remove",
}


def submit_task(
    config: Any,
    *,
    workspace: Workspace | None = None,
    launcher: Launcher | None = None,
    run_mode: RunMode | None = None,
    init_tasks: Sequence[Any] = (),
    max_retries: int | None = None,
    transient: TransientMode | None = None,
    backup: bool | None = None,
    priority: int = 0,
) -> Any:
    """Submit a task to the current experiment.

    Args:
        config: the task.
        workspace: where it runs; that of the current experiment by default.
        launcher: starts the process; that of the workspace by default.
        run_mode: overrides the mode of the experiment for this task.
        init_tasks: executed in the job's process before the task, in this order.
        max_retries: executions in all of a resumable task that its time limit ends (at least one); by default as the
            workspace says. Of several submissions of one task, the largest holds.
        transient: whether the task runs when no task that runs needs it, and whether its folder is kept. Of several
            submissions of one task, the least transient holds.
        backup: False keeps the job out of other folders of the workspace, where the settings have it copied to some.
        priority: of the tasks that could start, the one with the highest priority starts first.

    Returns:
        What the task gives as its result (`task_outputs`), else the task.

    Raises:
        ValueError: this is not a task, a parameter is wrong, or an unsubmitted task is used as a value.
        RuntimeError: there is no experiment, or this object was submitted before.
        ExperimentStopped: the experiment is being stopped.
    """
    if isinstance(config, Prepare):
        given = {
            "workspace": workspace,
            "launcher": launcher,
            "run_mode": run_mode,
            "max_retries": max_retries,
            "transient": transient,
            "backup": backup,
        }
        options = {name: value for name, value in given.items() if value is not None}
        return preparation.submit_preparation(config, init_tasks=init_tasks, priority=priority, **options)
    state = _core.state_of(config)
    if state is None or not state.schema.is_task:
        raise ValueError(f"{config!r} is not a task: only tasks can be submitted")
    if state.submitted:
        raise RuntimeError(f"{config!r} was submitted before; to run it with other values, submit a copy (copyconfig)")
    owner = acting_experiment()
    if owner is not None:
        owner.check_not_stopped()
        if workspace is None:
            workspace = owner.workspace
    elif workspace is None:
        raise RuntimeError(
            f"{type(config).__name__}: there is no experiment to submit this task to; "
            "put the call inside `with experiment(workdir, name):`"
        )
    mode = workspace.run_mode if run_mode is None else RunMode(run_mode)
    if mode is RunMode.NORMAL:
        check_importable(config)
    submission = prepare_submission(config, workspace.path, list(init_tasks), workspace.scheme)
    transient = TransientMode.NONE if transient is None else TransientMode(transient)
    if max_retries is None:
        max_retries = workspace.workspace_settings.max_retries
    if preparation.exists():
        _prepare(config, submission.dependencies, workspace, mode)
    key = (workspace.path_text, submission.type_id, submission.identifier)
    job = _jobs.get(key)
    if job is None:
        job = Job(
            config,
            submission.type_id,
            submission.identifier,
            submission.directory,
            workspace=workspace,
            launcher=launcher or workspace.launcher,
            dependencies=submission.dependencies,
            tags=submission.tags,
            max_retries=max_retries,
            transient=transient,
            priority=priority,
            backup=backup is not False,
        )
        if HOOKED:
            _apply_hooks(config, job)
    else:
        job.want_more(max_retries, transient, priority, backup is not False)
        if job.state.is_error() or job.state.is_unscheduled():
            job.restart_with(config, workspace, launcher or workspace.launcher)
    if job._handle is None or job.state.is_error() or job.state.is_unscheduled():
        _collect_dependencies(job, state.dependencies)
    job.partials.update(submission.partials)
    if owner is not None and owner.workspace is workspace:
        owner.add_job(job)
    if mode is RunMode.NORMAL:
        job.bring_back()
        hand_over(job, owner)
        _jobs[key] = job
    elif mode is not RunMode.PREPARE:
        _simulate(job, mode)
    state.job = job
    state.submitted = True
    for watched in state.watched:
        job.watch_output(watched)
    return submission_outputs(config, owner.add_action if owner is not None else None)


def _prepare(config: Any, dependencies: list[Any], workspace: Workspace, mode: RunMode) -> None:
    """Do what must be done before the job on this machine, and let it wait for the jobs that do so."""
    from experimaestro._run.preparation_task import PreparationTask

    if isinstance(config, PreparationTask) and mode is RunMode.NORMAL:
        return
    if mode in (RunMode.NORMAL, RunMode.PREPARE):
        preparation.prepare_for(config, workspace, mode)
    if mode is RunMode.NORMAL:
        dependencies.extend(preparation.jobs_of(config, workspace))


def _apply_hooks(config: Any, job: Job) -> None:
    from experimaestro._config.tasks import submit_hooks

    for hook in submit_hooks(config):
        hook.process(job, job.launcher)


def _collect_dependencies(job: Job, dependencies: list[Any]) -> None:
    """Let the job need what its task was given, and what the listeners of its launcher add."""
    if dependencies:
        job.add_dependencies(*dependencies)
    if job.launcher.submit_listeners:
        job.launcher.onSubmit(job)


def hand_over(job: Job, owner: experiment | None) -> None:
    """Give a job to the engine, for an experiment if it belongs to one."""
    job._handle = get_engine().submit(
        workspace=job.workspace.path_text,
        task_id=job.task_id,
        identifier=job.identifier,
        launch=job.launch,
        dependencies=[_handle(task) for task in job._dependencies],
        run=owner.run if owner is not None and owner in job.experiments else None,
        tags=job._tags,
        slots=job.launcher.slots,
        gpus=job.launcher.gpus,
        leases=_leases(job),
        priority=job.priority,
        retries=job.retry_policy(),
        transient=_MODES[job.transient],
        judge=_judge(job.config),
        backup=job.backup,
    )


def _leases(job: Job) -> list[tuple[str, int]]:
    leases = [dependency.lease() for dependency in job.leases]
    if job.partials:
        from experimaestro._run.tokens import WriterDependency

        leases.extend(WriterDependency(folder).lease() for folder in job.partials)
    return leases


def _judge(config: Any) -> Callable[[], bool | None] | None:
    """What says whether the outputs of a task are good, if its class has an opinion."""
    from experimaestro._config.classes import Config

    told = getattr(type(config), "__xpm_output_valid__", None)
    return None if told is Config.__xpm_output_valid__ else config.__xpm_output_valid__


def _handle(task: Any) -> Any:
    job = task.__xpm__.job
    if job._handle is None:
        raise ValueError(
            f"{job.task_id}/{job.identifier} was only simulated, and a task that must run depends on it; "
            "submit both in the same run mode"
        )
    return job._handle


def _simulate(job: Job, mode: RunMode) -> None:
    from experimaestro._run.simulation import announce

    announce(job)
    if mode is RunMode.GENERATE_ONLY:
        get_engine().generate(job.workspace.path_text, job.task_id, job.identifier, job.launch)
