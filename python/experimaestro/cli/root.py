"""The root of the command line: its options, and the table of commands."""

from __future__ import annotations

import os

import click

from experimaestro.cli.lazy import Entry, LazyGroup
from experimaestro.cli.session import CURRENT

COMMANDS = {
    "run-experiment": Entry("experimaestro.cli.run_experiment:run_experiment", "Run an experiment from its YAML file."),
    "run": Entry("experimaestro.cli.run:run", "Execute a task here and now, from its params.json."),
    "resume": Entry("experimaestro.cli.resume:resume", "Go on with a run whose driver is gone, without its script."),
    "retry": Entry("experimaestro.cli.resume:retry", "Run again what failed in a run, by cause."),
    "jobs": Entry("experimaestro.cli.jobs:jobs", "List the jobs of a workspace; read their logs."),
    "diff": Entry("experimaestro.cli.diff:diff_command", "Show what differs between two jobs."),
    "orphans": Entry("experimaestro.cli.orphans:orphans", "Find jobs that no run tells of any more."),
    "experiments": Entry("experimaestro.cli.experiments:experiments", "List the experiments of a workspace."),
    "workspaces": Entry("experimaestro.cli.workspaces:workspaces", "Show the workspaces of your settings."),
    "find-launchers": Entry(
        "experimaestro.cli.find_launchers:find_launchers", "Show which launcher a requirement finds."
    ),
    "tokens": Entry("experimaestro.cli.tokens:tokens", "See who has units of a token, and who waits."),
    "services": Entry("experimaestro.cli.services:services", "List the services of experiments; start one again."),
    "actions": Entry("experimaestro.cli.actions:actions", "List what experiments left to be done by hand; do it."),
    "doctor": Entry("experimaestro.cli.doctor:doctor", "Find out whether a file system keeps the promises it should."),
    "check-documentation": Entry(
        "experimaestro.cli.documentation:check_documentation", "Find configurations without documentation."
    ),
    "deprecated": Entry(
        "experimaestro.cli.deprecated:deprecated", "Find the jobs of deprecated classes under their new identifiers."
    ),
    "parameters-difference": Entry(
        "experimaestro.cli.parameters_difference:parameters_difference", "Compare two params.json, line by line."
    ),
    "completion": Entry("experimaestro.cli.completion:completion", "Print the completion script of your shell."),
    "version": Entry("experimaestro.cli.version:version", "Print the version."),
}

EXAMPLES = """
\b
Examples:
  xpm run-experiment --workdir runs experiment.yaml
  xpm run-experiment --workdir runs -c model.lr=0.1 experiment.yaml
  xpm jobs --workdir runs list --filter '@state = "error"'
  xpm jobs --workdir runs log 3f2a91 -f
  xpm diff --workdir runs 3f2a91 b04c77
"""


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    epilog=EXAMPLES,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        # click looks at the terminal only; people who set NO_COLOR mean it.
        "color": False if os.environ.get("NO_COLOR") else None,
    },
)
@click.option("--quiet", is_flag=True, help="Warnings and errors only.")
@click.option("--debug", is_flag=True, help="Tell what experimaestro does, in detail.")
@click.option(
    "--logging", "levels", metavar="LOGGER=LEVEL,…", help="Levels of loggers, such as xpm=DEBUG,urllib3=INFO."
)
@click.option("--traceback", is_flag=True, help="Show the Python traceback of errors.")
def xpm(quiet: bool, debug: bool, levels: str | None, traceback: bool) -> None:
    """Run experiments made of tasks; each task runs exactly once, and what it made is kept.

    A workspace is a folder with the results of everything that was run. Running an experiment again only runs what
    is new.
    """
    CURRENT.quiet, CURRENT.traceback = quiet, traceback
    from experimaestro.cli.logs import set_up

    set_up(quiet=quiet, debug=debug, levels=levels)
