"""On what terms a job runs: what its submissions ask for, and what the engine is told when it must start.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from experimaestro._run.base_job import BaseJob
from experimaestro._run.logs import ROTATE

if TYPE_CHECKING:
    from collections import ChainMap
    from collections.abc import Sequence
    from pathlib import Path

    from experimaestro._core import Launch, Retries
    from experimaestro._run.experiment import experiment
    from experimaestro._run.launching import Launcher
    from experimaestro._run.tokens import Dependency
    from experimaestro._run.transient import TransientMode
    from experimaestro._run.workspace import Workspace

__all__ = ["JobTerms"]


class JobTerms(BaseJob):
    """The part of `Job` that says how it is to run."""

    __slots__ = (
        "_dependencies",
        "_environ",
        "backup",
        "config",
        "launcher",
        "leases",
        "max_retries",
        "partials",
        "priority",
        "retries",
        "transient",
        "workspace",
    )

    if TYPE_CHECKING:
        backup: bool
        config: Any
        experiments: list[experiment]
        launcher: Launcher
        leases: list[Dependency]
        max_retries: int
        partials: dict[Path, str]
        priority: int
        retries: dict[str, float]
        transient: TransientMode
        workspace: Workspace
        _dependencies: Sequence[Any]
        _environ: ChainMap[str, str] | None

        @property
        def environ(self) -> ChainMap[str, str]: ...
        @property
        def python_path(self) -> list[str]: ...
        @property
        def resumable(self) -> bool: ...

    def add_dependencies(self, *dependencies: Any) -> None:
        """Let the job need units of tokens, or other jobs, too: before it is handed over (listeners of launchers)."""
        from experimaestro._run.tokens import Dependency, JobDependency

        for dependency in dependencies:
            if isinstance(dependency, JobDependency):
                self._dependencies = [*self._dependencies, dependency.origin.config]
                continue
            if not isinstance(dependency, Dependency):
                raise TypeError(f"a dependency is expected, such as token.dependency(1), not {dependency!r}")
            self.leases.append(dependency)

    def want_more(self, max_retries: int, transient: TransientMode, priority: int, backup: bool) -> None:
        """The job is submitted once more: the more patient, less transient, more urgent and safer wish holds."""
        self.backup = self.backup or backup
        self.max_retries = max(self.max_retries, max_retries)
        self.transient = min(self.transient, transient, key=lambda mode: mode.value)
        self.priority = max(self.priority, priority)

    @property
    def is_archived(self) -> bool:
        """Whether it is copied to other folders of the workspace once it is done."""
        return self.backup and not self.transient.should_remove

    def bring_back(self) -> None:
        """Find the job in other folders of the workspace, where one of them has it done."""
        folders = self.workspace.folders
        if not folders:
            return
        from experimaestro._run.folders import bring_back

        try:
            found = bring_back(self.path, folders, self.workspace.lock_mode)
        except OSError as error:
            import logging

            logging.getLogger("xpm").warning("%s/%s is not brought back, and runs: %s", self.task_id, self.identifier,
                                             error)  # fmt: skip
            return
        if found is not None:
            import logging

            logging.getLogger("xpm").info("%s/%s was found in %s", self.task_id, self.identifier, found)

    def retry_policy(self) -> Retries:
        """How often the engine tries the job again."""
        policy: Any = {**self.workspace.retries, **self.retries}
        policy.update(resumable=self.resumable, max_retries=max(0, self.max_retries))
        return cast("Retries", policy)

    def restart_with(self, config: Any, workspace: Workspace, launcher: Launcher) -> None:
        """Prepare another start of a failed job, as the present experiment wants it."""
        self.config = config
        self.workspace = workspace
        self.launcher = launcher
        self.leases = []
        self._environ = None

    def launch(self) -> Launch:
        """Serialise the job; asked by the engine only when it must run."""
        from experimaestro._config.lifecycle import job_files

        of_run = (owner.ancestors for owner in self.experiments if owner.workspace is self.workspace)
        ancestors = next((it for it in of_run if it is not None), None)
        params, identity = job_files(self.config, self.workspace.path, self.path, ancestors)
        if self.partials:
            from experimaestro._run.partial_folders import link_partials

            link_partials(self.path, self.partials)
        return {
            "params": params,
            "identity": identity,
            "environment": {**self.environ, **({ROTATE: "1"} if self.resumable else {})},
            "python_path": self.python_path,
        }
