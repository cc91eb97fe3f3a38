"""The Sphinx extension, on a real documentation, and the check that nothing is forgotten."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from experimaestro.cli.root import xpm
from experimaestro.tools.documentation import DocumentationAnalyzer, inventory_names

DATA = Path(__file__).parents[1] / "data"

INDEX = """
Documentation
=============

.. toctree::
   :maxdepth: 1

   learning
   A title <more/models>

.. currentmodule:: documented.learning

.. autoxpmconfig:: Learn
   :members:
"""
LEARNING = """
Learning
========

.. autoxpmconfig:: documented.learning.Optimizer
   :members:
   :show-inheritance:

   Written by hand, see :py:class:`documented.learning.Learn`.

.. autoxpmconfig:: documented.learning.Optimizer.Schedule
"""
MODELS = """
Models
======

.. autoxpmconfig:: documented.learning.Model
"""


@pytest.fixture(scope="module", autouse=True)
def package():
    sys.path.insert(0, str(DATA))
    yield
    sys.path.remove(str(DATA))


def write(folder: Path, **pages: str) -> Path:
    (folder / "more").mkdir(parents=True, exist_ok=True)
    for name, text in {"index": INDEX, "learning": LEARNING, "more_models": MODELS, **pages}.items():
        (folder / f"{name.replace('_', '/')}.rst").write_text(text)
    (folder / "conf.py").write_text('project = "Documented"\nextensions = ["experimaestro.sphinx"]\n')
    return folder


def build(source: Path, output: Path) -> str:
    """What Sphinx complains of."""
    command = [sys.executable, "-m", "sphinx", "-q", "--no-color", "-b", "html", source, output]
    environment = {**os.environ, "PYTHONPATH": str(DATA), "PYTHONWARNINGS": "ignore"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    return run.stderr


def text(path: Path) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", path.read_text())).replace("¶", "").split())


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("documentation")
    output = folder / "html"
    assert build(write(folder / "source"), output) == ""
    return output


@pytest.mark.contract("configurations 13: experimaestro.sphinx, autoxpmconfig")
def test_a_configuration_shows_its_parameters_once(pages):
    content = text(pages / "learning.html")
    assert "XPM Config documented.learning.Optimizer(*, rate: float = 0.001, momentum: float | None = None)" in content
    assert "How weights change. It is asked after each batch." in content
    assert "not the text to show" not in content
    assert "Written by hand" in content
    assert "Bases:" in content
    identifiers = re.findall(r'id="(documented[^"]+)"', (pages / "learning.html").read_text())
    assert sorted(identifiers) == [
        "documented.learning.Optimizer",
        "documented.learning.Optimizer.Schedule",
        "documented.learning.Optimizer.Schedule.every",
        "documented.learning.Optimizer.momentum",
        "documented.learning.Optimizer.rate",
    ]


def test_members_are_shown_when_asked_for(pages):
    assert "Change the weights once." in text(pages / "learning.html")
    assert "undocumented" not in text(pages / "learning.html")


@pytest.mark.contract("configurations 13: experimaestro.sphinx, submit type")
def test_a_task_says_what_it_gives_and_leaves_out_what_cannot_be_given(pages):
    content = text(pages / "index.html")
    signature = "Learn(*, optimizer: documented.learning.Optimizer, layers: list[int])"
    assert f"XPM Task documented.learning.{signature}" in content
    assert "Submit type: documented.learning.Model" in content
    assert re.search(r"version: int = 2 constant", content)
    assert re.search(r"weights: (pathlib\.)?Path generated", content)


def test_types_and_references_are_links(pages):
    index = (pages / "index.html").read_text()
    assert 'href="more/models.html#documented.learning.Model"' in index
    assert 'href="learning.html#documented.learning.Optimizer"' in index
    assert 'href="index.html#documented.learning.Learn"' in (pages / "learning.html").read_text()


@pytest.mark.contract("configurations 13: experimaestro.sphinx, style sheet")
def test_the_style_sheet_is_there(pages):
    assert "xpmparam" in (pages / "_static" / "experimaestro.css").read_text()
    assert "experimaestro.css" in (pages / "index.html").read_text()


def test_a_wrong_name_is_a_warning_with_its_place(tmp_path):
    source = write(tmp_path / "source", index=INDEX + "\n.. autoxpmconfig:: documented.learning.Lern\n")
    complaint = build(source, tmp_path / "html")
    assert re.search(r"index\.rst:\d+: WARNING: autoxpmconfig: documented\.learning\.Lern", complaint)


@pytest.mark.contract("configurations 13: experimaestro.sphinx, directives")
def test_directives_can_be_written_by_hand(tmp_path):
    by_hand = """
Title
=====

.. py:xpmconfig:: somewhere.Adam
   :task:

   .. py:xpmparam:: rate
      :type: float
      :value: 0.1

See :py:class:`somewhere.Adam` and :py:attr:`somewhere.Adam.rate`.
"""
    source = write(tmp_path / "source", index=by_hand, learning=":orphan:\n" + LEARNING)
    (source / "more" / "models.rst").write_text(":orphan:\n" + MODELS)
    assert build(source, tmp_path / "html") == ""
    page = (tmp_path / "html" / "index.html").read_text()
    assert 'href="#somewhere.Adam.rate"' in page
    assert "XPM Task somewhere.Adam" in text(tmp_path / "html" / "index.html")


@pytest.mark.contract("configurations 13: experimaestro.sphinx, setup")
def test_what_extensions_are_told():
    from experimaestro.sphinx import PyObject, setup

    assert PyObject.__name__ == "PyObject"
    assert callable(setup)


@pytest.mark.contract("configurations 13: DocumentationAnalyzer")
def test_analyzer_accepts_a_whole_documentation(tmp_path, capsys):
    analyzer = DocumentationAnalyzer(write(tmp_path) / "index.rst", {"documented"})
    analyzer.analyze()
    analyzer.assert_no_undocumented()
    analyzer.assert_valid_documentation()
    assert "documented.learning.Optimizer.Schedule" in analyzer.documented or analyzer.undocumented == []
    analyzer.report()
    assert capsys.readouterr().out == ""


@pytest.mark.contract("configurations 13: DocumentationAnalyzer, errors")
def test_analyzer_tells_what_is_forgotten_and_what_is_invented(tmp_path, capsys):
    source = write(tmp_path, more_models="Models\n======\n\n.. autoxpmconfig:: documented.learning.Modal\n")
    (source / "index.rst").write_text(INDEX.replace("   learning\n", "   learning\n   nowhere\n"))
    analyzer = DocumentationAnalyzer(source / "index.rst", ["documented", "documented_not"])
    analyzer.analyze()
    with pytest.raises(AssertionError, match=r"documented\.learning\.Model$"):
        analyzer.assert_no_undocumented()
    with pytest.raises(AssertionError, match="Modal"):
        analyzer.assert_valid_documentation()
    assert analyzer.undocumented == ["documented.learning.Model"]
    assert len(analyzer.falsy_documented) == len(analyzer.parsing_errors) == len(analyzer.documentation_errors) == 1
    assert "nowhere" in analyzer.parsing_errors[0]
    analyzer.report()
    assert "documented.learning.Model" in capsys.readouterr().out


@pytest.mark.parametrize("excluded", ["documented.learning", "documented.learning.Model"])
def test_analyzer_leaves_out_what_is_excluded(tmp_path, excluded):
    source = write(tmp_path, more_models="Models\n======\n")
    analyzer = DocumentationAnalyzer(source / "index.rst", {"documented"}, {excluded})
    analyzer.analyze()
    assert analyzer.undocumented == []


def test_command_reads_the_inventory(pages, tmp_path):
    assert "documented.learning.Model" in inventory_names(pages / "objects.inv")
    run = CliRunner().invoke(xpm, ["check-documentation", str(pages / "objects.inv"), "documented"])
    assert (run.exit_code, run.output) == (0, "4 configurations, all documented\n")

    source = write(tmp_path / "source", more_models="Models\n======\n", learning="Learning\n========\n")
    assert "documented.learning" not in build(source, tmp_path / "html").replace("documented.learning.Learn", "")
    inventory = str(tmp_path / "html" / "objects.inv")
    run = CliRunner().invoke(xpm, ["check-documentation", inventory, "documented"])
    assert run.exit_code == 1
    assert run.output.split() == [
        "documented.learning.Model", "documented.learning.Optimizer", "documented.learning.Optimizer.Schedule",
    ]  # fmt: skip
    skip = "documented.learning.Model,documented.learning.Optimizer,documented.learning.Optimizer.Schedule"
    run = CliRunner().invoke(xpm, ["check-documentation", inventory, "documented", "--skip", skip])
    assert run.exit_code == 0


@pytest.mark.parametrize("content", [b"", b"# Sphinx inventory version 2\na\nb\nc\nnot compressed"])
def test_command_refuses_what_is_no_inventory(tmp_path, content):
    path = tmp_path / "objects.inv"
    path.write_bytes(content)
    run = CliRunner().invoke(xpm, ["check-documentation", str(path), "documented"])
    assert run.exit_code == 1
    assert "inventory" in run.output
