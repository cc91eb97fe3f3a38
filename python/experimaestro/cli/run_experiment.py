"""`xpm run-experiment`: from a YAML file to a finished experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from experimaestro.cli.outcome import FAILURE, CommandError
from experimaestro.cli.session import CURRENT
from experimaestro.cli.workspace import workspace_options

if TYPE_CHECKING:
    from experimaestro._run.run_mode import RunMode
    from experimaestro.cli.live.board import Board
    from experimaestro.experiments import ConfigurationBase
    from experimaestro.experiments.document import LocatedDict

if TYPE_CHECKING:
    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # not generic in older versions of click

_FILE = click.Path(dir_okay=False, path_type=Path)


class RunModeType(_ParamType):
    """A run mode by its name or its value, in any case, with `_` or `-`."""

    name = "mode"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> RunMode:  # noqa: RET503
        """Find the mode."""
        from experimaestro._run.run_mode import RunMode

        if isinstance(value, RunMode):
            return value
        wanted = str(value).lower().replace("_", "-")
        for mode in RunMode:
            if wanted in (mode.value, mode.name.lower().replace("_", "-")):
                return mode
        known = ", ".join(mode.name.lower() for mode in RunMode)
        self.fail(f"there is no run mode {value!r}: use one of {known}", param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """What the help shows."""
        return "normal|dry_run|generate_only"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG002
        """Modes for the shell."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in ("normal", "dry_run", "generate_only") if name.startswith(incomplete)]


@click.command("run-experiment", short_help="Run an experiment from its YAML file.")
@workspace_options
@click.option(
    "--run-mode",
    type=RunModeType(),
    default="normal",
    help="dry_run: say what would run; generate_only: write the job folders only.",
)
@click.option(
    "-c", "--conf", "overrides", metavar="KEY=VALUE", multiple=True, help="Override a value: model.lr=0.1 (repeat)."
)
@click.option("--pre-yaml", "before", type=_FILE, multiple=True, help="YAML below the main file, which wins (repeat).")
@click.option(
    "--post-yaml", "after", type=_FILE, multiple=True, help="YAML above the main file, which it overrides (repeat)."
)
@click.option("--file", "file", type=_FILE, help="Python file with `run`, instead of the YAML file's `file`.")
@click.option("--module-name", "module", metavar="NAME", help="Module with `run`, instead of the YAML file's `module`.")
@click.option(
    "--env",
    "variables",
    metavar="NAME VALUE",
    type=(str, str),
    multiple=True,
    help="Environment variable of the tasks (repeat).",
)
@click.option(
    "--fail-fast",
    is_flag=False,
    flag_value=1,
    default=0,
    metavar="[N]",
    type=click.IntRange(min=0),
    help="Start nothing more once N jobs (1 by default) failed for the same cause.",
)
@click.option("--detach", is_flag=True, help="Leave once all is submitted: a process of its own goes on.")
@click.option("--show", is_flag=True, help="Print the merged configuration as JSON, and run nothing.")
@click.option("--debug", is_flag=True, help="Tell what experimaestro does, in detail.")
@click.option("--host", hidden=True)
@click.option("--port", hidden=True)
@click.option("--no-db", is_flag=True, hidden=True)
@click.argument("yaml", type=click.Path(path_type=Path))
@click.argument("args", nargs=-1)
def run_experiment(
    workdir: Path | None,
    workspace: str | None,
    run_mode: RunMode,
    overrides: tuple[str, ...],
    before: tuple[Path, ...],
    after: tuple[Path, ...],
    file: Path | None,
    module: str | None,
    variables: tuple[tuple[str, str], ...],
    fail_fast: int,
    detach: bool,
    show: bool,
    debug: bool,
    host: str | None,
    port: str | None,
    no_db: bool,  # noqa: ARG001 (accepted for older scripts; there is no database)
    yaml: Path,
    args: tuple[str, ...],
) -> int:
    """Run the experiment that YAML describes (.yaml may be left out).

    The file names the experiment (`id`) and its code: `run(helper, configuration)` in experiment.py beside it, or in
    `file`, or in `module`. The other keys are those of the configuration class.

    Tasks that are done are not run again: the same command continues what was interrupted or failed.

    \b
    Examples:
      xpm run-experiment --workdir runs experiment
      xpm run-experiment --workdir runs -c model.lr=0.1 -c seeds=[1,2,3] experiment
      xpm run-experiment --workdir runs --run-mode dry_run experiment

    Exit code: 0 when every job is done, 1 when one failed, when the end could not be recorded (a full disk), or the
    configuration is wrong, 2 for wrong options.
    """
    if file is not None and module is not None:
        raise click.UsageError("--file and --module-name exclude each other: give the one that holds `run`")
    if debug:
        from experimaestro.cli.logs import set_up

        set_up(quiet=False, debug=True, levels=None)
    if host is not None or port is not None:
        click.echo("--host and --port are ignored here", err=True)
    from experimaestro.experiments.merge import load_experiment_document, with_suffix

    document = load_experiment_document(yaml, before, after, overrides)
    if show:
        import json

        click.echo(json.dumps(document, default=str))
        return 0
    return _run(
        document,
        with_suffix(yaml),
        file,
        module,
        args,
        workdir,
        workspace,
        run_mode,
        dict(variables),
        detach,
        fail_fast,
    )


def _run(
    document: LocatedDict,
    main: Path,
    file: Path | None,
    module: str | None,
    args: tuple[str, ...],
    workdir: Path | None,
    workspace: str | None,
    run_mode: RunMode,
    variables: dict[str, str],
    detach: bool,
    fail_fast: int,
) -> int:
    from experimaestro.cli import experiment_code

    base = _base_keys(document)
    name = _experiment_id(base, main)
    settings = _workspace(workdir, workspace, name)
    code = experiment_code.locate(document, base, main, file, module)
    experiment_code.extend_path(document, base, code)
    experiment_code.run_pre_experiment(document, base, main)
    helper, schema = experiment_code.find_run(experiment_code.import_code(code, str(main)))
    configuration = _configuration(document, schema)

    from experimaestro._run.experiment import experiment
    from experimaestro._run.projects import DirtyGitAction

    opened = experiment(
        settings,
        name,
        run_mode=run_mode,
        dirty_git=DirtyGitAction(base.dirty_git),
        project_paths=list(dict.fromkeys([code.folder, main.absolute().parent])),
        detach=detach,
        fail_fast=fail_fast,
    )
    if not run_mode.submits:
        with opened as xp:
            _call(helper, xp, args, configuration, variables)
        _tell_simulation(opened)
        return 0
    return _run_and_watch(opened, helper, args, configuration, variables)


def _run_and_watch(
    opened: Any, helper: Any, args: tuple[str, ...], configuration: Any, variables: dict[str, str]
) -> int:
    """Run with a display; then say how it ended."""
    from experimaestro._run.termination import TerminationGuard
    from experimaestro.cli.live.board import Board
    from experimaestro.cli.live.watch import watching

    stopped = True
    board = Board(opened.name)
    try:
        # Around the display: the terminal is left as it was found before a signal ends this process.
        with TerminationGuard(), watching(opened.name, board):
            try:
                with opened as xp:
                    _call(helper, xp, args, configuration, variables)
                stopped = False
            except KeyboardInterrupt:
                pass
    except Exception:
        # Often the code stumbles over the results of jobs that failed: these come first.
        if opened.failed:
            _tell_end(board, opened)
        raise
    if stopped:
        raise click.Abort  # the experiment has said what goes on, and how to come back
    if opened.successor is not None:
        return 0
    if not CURRENT.quiet or opened.failed:
        _tell_end(board, opened)
    return FAILURE if opened.failed or opened.unrecorded else 0


def _tell_end(board: Board, opened: Any) -> None:
    from experimaestro.cli.live.summary import print_summary
    from experimaestro.cli.tables import console

    # Asking the experiment for its results folder would create it.
    print_summary(board, console(stderr=True), opened.workspace.path, Path(opened.workdir) / "results")


def _tell_simulation(opened: Any) -> None:
    """Say how much there would be to do."""
    from collections import Counter

    from experimaestro.cli.text import count

    states = Counter(job.state.name for job in opened.jobs.values())
    done, active = states["done"], states["running"] + states["scheduled"]
    parts = [f"{states.total() - done - active} to run", *([f"{active} running"] if active else []), f"{done} done"]
    click.echo(f"{opened.name}: {count(states.total(), 'task')}: {', '.join(parts)}", err=True)


def _call(helper: Any, xp: Any, args: tuple[str, ...], configuration: Any, variables: dict[str, str]) -> None:
    for variable, value in variables.items():
        xp.setenv(variable, value)
    helper.xp = xp
    helper.run(list(args), configuration)


def _base_keys(document: LocatedDict) -> ConfigurationBase:
    """The keys that every experiment has."""
    from experimaestro.experiments import ConfigurationBase
    from experimaestro.experiments.structure import fields_of, structure

    known = {field.name for field in fields_of(ConfigurationBase) or ()}
    base = structure(document, ConfigurationBase, ignored=[key for key in document if key not in known])
    assert isinstance(base, ConfigurationBase)
    return base


def _configuration(document: LocatedDict, schema: Any) -> Any:
    """The object that `run` is given."""
    from experimaestro.experiments import ConfigurationBase
    from experimaestro.experiments.structure import fields_of, structure

    ignored: set[str] = set()
    own = fields_of(schema)
    if own is not None and not issubclass(schema, ConfigurationBase):
        ignored = {field.name for field in fields_of(ConfigurationBase) or ()} - {field.name for field in own}
    return structure(document, schema, ignored)


def _experiment_id(base: ConfigurationBase, main: Path) -> str:
    name = base.id
    if not name:
        raise CommandError(f"{main}: the key `id` is missing: the name of the experiment, and of its folder")
    if "/" in name or name.startswith(".") or name != name.strip():
        raise CommandError(f"{main}: {name!r} cannot be the id of an experiment: it is the name of a folder")
    if not base.add_timestamp:
        return name
    from datetime import datetime

    return f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M}"


def _workspace(workdir: Path | None, workspace: str | None, name: str) -> Any:
    from experimaestro.settings import find_workspace

    try:
        return find_workspace(workspace=workspace, workdir=workdir, experiment_id=name)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise CommandError(str(error)) from None
