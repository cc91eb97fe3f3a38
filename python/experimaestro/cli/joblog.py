"""Printing and following the log files of a job."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from experimaestro.cli.outcome import CommandError
from experimaestro.cli.session import is_terminal, wants_colour

_POLL_SECONDS = 0.2
_CHUNK = 1 << 16


def log_files(job: Path, *, out: bool = True, err: bool = True) -> list[Path]:
    """The log files of a job folder, whether they exist or not."""
    name = job.parent.name.rpartition(".")[2]
    return [job / f"{name}{suffix}" for suffix, wanted in ((".out", out), (".err", err)) if wanted]


def print_logs(job: Path, files: list[Path]) -> None:
    """Print log files, through the user's pager when they are longer than the terminal.

    :raises CommandError: when the job has none yet
    """
    existing = _existing(job, files)
    written = [path for path in existing if path.stat().st_size]
    if is_terminal(1) and sum(path.stat().st_size for path in written) > 0 and _is_long(written):
        # Like git: leave when it fits, keep colours, leave the text on the screen.
        os.environ.setdefault("LESS", "FRX")
        import codecs

        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        texts = (decoder.decode(chunk) for chunk in _chunks(written, headings=len(written) > 1))
        click.echo_via_pager(texts, color=True)
        return
    for chunk in _chunks(written, headings=len(written) > 1):
        _write(chunk)


def follow_logs(root: Path, job: Path, files: list[Path]) -> None:
    """Print log files as they grow, until the job has ended; Ctrl-C stops the printing, not the job.

    :raises CommandError: when the job has no log and does not run
    """
    from experimaestro._run.engine import get_engine

    engine = get_engine()
    positions = dict.fromkeys(files, 0)
    last: Path | None = None
    seen = False
    while True:
        # Asked before reading: what a job wrote before its end is then read once more, after its end.
        state, _ = engine.inspect(str(root), job.parent.name, job.name)
        active = state in ("ready", "scheduled", "running", "waiting")
        moved = False
        for path in files:
            for chunk in _read_from(path, positions):
                if len(files) > 1 and path != last:
                    _write(_heading(path, first=last is None))
                    last = path
                _write(chunk)
                moved = seen = True
        if not active and not moved:
            break
        if not moved:
            time.sleep(_POLL_SECONDS)
    if not seen:
        _existing(job, files)


def _existing(job: Path, files: list[Path]) -> list[Path]:
    existing = [path for path in files if path.exists()]
    if not existing:
        raise CommandError(f"{job.parent.name}/{job.name} has no log yet: it did not start")
    return existing


def _is_long(paths: list[Path]) -> bool:
    """Whether the files have more lines than the terminal."""
    import shutil

    room = shutil.get_terminal_size().lines - 2 - 2 * len(paths)
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                room -= chunk.count(b"\n")
                if room < 0:
                    return True
    return False


def _chunks(paths: list[Path], *, headings: bool) -> Iterator[bytes]:
    for number, path in enumerate(paths):
        if headings:
            yield _heading(path, first=number == 0)
        yield from _read_from(path, {path: 0})


def _heading(path: Path, *, first: bool) -> bytes:
    """As `tail` writes it for several files."""
    line = f"==> {path.name} <=="
    if wants_colour(1):
        line = click.style(line, dim=True)
    return ("" if first else "\n").encode() + os.fsencode(line) + b"\n"


def _read_from(path: Path, positions: dict[Path, int]) -> Iterator[bytes]:
    """What stands from the remembered position on; a file that was emptied is read again from its start."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        if file.seek(0, os.SEEK_END) < positions[path]:
            positions[path] = 0
        file.seek(positions[path])
        while chunk := file.read(_CHUNK):
            positions[path] += len(chunk)
            yield chunk


def _write(chunk: bytes) -> None:
    click.echo(chunk, nl=False)
    sys.stdout.flush()
