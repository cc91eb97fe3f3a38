"""Jobs in other folders of a workspace: found there, copied there when done, brought back.

Floor: `_run`. A job is in its place at any moment: what is replaced by a link is replaced at once, and only by a link
to a copy that was compared with it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from experimaestro._core import exchange
from experimaestro._run.settings import FolderMode, FolderSettings
from experimaestro._run.verified_copy import CopyError, copy_folder, fingerprint, lock_of, stage, staging_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["archive", "bring_back", "find_copy", "marker_of", "recover"]


def marker_of(job: Path) -> Path:
    """Return the file that says that a job is done, in any folder of it."""
    return job / f"{job.parent.name.rpartition('.')[2]}.done"


def _place_in(folder: Path, job: Path) -> Path:
    return folder / "jobs" / job.parent.name / job.name


def find_copy(job: Path, folders: Iterable[FolderSettings]) -> tuple[FolderSettings, Path] | None:
    """Return the first of other folders where a job is done, and its place there.

    Args:
        job: its folder in the workspace, which need not exist.
        folders: where to look.
    """
    for folder in folders:
        place = _place_in(folder.path, job)
        if marker_of(place).exists():
            return folder, place
    return None


def archive(job: Path, folders: Iterable[FolderSettings], permissions: int | None = None) -> None:
    """Copy a job that is done to the folders that keep copies, then replace it by a link where it is to be moved.

    What is there already is left alone. A call that was interrupted, at whatever moment, is completed by the next one.

    Args:
        job: its folder in the workspace.
        folders: all other folders of the workspace.
        permissions: of lock files.

    Raises:
        OSError: the disk refused, or something changed meanwhile; the workspace still has the job.
    """
    if job.is_symlink():
        _remove_replaced(job)
        return
    if not marker_of(job).exists():
        return
    kept = list(folders)
    for folder in kept:
        if folder.mode is not FolderMode.USE:
            copy_folder(job, _place_in(folder.path, job), permissions)
    for folder in kept:
        if folder.mode is FolderMode.MOVE:
            _replace_by_link(job, _place_in(folder.path, job))
            return


def _replaced_of(job: Path) -> Path:
    return job.with_name(f".replaced.{job.name}")


def _replace_by_link(job: Path, copy: Path) -> None:
    content = fingerprint(copy)
    if fingerprint(job, like=content) != content:
        raise CopyError(f"{copy} is not like {job}: the workspace keeps its own")
    for name, entry in content.items():
        if entry[0] == "link" and _leads_out(name, str(entry[1])):
            raise CopyError(f"{job / name} is a relative link to something outside of the job, which would be lost: "
                            "the job is copied, and stays too")  # fmt: skip
    link = _replaced_of(job)
    if os.path.lexists(link):
        if not link.is_symlink():
            raise CopyError(f"{link} is in the way: it holds what another job of this name was; remove it")
        link.unlink()
    link.symlink_to(copy)
    try:
        exchange(job, link)
    except OSError as error:
        link.unlink()
        raise CopyError(
            f"{job} is copied to {copy}, and stays too: this file system cannot replace a folder by a link at once "
            f"({error.strerror})"
        ) from None
    _remove_replaced(job)


def _leads_out(name: str, target: str) -> bool:
    """Whether a link in the folder of a job means something else when the folder stands elsewhere."""
    if os.path.isabs(target) or name.startswith(".experimaestro/"):
        return False
    return os.path.normpath(os.path.join(os.path.dirname(name), target)).split(os.sep)[0] == os.pardir


def _remove_replaced(job: Path) -> None:
    """Remove what a link has replaced."""
    replaced = _replaced_of(job)
    if replaced.is_dir() and not replaced.is_symlink() and marker_of(job).exists():
        shutil.rmtree(replaced)


def bring_back(job: Path, folders: Iterable[FolderSettings], permissions: int | None = None) -> Path | None:
    """Let a job that is done in another folder be done in the workspace.

    From a folder that is only used, it is linked; from others it is copied. A job that runs, or that somebody begins
    meanwhile, is left alone.

    Args:
        job: its folder in the workspace; it may exist, with what failed attempts left.
        folders: where to look.
        permissions: of lock files.

    Returns:
        Where it was found; None when it was not, or the workspace has it.

    Raises:
        OSError: the disk refused; the workspace is as it was.
    """
    if marker_of(job).exists():
        _sweep(job, permissions)
        return None
    found = find_copy(job, folders)
    if found is None:
        return None
    folder, copy = found
    if job.is_symlink():
        return None  # it leads elsewhere, where it is not done: somebody's wish
    if folder.mode is FolderMode.USE and not job.exists():
        job.parent.mkdir(parents=True, exist_ok=True)
        try:
            job.symlink_to(copy)
        except FileExistsError:
            return None
        return copy
    if copy_folder(copy, job, permissions):
        return copy
    with lock_of(job, permissions) as lock:
        filled = _fill(job, copy)
        lock.path.unlink(missing_ok=True)
    return copy if filled else None


def _sweep(job: Path, permissions: int | None) -> None:
    """Remove what a copy left that was interrupted at its very end."""
    staging = staging_of(job)
    if not os.path.lexists(staging):
        return
    lock = lock_of(job, permissions)
    if lock.acquire(blocking=False):
        try:
            if staging.is_dir() and not staging.is_symlink():
                shutil.rmtree(staging)
            lock.path.unlink(missing_ok=True)
        finally:
            lock.release()


def _fill(job: Path, copy: Path) -> bool:
    """Put a copy into a folder that failed attempts have left, as one more attempt: nobody runs the job meanwhile."""
    from experimaestro._core import Attempt
    from experimaestro.exceptions import ClaimLost

    staging = staging_of(job)
    stage(copy, staging)
    try:
        attempt = Attempt.begin(str(job))
    except ClaimLost:
        shutil.rmtree(staging)
        return False
    try:
        _move_entries(staging, job)
        attempt.finish("done", message=f"copied from {copy}")
    except BaseException:
        attempt.finish("failed", code=1, message=f"could not be copied from {copy}")
        raise
    shutil.rmtree(staging)
    return True


def _move_entries(staging: Path, job: Path) -> None:
    # The attempts of this workspace go on, and its own marker comes last; `params.json` comes after what belongs to it.
    private = [staging / ".experimaestro" / "identity.json", *staging.glob(".experimaestro/ancestors-*.jsonl")]
    rest = [entry for entry in sorted(staging.iterdir()) if entry != marker_of(staging)]
    for entry in [*private, *(it for it in rest if it.name != ".experimaestro")]:
        if not os.path.lexists(entry):
            continue  # of an older release
        place = job / entry.relative_to(staging)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        os.rename(entry, place)


def recover(job: Path, folders: Iterable[FolderSettings], permissions: int | None = None) -> Path | None:
    """Bring a job back, with files of its own: a link to another folder becomes a copy.

    Args:
        job: its folder in the workspace.
        folders: where to look.
        permissions: of lock files.

    Returns:
        Where the copy was taken from; None when there is none, or nothing to do.

    Raises:
        OSError: the disk refused; the workspace is as it was.
    """
    if not job.is_symlink():
        whole = [FolderSettings(folder.path, FolderMode.BACKUP) for folder in folders]
        return bring_back(job, whole, permissions)
    copy = job.resolve()
    if not marker_of(job).exists():
        return None
    with lock_of(job, permissions) as lock:
        staging = staging_of(job)
        stage(copy, staging)
        try:
            exchange(job, staging)
        except OSError:
            shutil.rmtree(staging)
            raise
        staging.unlink()
        lock.path.unlink(missing_ok=True)
    return copy
