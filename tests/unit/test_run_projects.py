"""What git says of a project."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import pytest

from experimaestro import DirtyGitAction, DirtyGitError
from experimaestro._run.projects import caller_folder, check_clean, git_state, repositories


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit."""
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "model.py").write_text("x = 1\n")
    for command in (
        ["init", "-q", "-b", "trunk"],
        ["add", "."],
        ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "First"],
    ):
        subprocess.run(["git", "-C", root, *command], check=True)
    return root


def test_a_clean_repository(repository):
    (repository / "results.txt").write_text("untracked files are no change of the code")
    state = git_state(str(repository))
    assert (state["branch"], state["dirty"], state["message"], state["author"]) == ("trunk", False, "First", "Ada")
    assert state["commit"].startswith(state["commit_short"])
    check_clean([state], DirtyGitAction.ERROR)


def test_uncommitted_changes(repository, caplog):
    (repository / "src" / "model.py").write_text("x = 2\n")
    state = git_state(str(repository))
    assert state["dirty"]
    check_clean([state], DirtyGitAction.IGNORE)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        check_clean([state], DirtyGitAction.WARN)
    assert str(repository) in caplog.text
    with pytest.raises(DirtyGitError, match="commit them"):
        check_clean([state], DirtyGitAction.ERROR)


def test_the_repository_is_found_from_below_and_once(repository, tmp_path):
    assert repositories([repository / "src", repository]) == [str(repository)]
    assert str(repository) not in repositories([tmp_path])


def test_a_repository_without_commit_has_no_state(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    assert git_state(str(tmp_path)) is None


def test_the_caller_is_outside_the_package():
    assert caller_folder() == str(Path(__file__).parent)
