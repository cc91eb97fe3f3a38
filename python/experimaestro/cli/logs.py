"""Log records on stderr, in one short format."""

from __future__ import annotations

import logging

import click

from experimaestro.cli.session import CURRENT, wants_colour

OURS = ("xpm", "experimaestro")
_COLOURS = {logging.DEBUG: "bright_black", logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}


class ShortFormatter(logging.Formatter):
    """`warning: text`; tracebacks only when they were asked for."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        level = record.levelname.lower()
        text = record.getMessage()
        if record.levelno != logging.INFO:
            label = f"{level}:" if record.name in OURS else f"{level} ({record.name}):"
            colour = _COLOURS.get(record.levelno) if wants_colour(2) else None
            text = f"{click.style(label, fg=colour) if colour else label} {text}"
        if record.exc_info and CURRENT.traceback:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        elif record.exc_info and record.exc_info[1] is not None:
            from experimaestro._run.failure import one_line

            text = f"{text}: {one_line(record.exc_info[1])}"
        return text


class StderrHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is now: the live display puts itself there, above its bars."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        import sys

        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 (as the standard handlers do: logging never breaks the program)
            self.handleError(record)


def set_up(*, quiet: bool, debug: bool, levels: str | None) -> None:
    """Install the handler and set levels.

    :param quiet: warnings and more
    :param debug: everything of our own loggers
    :param levels: `logger=LEVEL` pairs separated by commas
    :raises click.BadParameter: for a level that does not exist
    """
    root = logging.getLogger()
    if not any(isinstance(handler, StderrHandler) for handler in root.handlers):
        handler = StderrHandler()
        handler.setFormatter(ShortFormatter())
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO)
    for pair in (levels or "").split(","):
        if pair.strip():
            name, _, level = pair.strip().partition("=")
            number = logging.getLevelName(level.strip().upper())
            if not isinstance(number, int):
                raise click.BadParameter(
                    f"{pair!r}: expected logger=LEVEL with a level among DEBUG, INFO, WARNING, ERROR",
                    param_hint="--logging",
                )
            logging.getLogger(name.strip()).setLevel(number)
