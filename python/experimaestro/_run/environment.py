"""What an experiment ran with: Python, installed packages, projects; stored beside the run.

Floor: `_run`. Written for those who ask, months later, what was different.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from experimaestro._core import __version__

__all__ = ["capture_environment"]


def capture_environment(projects: list[Any]) -> dict[str, Any]:
    """Describe the driver: versions, command line, packages, and the git state of the projects.

    Args:
        projects: what `git_state` told of each repository.
    """
    packages, editable = _packages()
    return {
        "experimaestro": __version__,
        "python_version": platform.python_version(),
        "python": sys.executable,
        "command": list(sys.orig_argv),
        "hostname": os.uname().nodename,
        "packages": packages,
        "editable_packages": editable,
        "projects": projects,
    }


def _packages() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Read names and versions off the folders of `sys.path`: opening each package's metadata would take long."""
    packages: dict[str, str] = {}
    editable: dict[str, dict[str, str]] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if not entry.endswith(".dist-info"):
                continue
            name, _, version = entry.removesuffix(".dist-info").rpartition("-")
            name = name.replace("_", "-").lower()
            if not name or name in packages:  # the first one on the path is the one that is imported
                continue
            packages[name] = version
            source = _editable_source(os.path.join(folder, entry, "direct_url.json"))
            if source is not None:
                editable[name] = {"version": version, "path": source}
    return dict(sorted(packages.items())), editable


def _editable_source(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return None
    import json

    try:
        origin = json.loads(text)
        if origin.get("dir_info", {}).get("editable"):
            return str(origin["url"]).removeprefix("file://")
    except (ValueError, KeyError, AttributeError):
        pass
    return None


def encode(environment: dict[str, Any]) -> str:
    """Return the JSON text to be stored."""
    import json

    return json.dumps(environment, indent=1, ensure_ascii=False)


def replace_environment(folder: str, environment: dict[str, Any]) -> None:
    """Replace `environment.json` in the folder of a run, whole; a full disk must not end an experiment."""
    temporary = os.path.join(folder, f".environment.json.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(encode(environment))
        os.replace(temporary, os.path.join(folder, "environment.json"))
    except OSError as error:
        print(f"experimaestro: the state of the projects is not stored: {error}", file=sys.stderr)
