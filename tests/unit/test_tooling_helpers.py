"""Small helpers that older projects import."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from experimaestro import Config, Param, documentation
from experimaestro.mkdocs.annotations import shoulddocument
from experimaestro.mkdocs.base import Documentation, replace_references
from experimaestro.mkdocs.metaloader import DependencyInjectorFinder, Module
from experimaestro.utils import cleanupdir
from experimaestro.utils.settings import JsonSettings


@documentation
class Marked(Config):
    """A class to document."""

    rate: Param[float] = 0.5

    @documentation
    def shown(self, size: int) -> None:
        """Read this."""

    @documentation
    @classmethod
    def of_the_class(cls) -> None: ...

    @documentation
    @property
    def computed(self) -> int: ...

    def hidden(self) -> None:
        """Do not read this."""


class Below(Marked):
    pass


@pytest.mark.contract("configurations 13: mkdocs.annotations")
def test_marks_are_not_inherited():
    assert shoulddocument(Marked)
    assert shoulddocument(Marked.shown)
    assert shoulddocument(Marked.__dict__["shown"])
    assert shoulddocument(Marked.of_the_class)
    assert shoulddocument(Marked.computed)
    assert not shoulddocument(Marked.hidden)
    assert not shoulddocument(Below)
    assert not shoulddocument(3)


def test_references_of_a_page_are_replaced():
    page = f"# Title\n\n::xpm::{__name__}:Marked\n\nafter ::xpm::x:y\n"
    done = replace_references(page)
    assert "### Marked" in done
    assert "A class to document." in done
    assert "- **rate** (float) = `0.5`" in done
    assert "#### shown(self, size: int) -> None" in done.replace("'", "")
    assert "Do not read" not in done
    assert done.endswith("after ::xpm::x:y\n")
    with pytest.raises(AttributeError, match="no configuration class"):
        replace_references("::xpm::pathlib:Path")


@pytest.mark.contract("configurations 13: experimaestro.mkdocs, plugin")
def test_the_mkdocs_plugin_reads_its_options():
    pytest.importorskip("mkdocs")
    plugin = Documentation()
    errors, _ = plugin.load_config({"modules": ["json"], "init": "json"})
    assert errors == []
    plugin.on_config({})
    assert "### Marked" in plugin.on_page_markdown(f"::xpm::{__name__}:Marked")


@pytest.mark.contract("configurations 13: mkdocs.metaloader")
@pytest.mark.contract("clients: mkdocs.metaloader")
def test_stand_ins_by_pattern():
    finder = DependencyInjectorFinder.install(r"not_there(\..*)?$")
    try:
        import not_there.deep as deep

        assert isinstance(deep, Module)
        assert repr(deep.Thing) == "not_there.deep.Thing"
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("not_there_either")
    finally:
        finder.remove()
    assert "not_there" not in sys.modules


@pytest.mark.contract("clients: utils.cleanupdir")
def test_cleanupdir_empties_a_folder_and_keeps_what_links_point_to(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "folder"
    cleanupdir(folder)
    assert folder.is_dir()
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "file").touch()
    (folder / "link").symlink_to(outside)
    cleanupdir(folder)
    assert list(folder.iterdir()) == []
    assert (outside / "kept").exists()
    with pytest.raises(NotADirectoryError):
        cleanupdir(outside / "kept")


@pytest.mark.contract("clients: utils.settings.JsonSettings")
def test_settings_are_kept_in_their_file(tmp_path):
    path = tmp_path / "deep" / "settings.json"
    settings = JsonSettings(path)
    assert dict(settings) == {}
    settings["a"] = {"b": [1, None]}
    settings.set("a", 2, update=False)
    settings.set("c", 3)
    del settings["c"]
    assert dict(JsonSettings(path)) == {"a": {"b": [1, None]}} == json.loads(path.read_text())
    settings["a"]["b"].append(2)
    settings.save()
    assert JsonSettings(path)["a"] == {"b": [1, None, 2]}
    assert settings.get("missing", 4) == 4


def test_settings_that_cannot_be_written_change_nothing(tmp_path):
    settings = JsonSettings(tmp_path / "settings.json")
    settings["a"] = 1
    with pytest.raises(TypeError):
        settings["b"] = object()
    assert dict(settings) == {"a": 1} == dict(JsonSettings(tmp_path / "settings.json"))
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_settings_name_the_file_that_they_cannot_read(tmp_path, content):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(ValueError, match=r"settings\.json"):
        JsonSettings(tmp_path / "settings.json")


@pytest.mark.contract("clients: rpyc.client")
def test_rpyc_client_reaches_another_process():
    pytest.importorskip("rpyc")
    import os

    from experimaestro.rpyc.client import client

    with client() as connection:
        assert connection.modules.os.getpid() != os.getpid()
