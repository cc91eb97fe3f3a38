"""Whether the process of a job can find the classes of a task."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from experimaestro import _core


def check_importable(config: Any) -> None:
    """Refuse a task of which a class is in no file: its job could not be loaded.

    Raises:
        ValidationError: a class was typed in an interactive session, in a notebook, or given by `python -c`.
    """
    main = sys.modules.get("__main__")
    if getattr(main, "__spec__", None) is not None:
        return
    file = getattr(main, "__file__", None)
    if file is not None and Path(file).exists():
        return
    for each in _core.reachable_configurations(config):
        if isinstance(each, _core.TaskStub):
            continue
        object_type = type(each).__xpmtype__
        cls = object_type.value_type
        if cls.__module__ == "__main__":
            raise _core.ValidationError(
                f"{object_type.identifier} cannot be part of a job: its class {cls.__qualname__} was typed in an "
                "interactive session or a notebook (or given by python -c), and the process of the job finds classes "
                "in files only. Write the class in a module, a .py file beside the notebook for instance, import it "
                "here, and submit again. instance() works without a file, and so does RunMode.DRY_RUN."
            )
