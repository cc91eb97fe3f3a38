"""The settings file: what it may say, and what is said of mistakes."""

from __future__ import annotations

import sys

import pytest

from experimaestro import settings
from experimaestro._run import settings as reader


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the settings file of this test's user."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(reader, "_cached", None)
    monkeypatch.delattr(sys, "_called_from_test", raising=False)
    path = reader.settings_path()

    def write(text):
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return write


def test_without_a_file_everything_has_a_default(write):
    found = settings.get_settings()
    assert (found.env, found.workspaces, found.local.slots, found.local.launcher) == ({}, [], None, None)


def test_workspaces_variables_and_unknown_keys(write, tmp_path, monkeypatch):
    monkeypatch.setenv("WHERE", str(tmp_path))
    write(
        "future: {key: 1}\n"
        "env: {NUMBER: 3, FLAG: true, PLACE: '${env:WHERE}', OTHER: '${oc.env.NOT_SET_ANYWHERE}'}\n"
        "local: {slots: 3, launcher: process}\n"
        "workspaces:\n"
        "  - {id: main, path: '${env.WHERE}/main', env: {A: b}}\n"
        "  - {id: other, path: ~/other, triggers: ['mnist-*']}\n"
    )
    found = settings.get_settings()
    assert found.env == {
        "NUMBER": "3", "FLAG": "True", "PLACE": str(tmp_path), "OTHER": "${oc.env.NOT_SET_ANYWHERE}",
    }  # fmt: skip
    assert (found.local.slots, found.local.launcher) == (3, "process")
    assert settings.get_workspace().id == "main"
    assert settings.get_workspace("other").path == tmp_path / "other"
    assert settings.get_workspace("nobody") is None


def test_the_order_in_which_a_workspace_is_chosen(write, tmp_path):
    write(
        "workspaces:\n"
        "  - {id: main, path: ~/main, env: {A: b}}\n"
        "  - {id: other, path: ~/other, triggers: ['mnist-*']}\n"
    )
    assert settings.find_workspace().id == "main"
    assert settings.find_workspace(experiment_id="mnist-1").id == "other"
    assert settings.find_workspace(workdir=tmp_path / "w", experiment_id="mnist-1").path == tmp_path / "w"
    both = settings.find_workspace(workspace="main", workdir=tmp_path / "w")
    assert (both.id, both.path, both.env) == ("main", tmp_path / "w", {"A": "b"})
    with pytest.raises(RuntimeError, match=r"nobody.*main, other"):
        settings.find_workspace(workspace="nobody")


def test_no_workspace_at_all(write):
    with pytest.raises(AssertionError, match="--workdir"):
        settings.find_workspace()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[1", "not valid YAML"),
        ("- 1", "keys and values are expected"),
        ("env: 3", "env: keys and values"),
        ("local: {slots: 0}", "local.slots: 0"),
        ("local: {slots: true}", "local.slots: True"),
        ("local: {launcher: docker}", "local.launcher: 'docker'"),
        ("workspaces: {a: 1}", "workspaces: a list"),
        ("workspaces: [{id: a}]", r"workspaces\[0\]: the key 'path'"),
        ("workspaces: [{id: a, path: b, max_retries: no}]", r"workspaces\[0\].max_retries"),
        ("workspaces: [{id: a, path: b, triggers: c}]", r"workspaces\[0\].triggers"),
    ],
)
def test_mistakes_are_named_with_their_place(write, text, place):
    write(text)
    with pytest.raises(ValueError, match=place):
        settings.get_settings()
