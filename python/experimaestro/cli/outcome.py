"""How a command ends: exit code, and one clear paragraph for whatever went wrong."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from experimaestro.cli.session import CURRENT, wants_colour

FAILURE = 1
USAGE = 2
INTERRUPTED = 130


class CommandError(click.ClickException):
    """A command cannot do what was asked: what, where, and what to do next, in one message."""

    exit_code = FAILURE


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :return: the exit code: 0 fine, 1 failed, 2 wrong usage, 130 interrupted
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Where the terminal cannot show a sign, a question mark is better than the end of the command.
            stream.reconfigure(errors="replace")
    try:
        called = os.path.basename(sys.argv[0])
        name = called if called == "experimaestro" else "xpm"
        result = command.main(None if arguments is None else list(arguments), prog_name=name, standalone_mode=False)
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader (head, less) left: nobody wants the rest, and Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILURE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.UsageError as error:
        _show_usage(error)
        return error.exit_code
    except click.ClickException as error:
        _maybe_traceback()
        say_error(error.format_message())
        return error.exit_code
    except Exception as error:  # noqa: BLE001 (the last handler: everything else becomes a paragraph)
        _maybe_traceback()
        say_error(explain(error))
        return FAILURE


def say_error(message: str) -> None:
    """Print an error on stderr."""
    colour = wants_colour(2)
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {message}", err=True, color=colour)


def say_hint(message: str) -> None:
    """Print advice on stderr."""
    click.echo(click.style(message, dim=True), err=True, color=wants_colour(2))


def explain(error: BaseException) -> str:
    """One paragraph about an exception: ours as they are, others with the place in the user's code.

    >>> from experimaestro.experiments import ExperimentFileError
    >>> explain(ExperimentFileError("a.yaml: there is no such file"))
    'a.yaml: there is no such file'
    """
    from experimaestro.exceptions import ExperimaestroError, HandledException
    from experimaestro.experiments import ExperimentFileError

    if isinstance(error, ExperimentFileError):
        return str(error)
    place = _users_place(error)
    where = f"\n  at {place}" if place else ""
    if isinstance(error, HandledException):
        cause = error.__cause__ or error
        return f"{_named(cause)}{where}"
    if isinstance(error, ExperimaestroError):
        return f"{str(error) or type(error).__name__}{where}"
    hint = "" if CURRENT.traceback else "\n  the whole traceback: add --traceback right after xpm"
    return f"{_named(error)}{where}{hint}"


def _named(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _users_place(error: BaseException) -> str | None:
    """`file:line in function: code` of the innermost frame that belongs neither to us nor to a library."""
    import traceback

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    library = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = os.path.abspath(frame.filename)
        if frame.filename.startswith("<") or file.startswith((package, library)) or "site-packages" in file:
            continue
        code = f": {frame.line}" if frame.line else ""
        return f"{frame.filename}:{frame.lineno} in {frame.name}{code}"
    return None


def _maybe_traceback() -> None:
    if CURRENT.traceback:
        import traceback

        traceback.print_exc()


def _show_usage(error: click.UsageError) -> None:
    say_error(error.format_message())
    if error.ctx is not None:
        say_hint(f"  {error.ctx.command.get_usage(error.ctx)}\n  help: {error.ctx.command_path} --help")
