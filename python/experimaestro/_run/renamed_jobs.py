"""Jobs whose identifiers changed because classes were deprecated: finding them, linking them, moving them.

A link `jobs/<new task>/<new identifier>` to the folder of the old job is enough for experiments to find it done.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from experimaestro import _core
from experimaestro._config.recomputing import JobName, Recomputation
from experimaestro._run.scheme import OWN_SCHEME, recorded_scheme

Status = Literal["renamed", "linked", "taken", "unknown", "changed"]
"""`renamed`: the new name is free; `linked`: it is a link to the job; `taken`: another job is there; `unknown`: it
cannot be computed; `changed`: it differs, and nothing that is deprecated is the cause."""


class RenamedJob(NamedTuple):
    """A job that has another identifier today."""

    old: JobName
    new: JobName | None
    status: Status
    done: bool
    """Whether the job is done."""
    reason: str | None = None
    """Why it cannot be computed, or what stands in the way."""


class Workspace:
    """The jobs of a workspace, with their names of today.

    Args:
        root: folder of the workspace.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recomputation = Recomputation(root, recorded_scheme(root) or OWN_SCHEME)

    def names(self) -> Iterator[JobName]:
        """All jobs, links apart."""
        jobs = self.root / "jobs"
        for task in sorted(jobs.iterdir()) if jobs.is_dir() else ():
            for folder in sorted(task.iterdir()) if task.is_dir() else ():
                if not folder.is_symlink() and (folder / "params.json").is_file():
                    yield JobName(task.name, folder.name)

    def folder(self, name: JobName) -> Path:
        """The folder of a job."""
        return self.recomputation.folder(name)

    def renamed(self) -> list[RenamedJob]:
        """Jobs that have another name today, and those whose name cannot be computed."""
        return [job for name in self.names() if (job := self.look(name)) is not None]

    def look(self, name: JobName) -> RenamedJob | None:
        """What one job is called today; None if it has the name already."""
        done = is_done(self.folder(name), name)
        try:
            made = self.recomputation.of(name)
        except Exception as error:  # noqa: BLE001 - whatever the user's module raises, the other jobs are looked at
            return RenamedJob(name, None, "unknown", done, f"{type(error).__name__}: {error}")
        if made.name == name:
            return None
        if not made.is_deprecated:
            older = len(name.identifier) != len(made.name.identifier)
            reason = "it was identified in the way of an older package" if older else "it is another job today"
            return RenamedJob(name, made.name, "changed", done, f"nothing in it is deprecated: {reason}")
        new = self.folder(made.name)
        if new.is_symlink():
            if _same(new, self.folder(name)):
                return RenamedJob(name, made.name, "linked", done)
            return RenamedJob(name, made.name, "taken", done, f"there is a link to {os.readlink(new)}")
        if new.exists():
            state = "done" if is_done(new, made.name) else "not done"
            return RenamedJob(name, made.name, "taken", done, f"there is a job of this name already, {state}")
        return RenamedJob(name, made.name, "renamed", done)

    def link(self, job: RenamedJob) -> None:
        """Let a job be found under its new name: `renamed` becomes `linked`."""
        assert job.new is not None
        old, new = self.folder(job.old), self.folder(job.new)
        before, after = _file_name(job.old), _file_name(job.new)
        if before != after:
            for ending in ("done", "failed", "out", "err"):
                if (old / f"{before}.{ending}").exists() and not os.path.lexists(old / f"{after}.{ending}"):
                    os.symlink(f"{before}.{ending}", old / f"{after}.{ending}")
        new.parent.mkdir(parents=True, exist_ok=True)
        parent = new.parent
        if parent.is_symlink():
            old, parent = old.resolve(), parent.resolve()
        # Fails if anything is there: an existing job is never replaced.
        os.symlink(os.path.relpath(old, parent), new)

    def move(self, job: RenamedJob, renamed: dict[JobName, JobName]) -> None:
        """Give the folder of a linked job its new name, with the files inside; `renamed` are all jobs that move.

        Jobs that are made from this one must have moved before.

        Raises:
            OSError: a file cannot be written or renamed; the job is still found under the new name, and this can be
                done again.
        """
        assert job.new is not None
        old, new = self.folder(job.old), self.folder(job.new)
        params, identity = self._files(job, renamed)
        before, after = _file_name(job.old), _file_name(job.new)
        if before != after:
            for file in sorted(old.iterdir()):
                if file.name.startswith(f"{before}.") and not file.is_symlink():
                    os.replace(file, old / f"{after}{file.name[len(before) :]}")
        _write_whole(old / "params.json", params)
        if (old / ".experimaestro" / "identity.json").exists():
            _write_whole(old / ".experimaestro" / "identity.json", identity)
        new.unlink()
        os.rename(old, new)
        self._relink_runs(job.old, job.new)
        if not any(old.parent.iterdir()):
            old.parent.rmdir()

    def _files(self, job: RenamedJob, renamed: dict[JobName, JobName]) -> tuple[bytes, bytes]:
        assert job.new is not None
        made = self.recomputation.load(job.old, self.folder(job.new))
        params = _core.params_json(made.config, str(self.root), str(self.folder(job.new)), made.tags)
        for old, new in renamed.items():
            # Paths into the folders of other jobs.
            params = params.replace(f"jobs/{old}".encode(), f"jobs/{new}".encode())
        return params, _core.identity_json(made.config)

    def _relink_runs(self, old: JobName, new: JobName) -> None:
        """Runs of before keep their links to the job."""
        for run in self.root.glob("experiments/*/*"):
            link = run / "jobs" / old.type_id / old.identifier
            if link.is_symlink():
                temporary = link.with_name(f".{link.name}.{os.getpid()}.tmp")
                os.symlink(os.path.relpath(self.folder(new), link.parent), temporary)
                os.replace(temporary, link)


def _file_name(name: JobName) -> str:
    return name.type_id.rsplit(".", 1)[-1]


def is_done(folder: Path, name: JobName) -> bool:
    """Whether the marker of success is there."""
    return (folder / f"{_file_name(name)}.done").exists()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _write_whole(file: Path, content: bytes) -> None:
    from experimaestro._config.serialization import write_whole

    write_whole(file, content)


def to_json(job: RenamedJob) -> dict[str, Any]:
    """As plain data: what `xpm deprecated list --json` prints."""
    return {
        "old": str(job.old),
        "new": None if job.new is None else str(job.new),
        "status": job.status,
        "done": job.done,
        "reason": job.reason,
    }
