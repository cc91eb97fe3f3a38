"""Telling those who watch how far a task is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experimaestro._run.progress import progress
from experimaestro.taskglobals import Env as TaskEnv

if TYPE_CHECKING:
    from experimaestro._run.progress_bar import tqdm, xpm_tqdm

__all__ = ["TaskEnv", "progress", "tqdm", "xpm_tqdm"]


def __getattr__(name: str) -> object:
    # The library tqdm takes a while to import: only those who use a bar pay for it.
    if name in ("tqdm", "xpm_tqdm"):
        from experimaestro._run import progress_bar

        return getattr(progress_bar, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
