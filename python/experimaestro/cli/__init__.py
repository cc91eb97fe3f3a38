"""The command `xpm` (floor: on top of everything; imported by nothing else).

Only what a command needs is imported: the list of commands with their one-line helps is in `root`, each command in a
module of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process.

    :param arguments: what follows the name of the command (default: those of the process)
    """
    from experimaestro.cli.outcome import run
    from experimaestro.cli.root import xpm

    sys.exit(run(xpm, arguments))
