"""The process of a job: confirm the claim, load the task, execute it, settle the attempt.

Floor: `_run`. Run by `<name>.py` (by hand or by the engine), and by the fork server in each child. It imports as little
as it can, since every job pays for it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from experimaestro._core import Attempt, fault_point
from experimaestro._run.cancellation import Cancellation
from experimaestro._run.leaving import flush_streams, leave, wait_for_threads
from experimaestro._run.logs import ROTATE, start_logs
from experimaestro.exceptions import ClaimLost, GracefulTimeout, LoadError
from experimaestro.taskglobals import Env

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Kind: TypeAlias = Literal["done", "failed", "timeout", "cancelled", "memory"]

_CANCELLED_CODE = 15


class Outcome:
    """How an attempt ended, as it will be recorded."""

    __slots__ = ("code", "error", "kind", "message")

    def __init__(
        self, kind: Kind, code: int = 0, message: str | None = None, error: tuple[str, str, str | None] | None = None
    ) -> None:
        self.kind: Kind = kind
        self.code = code
        self.message = message
        self.error = error
        """The exception: its type, its text, its place in the user's code."""


def main(script: str) -> NoReturn:
    """Run the job of the script `<job folder>/<name>.py`, then end the process with exit code 0 or 1.

    The attempt is the one that the engine gave in `XPM_ATTEMPT`; without it (by hand) a new one is claimed.
    """
    path = os.path.realpath(script)
    directory = os.path.dirname(path)
    # The script's folder would hide the user's modules of the same name (`learn.py` beside the task `learn.Learn`).
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != directory]
    number = os.environ.pop("XPM_ATTEMPT", None)
    workspace = os.path.dirname(os.path.dirname(os.path.dirname(directory)))
    name = os.path.splitext(os.path.basename(path))[0]
    leave(run_job(directory, workspace, name, int(number) if number else None))


def run_job(directory: str, workspace: str, name: str, attempt: int | None) -> int:
    """Run one attempt of a job in this process.

    Args:
        directory: the job's folder, absolute.
        workspace: root of the workspace, absolute.
        name: last part of the task identifier, the stem of the job's files.
        attempt: the number claimed by the driver, or None to claim one.

    Returns:
        Exit code: 0 when the job is done, 1 otherwise.
    """
    _flush_every_line()
    if os.environ.get("XPM_ENABLEFAULTHANDLER") == "1":
        import faulthandler

        faulthandler.enable()
    Env.wspath, Env.taskpath, Env.slave = Path(workspace), Path(directory), _is_slave()
    if Env.slave:
        os.chdir(directory)
        return _exit_code(_outcome(Cancellation(), Path(directory), None))

    cancellation = Cancellation()
    cancellation.install()
    try:
        claim = Attempt.begin(directory, attempt)
    except ClaimLost as error:
        print(f"experimaestro: {name} is not run: {error}", file=sys.stderr)
        return 0 if attempt is None and os.path.exists(os.path.join(directory, f"{name}.done")) else 1
    keeps_logs = os.environ.pop(ROTATE, None) is not None
    if attempt is not None:
        start_logs(os.path.join(directory, name), keeps_logs)
    os.chdir(directory)
    outcome = _outcome(cancellation, Path(directory), claim)
    if outcome is None:
        print(
            "experimaestro: this attempt was declared lost, and somebody else may run the job: stopping",
            file=sys.stderr,
        )
        return 1
    flush_streams()
    try:
        claim.finish(outcome.kind, code=outcome.code, message=outcome.message, error=outcome.error)
    except ClaimLost as error:
        print(f"experimaestro: the outcome ({outcome.kind}) is not recorded: {error}", file=sys.stderr)
        return 1
    return _exit_code(outcome)


def _outcome(cancellation: Cancellation, directory: Path, claim: Attempt | None) -> Outcome | None:
    """Load and execute the task; None when the claim is no longer ours."""
    process = os.getpid()
    outcome: Outcome | None
    try:
        with cancellation:
            outcome = _execute(directory, claim)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is an outcome
        outcome = _outcome_of(error)
    if os.getpid() != process:
        # A child forked by the task came back here: the attempt is its parent's business.
        flush_streams()
        os._exit(_exit_code(outcome))
    if cancellation.received is not None:
        outcome = Outcome("cancelled", _CANCELLED_CODE, cancellation.message)
    if claim is not None and not claim.is_mine():
        return None
    return outcome


def _execute(directory: Path, claim: Attempt | None) -> Outcome | None:
    from experimaestro._config.lifecycle import load_task

    fault_point("load", os.fspath(directory))
    Env.loading = True
    try:
        task: Any = load_task(directory)
    except SystemExit as error:
        raise RuntimeError(f"the code called sys.exit({error.code!r}) while it was loaded") from error
    finally:
        Env.loading = False
    if claim is not None and not claim.is_mine():
        return None
    Env.current_task = task
    fault_point("execute", os.fspath(directory))
    try:
        task.execute()
    except SystemExit as error:
        # Exactly 0 is a success; a bare sys.exit() is not.
        if not (isinstance(error.code, int) and error.code == 0):
            raise
    wait_for_threads()
    fault_point("end of execute", os.fspath(directory))
    return Outcome("done")


def _outcome_of(error: BaseException) -> Outcome:
    from experimaestro._run.failure import lacks_memory, one_line, origin, print_traceback

    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
        code = error.code if isinstance(error.code, int) else 1
        hint = "; only sys.exit(0) is a success" if error.code is None else ""
        message = f"sys.exit({'' if error.code is None else repr(error.code)}) was called{hint}"
        return Outcome("failed", code, message, origin(error))
    if isinstance(error, LoadError):
        if error.__cause__ is not None:
            print_traceback(error.__cause__)
        print(f"experimaestro: the task cannot be loaded: {error}", file=sys.stderr)
        return Outcome("failed", 1, " ".join(str(error).split()), origin(error.__cause__ or error))
    print_traceback(error)
    if isinstance(error, GracefulTimeout):
        return Outcome("timeout", 1, error.message, origin(error))
    return Outcome("memory" if lacks_memory(error) else "failed", 1, one_line(error), origin(error))


def _exit_code(outcome: Outcome | None) -> int:
    return 0 if outcome is not None and outcome.kind == "done" else 1


def _is_slave() -> bool:
    ranks = (os.environ.get(name, "") for name in ("SLURM_PROCID", "RANK", "LOCAL_RANK"))
    return any(rank.isdigit() and int(rank) > 0 for rank in ranks)


def _flush_every_line() -> None:
    """Whoever follows the log sees each line at once, and a forked child inherits no half-written buffer."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(line_buffering=True)
