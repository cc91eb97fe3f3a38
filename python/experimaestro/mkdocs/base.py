"""The MkDocs plugin: `::xpm::package.module:Class` in a page becomes the documentation of the class.

Deprecated: use the Sphinx extension for new documentation.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from experimaestro import Config
from experimaestro.mkdocs.annotations import shoulddocument

if TYPE_CHECKING:

    class BasePlugin:
        """MkDocs' class, as far as it is used here."""

        config: dict[str, Any]

    options: Any = None
else:
    try:
        from mkdocs.config import config_options as options
        from mkdocs.plugins import BasePlugin
    except ImportError:  # the functions are of use without MkDocs
        BasePlugin, options = object, None

_REFERENCE = re.compile(r"^::xpm::(?P<module>[\w.]+):(?P<name>[\w.]+)[ \t]*$", re.MULTILINE)


class Documentation(BasePlugin):
    """Options: `modules`, imported first; `init`, modules that prepare imports (such as `metaloader`)."""

    config_scheme: ClassVar[Any] = () if options is None else (
        ("name", options.Type(str, default="")),
        ("modules", options.Type(list, default=[])),
        ("external", options.Type(list, default=[])),
        ("init", options.Type((str, list), default=[])),
    )  # fmt: skip

    def on_config(self, config: Any, **_: Any) -> Any:
        """Import what must be imported first."""
        init = self.config["init"]
        for name in [init] if isinstance(init, str) else init:
            import_module(name)
        for module in self.config["modules"]:
            import_module(module if isinstance(module, str) else next(iter(module)))
        return config

    def on_page_markdown(self, markdown: str, **_: Any) -> str:
        """Replace the references of a page."""
        return replace_references(markdown)


def replace_references(markdown: str) -> str:
    """A page with the documentation of the classes that it names.

    Raises:
        ImportError: a module cannot be imported.
        AttributeError: a class is not there.
    """
    return _REFERENCE.sub(lambda match: configuration_markdown(_find(match["module"], match["name"])), markdown)


def _find(module: str, name: str) -> type[Config]:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, Config)):
        raise AttributeError(f"{module}:{name} is no configuration class")
    return found


def configuration_markdown(cls: type[Config]) -> str:
    """A configuration class as Markdown: docstring, parameters, methods marked with `documentation`."""
    lines = [f"### {cls.__qualname__} {{: #{cls.__getxpmtype__().identifier} }}", ""]
    lines += [inspect.cleandoc(cls.__dict__.get("__doc__") or ""), ""]
    for argument in cls.__getxpmtype__().arguments.values():
        kind = "constant" if argument.constant else "generated" if argument.generator is not None else ""
        default = f" = `{argument.default!r}`" if argument.has_default else ""
        text = " ".join((argument.help or "").split())
        lines.append(f"- **{argument.name}** ({_type_text(argument.annotation)}){default} {kind} {text}".rstrip())
    for name, value in vars(cls).items():
        if not isinstance(value, type) and shoulddocument(value):
            target = getattr(value, "__func__", value)
            taken = inspect.signature(target) if callable(target) else ""
            lines += ["", f"#### {name}{taken}", "", inspect.cleandoc(target.__doc__ or "")]
    return "\n".join(lines).rstrip() + "\n"


def _type_text(annotation: Any) -> str:
    return (
        annotation.__qualname__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation)
    )
