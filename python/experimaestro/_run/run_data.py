"""What an experiment saves for itself and for later ones: configurations under a name, in the folder of the run.

Floor: `_run`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experimaestro._run.run_folders import newest_first

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_data", "save_data"]

_FOLDER = "data"


def save_data(run: Path, obj: Any, name: str) -> None:
    """Save configurations in a run, under a name; what had the name before is replaced."""
    from experimaestro._config.serialization import save

    folder = run / _FOLDER / _checked(name)
    folder.mkdir(parents=True, exist_ok=True)
    save(obj, folder)


def load_data(base: Path, name: str, run_id: str | None) -> Any:
    """Load what a run of an experiment saved.

    Args:
        base: folder of the experiment.
        name: what was given to `save_data`.
        run_id: of this run; the newest one that has the name by default.

    Raises:
        FileNotFoundError: there is no such experiment or run, or it has nothing of this name.
    """
    from experimaestro._config.serialization import load

    if not base.is_dir():
        raise FileNotFoundError(f"there is no experiment {base.name} in {base.parent}")
    runs = newest_first(base) if run_id is None else [base / run_id]
    for run in runs:
        folder = run / _FOLDER / _checked(name)
        if folder.is_dir():
            return load(folder)
    where = f"no run of {base.name}" if run_id is None else f"the run {run_id} of {base.name}"
    raise FileNotFoundError(f"{where} saved anything under the name {name!r} (looked in {base})")


def _checked(name: str) -> str:
    if not name or "/" in name or name.startswith("."):
        raise ValueError(f"{name!r} cannot be a name of saved data: it names a folder")
    return name
