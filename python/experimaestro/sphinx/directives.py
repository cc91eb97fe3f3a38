"""The directives `py:xpmconfig` and `py:xpmparam`, which can also be written by hand."""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.domains.python import PyAttribute, PyClasslike


class ConfigurationDirective(PyClasslike):
    """A configuration class; with `:task:`, a task."""

    option_spec: ClassVar[Any] = {**PyClasslike.option_spec, "task": directives.flag}

    def get_signature_prefix(self, sig: str) -> Any:  # noqa: ARG002 - Sphinx's signature
        """What stands before the name."""
        kind = "XPM Task" if "task" in self.options else "XPM Config"
        return [nodes.Text(kind), addnodes.desc_sig_space()]

    def get_index_text(self, modname: str, name_cls: tuple[str, str]) -> str:
        """The entry of the general index."""
        kind = "task" if "task" in self.options else "configuration"
        return f"{name_cls[0]} ({kind} in {modname})" if modname else f"{name_cls[0]} ({kind})"


class ParameterDirective(PyAttribute):
    """A parameter; `:constant:` and `:generated:` say that it cannot be given."""

    option_spec: ClassVar[Any] = {
        **PyAttribute.option_spec,
        "constant": directives.flag,
        "generated": directives.flag,
    }

    def handle_signature(self, sig: str, signode: Any) -> Any:
        """Add the kind of the parameter after its type and value."""
        names = super().handle_signature(sig, signode)
        for kind in ("constant", "generated"):
            if kind in self.options:
                signode += addnodes.desc_sig_space()
                signode += nodes.inline("", kind, classes=["xpm-kind"])
        return names

    def get_index_text(self, modname: str, name_cls: tuple[str, str]) -> str:
        """The entry of the general index."""
        name, owner = name_cls
        where = owner or modname
        return f"{name.rpartition('.')[2]} (parameter of {where})" if where else name
