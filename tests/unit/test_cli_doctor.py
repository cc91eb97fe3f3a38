"""`xpm doctor fs`: promises that are kept, and those that are not."""

from __future__ import annotations

import errno
import json
import os

import pytest
from click.testing import CliRunner

from experimaestro.cli import fsprobe
from experimaestro.cli.root import xpm


def run(*arguments):
    return CliRunner().invoke(xpm, ["doctor", "fs", *map(str, arguments)])


def test_this_file_system_keeps_every_promise_and_is_left_as_it_was(tmp_path):
    found = run(tmp_path, "--json")
    assert found.exit_code == 0, found.output
    findings = json.loads(found.output)
    assert {finding["verdict"] for finding in findings} == {"ok"}, findings
    assert all(finding["measured"] for finding in findings)
    assert list(tmp_path.iterdir()) == []


def test_without_hard_links_it_says_that_a_workspace_cannot_be_there(tmp_path, monkeypatch):
    def refuse(*_names, **_options):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    found = run(tmp_path)
    assert found.exit_code == 1
    assert "hard links: NO; EPERM" in found.output
    assert "a workspace cannot be in" in found.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [([["0"], ["0"]], "several processes at once"), ([["0"]], "given to nobody")],
)
def test_a_link_with_two_winners_or_none_is_found(tmp_path, monkeypatch, words, complaint):
    monkeypatch.setattr(fsprobe, "_together", lambda _role, _place: words)
    with pytest.raises(fsprobe.ProbeError, match=complaint):
        fsprobe._exclusive(tmp_path)


def test_torn_lines_and_torn_files_are_found(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("0 0 xxx0 1 xx\n")
    monkeypatch.setattr(fsprobe, "_together", lambda _role, _place: [["torn"]])
    with pytest.raises(fsprobe.ProbeError, match="lost or torn"):
        fsprobe._appended(tmp_path)
    with pytest.raises(fsprobe.ProbeError, match="a file that is torn"):
        fsprobe._replaced(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    found = run(tmp_path / "nowhere")
    assert found.exit_code == 1
    assert "give a folder that you may write to" in found.stderr
