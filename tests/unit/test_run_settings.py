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


@pytest.mark.contract("running 3: settings file")
def test_every_key_is_read(write, tmp_path):
    write(
        "server: {port: 8080, host: here, autohost: fqdn, token: secret}\n"
        "history: {max_done: 7, max_failed: 0}\n"
        "carbon: {enabled: false, provider: zeus, country_iso_code: FRA, region: idf, report_interval_s: 1.5,\n"
        "         warn_if_unavailable: false}\n"
        "workspaces:\n"
        "  - {id: far, path: ~/there, triggers: ['*'], ssh: {host: cluster, shell_init: 'module load x',\n"
        "     uv_offline: true, python: '3.12', xpm_path: /bin/xpm, options: '-p 2222'}}\n"
        "  - {id: main, path: ~/main, max_retries: 5, lock_mode: '0660', history: {max_done: 1},\n"
        "     folders: [{path: ~/copies, mode: backup}, {path: ~/other}]}\n"
    )
    found = settings.get_settings()
    assert vars(found.server) == {"port": 8080, "host": "here", "autohost": "fqdn", "token": "secret"}
    assert vars(found.history) == {"max_done": 7, "max_failed": 0}
    assert vars(found.carbon) == {
        "enabled": False, "provider": "zeus", "country_iso_code": "FRA", "region": "idf", "report_interval_s": 1.5,
        "warn_if_unavailable": False,
    }  # fmt: skip
    far, main = found.workspaces
    assert (str(far.path), far.is_remote) == ("~/there", True)
    assert vars(far.ssh) == {
        "host": "cluster", "shell_init": "module load x", "uv_offline": True, "python": "3.12", "xpm_path": "/bin/xpm",
        "options": ["-p", "2222"],
    }  # fmt: skip
    assert (main.max_retries, main.lock_mode, vars(main.history)) == (5, "0660", {"max_done": 1, "max_failed": 1})
    assert [(folder.path, folder.mode) for folder in main.folders] == [
        (tmp_path / "copies", settings.FolderMode.BACKUP),
        (tmp_path / "other", settings.FolderMode.USE),
    ]
    # A remote one is neither the default nor triggered; asked for by its name, it says where it is.
    assert settings.get_workspace().id == "main"
    assert settings.get_workspace("far") is None
    assert settings.get_workspace("far", include_remote=True) is far
    assert settings.find_workspace(experiment_id="anything").id == "main"
    with pytest.raises(RuntimeError, match="cluster"):
        settings.find_workspace(workspace="far")


@pytest.mark.contract("running 3: alt_workspaces")
def test_older_names_of_folders_and_likely_misspellings_are_warned_of(write, tmp_path, caplog):
    write(
        "histroy: {max_done: 1}\n"
        "something: else\n"
        "workspaces:\n"
        "  - {id: main, path: ~/main, alt_workspaces: [other, ~/third], trigger: [a]}\n"
        "  - {id: other, path: ~/other}\n"
    )
    found = settings.get_settings()
    assert [(f.path, f.mode.value) for f in found.workspaces[0].folders] == [
        (tmp_path / "other", "use"), (tmp_path / "third", "use"),
    ]  # fmt: skip
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    for message, place, words in zip(
        told,
        ("line 4: workspaces[0].alt_workspaces", "line 4: workspaces[0].trigger", "line 1: histroy"),
        ("folders", "'triggers'", "'history'"),
        strict=True,
    ):
        assert place in message
        assert words in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("env: {A: b}\nhistory: {max_done: -1}", "line 2: history.max_done: -1"),
        ("carbon:\n  enabled: perhaps", "line 2: carbon.enabled: 'perhaps'"),
        ("server:\n  autohost: no", "line 2: server.autohost"),
        ("workspaces:\n- id: a\n  path: b\n  folders: [{path: c, mode: copy}]", "line 4: .*mode: 'copy'.*use, backup"),
        ("workspaces:\n- id: a\n  path: b\n  lock_mode: 660", "line 4: .*lock_mode: 660"),
        ("workspaces:\n- id: a\n  path: b\n  ssh: {options: -v}", "line 4: .*ssh: the key 'host'"),
        ("env: {}\nhistory: {}\nenv: {}", "line 3: env: this key is given twice"),
    ],
)
def test_mistakes_are_named_with_their_line(write, text, place):
    write(text)
    with pytest.raises(ValueError, match=place):
        settings.get_settings()


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


def test_budgets_for_retries(write, tmp_path):
    from experimaestro import experiment

    write(
        "retries: {preempted: 20, lost: 0}\n"
        "workspaces:\n"
        "  - {id: main, path: ~/main, retries: {lost: 5, memory: 3, memory_growth: 1.5}}\n"
    )
    assert settings.get_settings().retries.given() == {"preempted": 20, "lost": 0}
    expected = {"preempted": 20, "lost": 5, "memory": 3, "memory_growth": 1.5}
    # By its id, and by its folder.
    assert experiment(settings.get_workspace("main"), "xp").workspace.retries == expected
    assert experiment(tmp_path / "main", "xp").workspace.retries == expected
    assert experiment(tmp_path / "other", "xp").workspace.retries == {"preempted": 20, "lost": 0}


@pytest.mark.parametrize("key", ["lost: -1", "memory: 1.5", "memory_growth: 0.5", "preempted: many"])
def test_wrong_budgets_are_told_with_their_line(write, key):
    write(f"local: {{slots: 1}}\nretries:\n  {key}\n")
    with pytest.raises(ValueError, match=rf"line 3: retries\.{key.partition(':')[0]}: .* is not a"):
        settings.get_settings()
