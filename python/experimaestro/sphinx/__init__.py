"""Sphinx extension: configurations and tasks in the documentation of a project.

In `conf.py`: `extensions = ["experimaestro.sphinx"]`; in a page::

    .. autoxpmconfig:: package.module.Learn
       :members:
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains import ObjType
from sphinx.domains.python import PyObject  # type: ignore[attr-defined]  # not in its __all__

from experimaestro.sphinx.automatic import AutoConfiguration
from experimaestro.sphinx.directives import ConfigurationDirective, ParameterDirective

__all__ = ["AutoConfiguration", "ConfigurationDirective", "ParameterDirective", "PyObject", "setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    from experimaestro import __version__

    app.setup_extension("sphinx.ext.autodoc")
    app.add_directive_to_domain("py", "xpmconfig", ConfigurationDirective)
    app.add_directive_to_domain("py", "xpmparam", ParameterDirective)
    types = app.registry.domain_object_types.setdefault("py", {})
    types["xpmconfig"] = ObjType("xpmconfig", "class", "exc", "obj")
    types["xpmparam"] = ObjType("xpmparam", "attr", "obj")
    app.add_directive("autoxpmconfig", AutoConfiguration)
    app.connect("builder-inited", _add_static_files)
    app.add_css_file("experimaestro.css")
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}


def _add_static_files(app: Sphinx) -> None:
    app.config.html_static_path.append(str(Path(__file__).with_name("static")))
