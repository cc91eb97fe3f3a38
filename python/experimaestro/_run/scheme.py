"""The identifier scheme of a workspace: what is recorded there, what is asked for, and which one holds.

Floor: `_run`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from experimaestro import _core
from experimaestro._config.lifecycle import OWN_SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MARKER", "OWN_SCHEME", "SCHEMES", "choose_scheme", "recorded_scheme"]

MARKER = ".__experimaestro__"
"""Marks the folder of a workspace, and records its scheme."""

SCHEMES = (OWN_SCHEME, "sha256-v2", "sha256-v1")
"""`md5` of this package, and those of the releases 2 and 1 of the older one."""

VARIABLE = "XPM_SCHEME"
_LOOKED_AT = 64


def check_scheme(scheme: Any, place: str) -> str:
    """Return the name of a scheme.

    Raises:
        ValueError: there is none of this name; `place` says where it was given.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"{place}: {scheme!r} is not an identifier scheme: one of {', '.join(SCHEMES)} is expected")
    return str(scheme)


def recorded_scheme(workspace: Path) -> str | None:
    """Return the scheme that a workspace records; None if it is new, or of an older package."""
    import json

    try:
        marker = json.loads((workspace / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    scheme = marker.get("scheme") if isinstance(marker, dict) else None
    return scheme if isinstance(scheme, str) else None


def choose_scheme(workspace: Path, asked: str | None) -> str:
    """Return the scheme of a workspace: the one recorded, else the one asked for, else that of this package.

    Args:
        workspace: its folder, which may not exist yet.
        asked: by the settings of the workspace; else the environment variable `XPM_SCHEME` is read.

    Raises:
        WorkspaceError: another scheme is recorded, or the workspace has jobs of an older package and nobody says which
            scheme their identifiers are of: with the wrong one everything would run again.
        ValueError: there is no scheme of the name that is asked for.
    """
    if asked is None and os.environ.get(VARIABLE):
        asked = check_scheme(os.environ[VARIABLE], VARIABLE)
    recorded = recorded_scheme(workspace)
    if recorded is not None:
        if recorded not in SCHEMES:
            raise _core.WorkspaceError(
                f"the workspace {workspace} has identifiers of the scheme {recorded!r}, unknown to this version: "
                "use the release that made it, or choose another folder"
            )
        if asked is not None and asked != recorded:
            raise _core.WorkspaceError(
                f"the workspace {workspace} has identifiers of the scheme {recorded}, and {asked} was asked for: "
                f"nothing in it would be found again. Ask for {recorded}, or for no scheme, or choose another folder"
            )
        return recorded
    if asked is None:
        older = _older_job(workspace)
        if older is not None:
            raise _core.WorkspaceError(_explanation(workspace, older))
    return asked or OWN_SCHEME


def _older_job(workspace: Path) -> Path | None:
    """A job folder that is named by 64 hexadecimal digits; one with its `params.json` if that is found soon."""
    found = None
    for number, folder in enumerate(_folders(workspace / "jobs")):
        if len(folder.name) == 64 and not set(folder.name) - set("0123456789abcdef"):
            found = found or folder
            if (folder / "params.json").is_file():
                return folder
        if number >= _LOOKED_AT:
            break
    return found


def _folders(jobs: Path) -> Iterator[Path]:
    try:
        for task in jobs.iterdir():
            if task.is_dir():
                yield from task.iterdir()
    except OSError:
        return


def _explanation(workspace: Path, older: Path) -> str:
    guess = _probable(older)
    names = (
        f"they are probably {guess} ones"
        if guess
        else "sha256-v2 is that of the releases 2 of the older package, sha256-v1 that of its releases 1"
    )
    name = guess or "sha256-v2"
    return (
        f"the workspace {workspace} has jobs of an older package (such as {older}), and does not say how their "
        f"identifiers were made: {names}. Say it once, with `scheme: {name}` for this workspace in the settings file, "
        f"or {VARIABLE}={name} in the environment: sha256-v1, sha256-v2 (the jobs that are done "
        "are found again), or md5 (every task runs again)"
    )


def _probable(older: Path) -> str | None:
    """Releases 2 wrote `params.json` of version 3 on."""
    import json

    try:
        params = json.loads((older / "params.json").read_text(encoding="utf-8"))
        return "sha256-v2" if int(params["version"]) >= 3 else "sha256-v1"
    except (OSError, ValueError, KeyError, TypeError):
        return None
