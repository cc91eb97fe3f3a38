"""The examples of the guides are run, in order, each page in a module of its own."""

from __future__ import annotations

import doctest
import re
import sys
import types
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run(page: str, kinds: set[str]) -> tuple[int, str]:
    """How many blocks were run, and what the sessions among them got wrong."""
    text = (DOCS / page).read_text()
    name = f"documentation_{page.removesuffix('.md')}"
    module = types.ModuleType(name)
    sys.modules[name] = module
    complaints: list[str] = []
    count = 0
    for block in BLOCK.finditer(text):
        if block["kind"] not in kinds:
            continue
        count += 1
        line = text[: block.start()].count("\n") + 1
        if block["kind"] == "pycon":
            test = doctest.DocTestParser().get_doctest(block["code"], module.__dict__, page, page, line)
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            runner.run(test, out=complaints.append, clear_globs=False)
            module.__dict__.update(test.globs)
        else:
            exec(compile("\n" * line + block["code"], str(DOCS / page), "exec", dont_inherit=True), module.__dict__)
    return count, "".join(complaints)


@pytest.mark.parametrize(("page", "kinds", "least"), [("configurations.md", {"python", "pycon"}, 15)])
def test_sessions_give_what_the_page_shows(page, kinds, least):
    count, complaints = run(page, kinds)
    assert not complaints, complaints
    assert count >= least


def test_programs_of_the_tools_page_run(capsys):
    finders = list(sys.meta_path)
    try:
        count, _ = run("tools.md", {"python run"})
    finally:
        for finder in [finder for finder in sys.meta_path if finder not in finders]:
            finder.remove()
    assert count == 3
    assert capsys.readouterr().out.splitlines() == [
        "3 steps of 0.2",
        "0.1 1 64 {'rate': 0.1, 'layers': 1, 'width': 64}",
        "0.1 2 8 {'rate': 0.1, 'layers': 2, 'width': 8}",
        "1.0 1 64 {'rate': 1.0, 'layers': 1, 'width': 64}",
        "1.0 2 8 {'rate': 1.0, 'layers': 2, 'width': 8}",
    ]


def test_string_annotations_of_code_run_apart_from_its_module_are_understood():
    source = """from __future__ import annotations
from experimaestro import Config, Param

class Inner(Config):
    __xpmid__ = "documentation.inner"
    x: Param[int]

class Outer(Config):
    __xpmid__ = "documentation.outer"
    inner: Param[Inner]

made = Outer.C(inner=Inner.C(x=1))
"""
    scope = {"__name__": __name__}  # a module that knows none of these names
    exec(source, scope)
    assert scope["made"].inner.x == 1
