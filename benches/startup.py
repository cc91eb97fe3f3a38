"""Importing the package, and the command's help, beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from harness import OLDER, WHO, compare_wall

COMMAND = Path(sys.executable).with_name("experimaestro")


def run(*command: str | Path) -> None:
    """Run a process to its end, without its output."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    bare = {} if OLDER else {"bare python": partial(run, sys.executable, "-c", "pass")}
    importing = partial(run, sys.executable, "-c", "import experimaestro")
    helping = partial(run, COMMAND, "--help")
    importing(), helping()  # the files are compiled, and in the cache
    rounds = 7 if OLDER else 31
    compare_wall("start: import experimaestro", {WHO: importing} | bare, rounds=rounds)
    compare_wall("start: xpm --help", {WHO: helping} | bare, rounds=rounds)
