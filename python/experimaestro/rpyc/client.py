"""A Python process, here or on another machine, whose modules are used from this one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def client(hostname: str = "", python: str = "python3") -> Iterator[Any]:
    """Connect to a new Python process; it ends with the block.

    Args:
        hostname: a machine that can be reached with `ssh` and has `rpyc` installed; empty for a process of this one.
        python: the interpreter there.

    Raises:
        ImportError: the package `rpyc` is not installed.
    """
    try:
        from rpyc.core.service import ClassicService  # pyright: ignore[reportMissingImports]
        from rpyc.utils.factory import connect_subproc  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise ImportError("experimaestro.rpyc needs the package rpyc: pip install rpyc") from None

    service: Any = ClassicService
    serve = "import sys; from rpyc.cli.rpyc_classic import ClassicServer; sys.exit(ClassicServer.run())"
    command = [sys.executable, "-u", "-c", serve, "-q", "-m", "stdio"]
    if hostname:
        import shlex

        command = ["ssh", hostname, shlex.join([python, *command[1:]])]
    connection = connect_subproc(command, service)
    try:
        yield connection
    finally:
        connection.close()
        connection.proc.wait()
