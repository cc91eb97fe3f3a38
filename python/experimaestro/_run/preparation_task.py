"""The task that `Prepare.submit()` makes.

Floor: `_run`. Apart, since a job imports it to load what it runs.
"""

from __future__ import annotations

from experimaestro._config.annotations import Param
from experimaestro._config.tasks import Prepare, ResumableTask

__all__ = ["PreparationTask"]


class PreparationTask(ResumableTask):
    """Prepares something in a job."""

    __xpmid__ = "experimaestro.prepare"

    prepare: Param[Prepare]

    def __xpm_output_valid__(self) -> bool | None:
        # What was prepared may be elsewhere, and gone: it is asked, not the marker.
        value = self.prepare.instance() if hasattr(self.prepare, "instance") else self.prepare
        return bool(value.is_prepared())

    def execute(self) -> None:
        """Prepare, unless nothing is left to do."""
        if not self.prepare.is_prepared():
            self.prepare.prepare()
