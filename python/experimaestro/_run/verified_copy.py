"""Copying the folder of a job so that it is there whole, or not at all.

Floor: `_run`. What is copied is read again and compared before it gets its name. A copy that was interrupted leaves a
folder whose name says so, and the next one begins by removing it.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from experimaestro._run.lock_mode import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CopyError", "copy_folder", "fingerprint", "staging_of"]

_EXCLUDED = ("*.lock", "*.pid", ".scheduler")
_GROWING = ".experimaestro/ancestors-*.jsonl"
"""Files that a run adds to while its jobs are copied; a job needs what was there when its `params.json` was written."""
_CHUNK = 1 << 20

Fingerprint: TypeAlias = "dict[str, tuple[object, ...]]"


class CopyError(OSError):
    """A folder was not copied: it changed meanwhile, or the copy is not like it."""


def staging_of(folder: Path) -> Path:
    """Return where a copy stands until it is whole: beside its place."""
    return folder.with_name(f".tmp.{folder.name}")


def lock_of(folder: Path, permissions: int | None = None) -> FileLock:
    """Return the lock of whoever makes a copy in this place."""
    return FileLock(folder.with_name(f".tmp.{folder.name}.lock"), permissions)


def copy_folder(source: Path, place: Path, permissions: int | None = None) -> bool:
    """Copy a folder to a place where nothing is yet.

    Locks, process files and `.scheduler` are left out; links are copied as links.

    Args:
        source: the folder.
        place: where the copy shall be; folders above are made.
        permissions: of the lock file beside it.

    Returns:
        Whether it was copied; false when something is there already: nothing is done then.

    Raises:
        CopyError: the folder changed meanwhile, or what was read back differs.
        OSError: the disk refused.
    """
    if os.path.lexists(place):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    with lock_of(place, permissions) as lock:
        if os.path.lexists(place):
            return False
        staging = staging_of(place)
        stage(source, staging)
        os.rename(staging, place)
        _synchronise(place.parent)
        lock.path.unlink(missing_ok=True)
    return True


def stage(source: Path, staging: Path) -> None:
    """Make a verified copy under the name of a copy in progress; what an earlier one left is removed."""
    if staging.is_symlink():
        staging.unlink()
    elif staging.exists():
        shutil.rmtree(staging)
    staging.mkdir()
    before = fingerprint(source)
    for name, entry in before.items():
        _copy_entry(source / name, staging / name)
        if _grows(name):
            os.truncate(staging / name, entry[1])  # type: ignore[arg-type] # its size
    _synchronise(staging)
    if fingerprint(source, like=before) != before:
        raise CopyError(f"{source} changed while it was copied")
    if fingerprint(staging) != before:
        raise CopyError(f"the copy of {source} in {staging} is not like it")


def _grows(name: str) -> bool:
    return fnmatch.fnmatchcase(name, _GROWING)


def fingerprint(folder: Path, like: Fingerprint | None = None) -> Fingerprint:
    """Return what a folder holds: for each entry below, its kind, size and a digest of its content.

    Entries that are not copied are left out, and so are sockets and pipes.

    Args:
        folder: the folder.
        like: of a copy, or of the folder before: what files that only grow have beyond it does not count.
    """
    return dict(_entries(folder, "", like or {}))


def _entries(folder: Path, prefix: str, like: Fingerprint) -> Iterator[tuple[str, tuple[object, ...]]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in _EXCLUDED):
            continue
        name = f"{prefix}{entry.name}"
        path = folder / entry.name
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            yield name, ("link", os.readlink(path))
        elif stat.S_ISDIR(mode):
            yield name, ("folder",)
            yield from _entries(path, f"{name}/", like)
        elif stat.S_ISREG(mode):
            most = like[name][1] if _grows(name) and name in like else None
            yield name, ("file", *_digest(path, most))  # type: ignore[arg-type] # its size


def _digest(path: Path, most: int | None = None) -> tuple[int, bytes]:
    """The size and a digest of a file, or of its first so many bytes."""
    import hashlib

    digest, size = hashlib.blake2b(digest_size=32), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK if most is None else min(_CHUNK, most - size)):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.digest()


def _copy_entry(source: Path, place: Path) -> None:
    mode = source.lstat().st_mode
    if stat.S_ISLNK(mode):
        place.symlink_to(os.readlink(source))
    elif stat.S_ISDIR(mode):
        place.mkdir()
    else:
        shutil.copy2(source, place)
        with place.open("rb") as file:
            os.fsync(file.fileno())


def _synchronise(folder: Path) -> None:
    """Names in a folder survive a loss of power from now on, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems have no such operation: their renames are synchronous
    finally:
        os.close(descriptor)
