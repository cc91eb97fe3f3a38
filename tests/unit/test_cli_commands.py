"""The command line itself: help, mistakes, exit codes, choosing a workspace, locating code."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from experimaestro.cli import outcome
from experimaestro.cli.lazy import LazyGroup
from experimaestro.cli.root import COMMANDS, xpm


@pytest.fixture(autouse=True)
def untouched_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands set up logging for the whole process: not in this one."""
    monkeypatch.setattr(logging.getLogger(), "handlers", list(logging.getLogger().handlers))


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = outcome.run(xpm, arguments)
    out, err = capfd.readouterr()
    return code, out, err


def modules_after(*arguments: str) -> set[str]:
    """What is imported once a command has run, in a process of its own."""
    code = (
        "import sys, json\nfrom experimaestro.cli import main\n"
        f"try: main({list(arguments)!r})\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], [], ["jbos"]])
def test_help_imports_no_command_and_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(*arguments)
    assert "click" in loaded
    heavy = {
        "rich",
        "yaml",
        "numpy",
        "asyncio",
        "json.tool",
        "experimaestro._run.experiment",
        "experimaestro.experiments",
    }
    heavy |= {entry.target.partition(":")[0] for entry in COMMANDS.values()}
    assert not loaded & heavy


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths of all commands and groups."""
    paths = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            paths += every_command(found, (*path, name))
    return paths


@pytest.mark.parametrize("path", every_command(xpm), ids=" ".join)
def test_every_command_teaches_itself(path: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capfd, *path, "--help")
    assert (code, err) == (0, "")
    assert re.match(r"Usage: \S+", out)
    described = out.split("\n\n")[1].strip()
    assert described.endswith((".", ":", "\n")) or "." in described
    for line in out.splitlines():
        assert len(line) <= 100
        # an option without a help text
        assert not re.fullmatch(r"\s+-\S+(?: [A-Z=|]+)?\s*", line), line


def test_one_line_helps_agree_with_the_commands() -> None:
    context = click.Context(xpm)
    assert isinstance(xpm, LazyGroup)
    for name, entry in COMMANDS.items():
        command = xpm.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str(200) == entry.help


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["jbos"], "Did you mean 'jobs'?"),
        (["zzz"], "Commands: run-experiment, "),
        (["--nope"], "--nope"),
        (["--logging", "xpm=LOUD", "version"], "xpm=LOUD"),
        (["run-experiment"], "YAML"),
        (["run-experiment", "--run-mode", "fast", "x.yaml"], "normal, generate_only, dry_run"),
        (["run-experiment", "--file", "a.py", "--module-name", "b", "x.yaml"], "exclude each other"),
        (["jobs", "list", "--filter", "lr = "], "(column 5)"),
        (["jobs", "list", "--state", "finished"], "no state 'finished'"),
        (["jobs", "list", "-c", "-1"], "-1"),
        (["completion", "tcsh"], "tcsh"),
    ],
)
def test_wrong_usage_is_code_2_and_says_what_is_right(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert words in err
    assert "--help" in err
    assert "Traceback" not in err


def test_version_and_completion(capfd: pytest.CaptureFixture[str]) -> None:
    from experimaestro._core import __version__

    assert run(capfd, "version") == (0, f"{__version__}\n", "")
    for shell in ("bash", "zsh", "fish"):
        code, out, _ = run(capfd, "completion", shell)
        assert code == 0
        assert "_XPM_COMPLETE" in out


def test_the_shell_completes_commands_and_options() -> None:
    def completed(line: str, word: int) -> list[str]:
        environment = {"COMP_WORDS": line, "COMP_CWORD": str(word), "_XPM_COMPLETE": "bash_complete"}
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv = ['xpm']; from experimaestro.cli import main; main()"],
            env={**environment, "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        return [entry.partition(",")[2] for entry in done.stdout.split()]

    assert completed("xpm ", 1) == list(COMMANDS)
    assert completed("xpm jo", 1) == ["jobs"]
    assert "--run-mode" in completed("xpm run-experiment --ru", 2)
    assert completed("xpm run-experiment --run-mode d", 3) == ["dry_run"]


def test_show_prints_the_merged_configuration(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("id: a\nmodel: {lr: 1e-3, n: 1}\nday: 2026-01-02\n")
    (tmp_path / "post.yaml").write_text("model: {n: 2}\n")
    code, out, err = run(
        capfd,
        "run-experiment",
        "--show",
        "--post-yaml",
        str(tmp_path / "post.yaml"),
        "-c",
        "x.y=3",
        str(tmp_path / "a"),
    )
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert json.loads(out) == {"id": "a", "model": {"lr": 0.001, "n": 2}, "day": "2026-01-02", "x": {"y": "3"}}


def experiment_files(folder: Path, yaml: str, code: str = "") -> str:
    folder.mkdir(exist_ok=True)
    (folder / "experiment.yaml").write_text(yaml)
    if code:
        (folder / "experiment.py").write_text(code)
    return str(folder / "experiment.yaml")


BASE = (
    "from experimaestro.experiments import *\n"
    "@configuration\nclass Configuration(ConfigurationBase):\n    rate: float = 0.1\n"
)


@pytest.mark.parametrize(
    ("yaml", "code", "words"),
    [
        ("", "", "no such file"),
        ("id: [", "", "experiment.yaml:1: not valid YAML"),
        ("rate: 1", "", "the key `id` is missing"),
        ("id: a/b", "", "name of a folder"),
        ("id: a", "", "there is no experiment.py"),
        ("id: a\nfile: other", "", "experiment.yaml:2: there is no file"),
        ("id: a\nmodule: no.such", "", "no module 'no.such'"),
        ("id: a\nfile: experiment\nmodule: b", "", "keep one"),
        ("id: a\npythonpath: [nowhere]", BASE, "experiment.yaml:2: the folder"),
        ("id: a\npre_experiment: ./nowhere.py", BASE, "experiment.yaml:2: there is no file"),
        ("id: a\npre_experiment: nowhere", BASE, "no module 'nowhere'"),
        ("id: a\ndirty_git: WARN", BASE, "did you mean 'warn'?"),
        ("id: a", BASE, "there is no `run` here"),
        ("id: a", BASE + "def run(helper): pass", "two parameters"),
        ("id: a", BASE + "def run(helper, cfg): pass", "needs an annotation"),
        ("id: a", BASE + "def run(helper, cfg: 'Nowhere'): pass", "'Nowhere'"),
        ("id: a", BASE + "run = 3", "not a function"),
        ("id: a", BASE + "class run(ExperimentHelper): pass", "decorator"),
        ("id: a\nrat: 1", BASE + "def run(helper, cfg: Configuration): pass", "experiment.yaml:2: unknown key 'rat'"),
        (
            "id: a\nrate: x",
            BASE + "def run(helper, cfg: Configuration): pass",
            "experiment.yaml:2: rate must be a number",
        ),
        ("id: a", "import nothing_like_this", "experiment.py:1 in <module>: import nothing_like_this"),
        ("id: a", "x = (", "SyntaxError"),
        ("id: a", "from .sibling import x", "module: "),
    ],
)
def test_mistakes_before_anything_runs(tmp_path: Path, yaml: str, code: str, words: str) -> None:
    """In a process of its own: experiments extend `sys.path`. Nothing is written."""
    path = experiment_files(tmp_path / "code", yaml, code)
    if not yaml:
        Path(path).unlink()
    command = [sys.executable, "-m", "experimaestro.cli", "run-experiment", "--workdir", str(tmp_path / "runs"), path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "", "HOME": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_traceback_is_shown_when_asked(tmp_path: Path) -> None:
    path = experiment_files(tmp_path / "code", "id: a", "import nothing_like_this")
    command = [sys.executable, "-m", "experimaestro.cli", "--traceback", "run-experiment", "--workdir", "runs", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PATH": ""})
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "Error: ModuleNotFoundError: " in done.stderr.splitlines()[-2]


@pytest.mark.contract("running 17: DEF: experiments without a workspace is an error in words")
def test_without_a_workspace_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["jobs", "list"], ["experiments", "list"], ["run-experiment", experiment_files(tmp_path, "id: a")]):
        code, out, err = run(capfd, *command)
        assert (code, out) == (1, "")
        assert "--workdir" in err


def test_a_folder_that_is_no_workspace(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    inside = tmp_path / "ws" / "jobs" / "x"
    inside.mkdir(parents=True)
    code, out, err = run(capfd, "jobs", "--workdir", str(inside), "list")
    assert (code, out) == (1, "")
    assert "not a workspace" in err
    (tmp_path / "ws" / ".__experimaestro__").touch()
    code, out, err = run(capfd, "jobs", "--workdir", str(inside), "list")
    assert (code, out) == (1, "")
    assert f"use --workdir {tmp_path / 'ws'}" in err
    code, out, err = run(capfd, "jobs", "--workdir", str(tmp_path / "absent"), "list")
    assert (code, out) == (1, "")
    assert "no such folder" in err


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    script = f"{sys.executable} -m experimaestro.cli completion bash | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_colours_follow_the_user(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run(capfd, "jbos")[2]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run(capfd, "jbos")[2]
