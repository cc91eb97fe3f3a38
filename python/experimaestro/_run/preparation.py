"""What must be prepared on the machine of the driver before a job: every `Prepare` among the parameters of its task.

Floor: `_run`. Each runs once per identifier and process, on a thread: several submissions may wait for the same one.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from experimaestro import _core
from experimaestro._config.tasks import Prepare
from experimaestro._run.run_mode import RunMode
from experimaestro._run.transient import TransientMode

if TYPE_CHECKING:
    from experimaestro._run.workspace import Workspace

__all__ = ["exists", "jobs_of", "prepare_for", "submit_preparation"]

_WAIT_SECONDS = 0.25
_lock = threading.Lock()
_started: dict[str, _Preparation] = {}
# The jobs that prepare, by workspace and identifier of what they prepare.
_tasks: dict[tuple[str, str], Any] = {}


class _Preparation:
    """One preparation of this process."""

    def __init__(self, config: Any) -> None:
        self.config = config
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="experimaestro-prepare", daemon=True)

    def _run(self) -> None:
        try:
            prepare_here(self.config.instance())
        except BaseException as error:  # noqa: BLE001 - told to whoever submits a task that needs it
            self.error = error


def exists() -> bool:
    """Whether any class prepares anything: most programmes have none, and pay nothing."""
    return bool(Prepare.__subclasses__())


def prepare_here(value: Any) -> None:
    """Call `prepare()` of an object, unless it says that nothing is left to do."""
    if type(value).is_prepared is not Prepare.is_prepared and value.is_prepared():
        return
    value.prepare()


def prepare_for(task: Any, workspace: Workspace, mode: RunMode) -> None:
    """Prepare what a task needs, and wait for it.

    Args:
        task: a sealed task configuration.
        workspace: what a job of this workspace prepares is left to the job.
        mode: PREPARE tells what is prepared.

    Raises:
        Exception: whatever `prepare()` raised, also when it failed for an earlier task.
    """
    pending = []
    for config in _preparations(task):
        identifier = str(_core.identifier(config))
        if (workspace.path_text, identifier) in _tasks and mode is RunMode.NORMAL:
            continue
        with _lock:
            preparation = _started.get(identifier)
            if preparation is None:
                if mode is RunMode.PREPARE:
                    _announce(config, identifier)
                preparation = _started[identifier] = _Preparation(config)
                preparation.thread.start()
        pending.append((identifier, preparation))
    for identifier, preparation in pending:
        while preparation.thread.is_alive():
            preparation.thread.join(_WAIT_SECONDS)  # in pieces, so that Ctrl-C comes through
        if preparation.error is not None:
            with _lock:
                if _started.get(identifier) is preparation:
                    del _started[identifier]  # the next submission may try again, as from a notebook
            raise preparation.error


def jobs_of(task: Any, workspace: Workspace) -> list[Any]:
    """The tasks that prepare, as jobs of this workspace, what a task needs."""
    if not _tasks:
        return []
    found = (_tasks.get((workspace.path_text, str(_core.identifier(config)))) for config in _preparations(task))
    return [preparing for preparing in found if preparing is not None]


def _preparations(task: Any) -> list[Any]:
    return [config for config in _core.reachable_configurations(task) if isinstance(config, Prepare)]


def _announce(config: Any, identifier: str) -> None:
    import sys

    print(f"[prepare] {type(config).__xpmtype__.identifier}/{identifier}", file=sys.stderr)


def submit_preparation(prepare: Any, **options: Any) -> Any:
    """Run a preparation as a job, for the tasks that are submitted after it.

    Args:
        prepare: a configuration whose class defines `is_prepared()`.
        options: those of `submit()`; the job is transient by default: it runs when a task needs it.

    Returns:
        The preparation itself; the identifiers of what uses it stay the same.

    Raises:
        ValueError: its class does not say whether it is prepared.
    """
    from experimaestro._run.current import acting_experiment
    from experimaestro._run.preparation_task import PreparationTask

    if type(prepare).is_prepared is Prepare.is_prepared:
        raise ValueError(f"{type(prepare).__qualname__} cannot be submitted: it does not define is_prepared()")
    options.setdefault("transient", TransientMode.TRANSIENT)
    task = PreparationTask.C(prepare=prepare)
    task.submit(**options)
    owner = acting_experiment()
    workspace = options.get("workspace") or (owner.workspace if owner is not None else None)
    mode = options.get("run_mode") or (workspace.run_mode if workspace is not None else None)
    if workspace is not None and mode is RunMode.NORMAL:
        _tasks[workspace.path_text, str(_core.identifier(prepare))] = task
    return prepare
