"""The directive `autoxpmconfig`: everything about a configuration class, from its code."""

from __future__ import annotations

import inspect
import typing
from importlib import import_module
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import stringify_annotation

from experimaestro import Config, Task

logger = logging.getLogger(__name__)


def _names(argument: str | None) -> list[str] | None:
    """`:members:` alone means all of them (None), otherwise those that are named."""
    return [name.strip() for name in argument.split(",") if name.strip()] if argument else None


class AutoConfiguration(SphinxDirective):
    """Documents a configuration class: docstring, parameters, what `submit()` gives, and, on request, members.

    A parameter is documented once, as a parameter, whatever the members asked for.
    """

    has_content = True
    required_arguments = 1
    option_spec: ClassVar[Any] = {
        "members": _names,
        "exclude-members": _names,
        "undoc-members": directives.flag,
        "inherited-members": directives.unchanged,
        "show-inheritance": directives.flag,
        "member-order": directives.unchanged,
        "no-index": directives.flag,
        "noindex": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Write reStructuredText and let Sphinx read it."""
        try:
            cls = find_class(self.arguments[0], self.env.ref_context.get("py:module"))
        except (ImportError, AttributeError, TypeError) as error:
            logger.warning("autoxpmconfig: %s: %s", self.arguments[0], error, location=self.get_location())
            return []
        self.env.note_dependency(inspect.getsourcefile(cls) or "")
        lines = configuration_lines(cls, self.arguments[0], self.options, list(self.content))
        source = self.get_source_info()[0]
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(StringList(lines, source=source), 0, node)
        return node.children


def find_class(name: str, module: str | None = None) -> type[Config]:
    """A configuration class from its dotted name, in the current module or absolute.

    Raises:
        ImportError: no module of that name can be imported.
        AttributeError: the module has no such class.
        TypeError: it is no configuration class.
    """
    failure: Exception = ImportError(f"give the module: package.module.{name}")
    for candidate in [f"{module}.{name}", name] if module else [name]:
        parts = candidate.split(".")
        for length in range(len(parts) - 1, 0, -1):
            try:
                found: Any = import_module(".".join(parts[:length]))
                for part in parts[length:]:
                    found = getattr(found, part)
            except ModuleNotFoundError as error:  # noqa: PERF203 - the next, shorter module name
                failure = error
                if not ".".join(parts[:length]).startswith(error.name or "."):
                    raise
            except AttributeError as error:
                failure = error
                break
            else:
                if not (isinstance(found, type) and issubclass(found, Config)):
                    raise TypeError(f"{candidate} is no configuration class")
                return found
    raise failure


def configuration_lines(cls: type[Config], name: str, options: dict[str, Any], content: list[str]) -> list[str]:
    """The reStructuredText of a class."""
    index = ["   :no-index:"] if "no-index" in options or "noindex" in options else []
    lines = [f".. py:xpmconfig:: {name.rpartition('.')[2] if '.' not in name else name}{signature(cls)}"]
    module = cls.__module__
    if name == f"{module}.{cls.__qualname__}":
        lines = [f".. py:xpmconfig:: {cls.__qualname__}{signature(cls)}", f"   :module: {module}"]
    lines += index
    if issubclass(cls, Task):
        lines.append("   :task:")
    lines.append("")
    body: list[str] = []
    if "show-inheritance" in options:
        bases = ", ".join(f":py:class:`{base.__module__}.{base.__qualname__}`" for base in cls.__bases__)
        body += [f"Bases: {bases}", ""]
    documentation = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    body += [*_without_parameters(documentation).splitlines(), ""]
    body += [*content, ""]
    if issubclass(cls, Task):
        body += [f"**Submit type**: {_reference(submit_type(cls))}", ""]
    for argument in cls.__getxpmtype__().arguments.values():
        body += parameter_lines(argument, index)
    if "members" in options:
        body += member_lines(cls, options)
    return lines + [f"   {line}" if line else "" for line in body]


def parameter_lines(argument: Any, index: list[str]) -> list[str]:
    """The reStructuredText of a parameter."""
    lines = [f".. py:xpmparam:: {argument.name}", *index, f"   :type: {type_text(argument.annotation)}"]
    if argument.has_default:
        lines.append(f"   :value: {_shown(argument.default)}")
    if argument.constant:
        lines.append("   :constant:")
    if argument.generator is not None:
        lines.append("   :generated:")
    text = inspect.cleandoc(argument.help or "")
    return [*lines, "", *(f"   {line}" for line in text.splitlines()), ""]


def member_lines(cls: type[Config], options: dict[str, Any]) -> list[str]:
    """Methods and properties, but no parameter a second time."""
    wanted, excluded = options["members"], options.get("exclude-members") or ()
    parameters = cls.__getxpmtype__().arguments
    lines: list[str] = []
    for name, value in vars(cls).items():
        if name in parameters or name in excluded or (name.startswith("_") if wanted is None else name not in wanted):
            continue
        target = getattr(value, "__func__", getattr(value, "fget", value))
        if not inspect.isfunction(target) or not (target.__doc__ or "undoc-members" in options):
            continue
        kind = "autoproperty" if isinstance(value, property) else "automethod"
        lines += [f".. {kind}:: {cls.__module__}.{cls.__qualname__}.{name}", "   :no-index:", ""]
    return lines


def signature(cls: type[Config]) -> str:
    """What can be given to the constructor, by name only: `(*, rate: float, steps: int = 3)`."""
    parts = []
    for argument in cls.__getxpmtype__().arguments.values():
        if argument.constant or argument.generator is not None:
            continue
        part = f"{argument.name}: {type_text(argument.annotation)}"
        if argument.has_default:
            part += f" = {_shown(argument.default)}"
        elif not argument.required:
            part += " = None"
        parts.append(part)
    return f"(*, {', '.join(parts)})" if parts else "()"


def type_text(annotation: Any) -> str:
    """A type as Sphinx writes it, so that it becomes a link."""
    return stringify_annotation(annotation, "fully-qualified-except-typing")


def submit_type(cls: type[Config]) -> Any:
    """What `submit()` gives: what `__submit__` or `task_outputs` is said to return, else the task itself."""
    for name in ("__submit__", "task_outputs"):
        method = getattr(cls, name, None)
        if method is not None:
            try:
                return typing.get_type_hints(method).get("return", typing.Any)
            except (NameError, AttributeError):  # a name that only type checkers see
                return getattr(method, "__annotations__", {}).get("return", typing.Any)
    return cls


def _reference(annotation: Any) -> str:
    if isinstance(annotation, type):
        return f":py:class:`{annotation.__module__}.{annotation.__qualname__}`"
    return f"``{annotation if isinstance(annotation, str) else type_text(annotation)}``"


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Config) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "..."


def _without_parameters(documentation: str) -> str:
    """The docstring without its section of parameters, which are documented each in its place."""
    kept: list[str] = []
    skipping: int | None = None
    for line in documentation.splitlines():
        indentation = len(line) - len(line.lstrip())
        if skipping is not None and line.strip() and indentation <= skipping:
            skipping = None
        section = line.strip().lower() in ("args:", "arguments:", "attributes:", "parameters:")
        if skipping is None and (section or line.lstrip().startswith(":param ")):
            skipping = indentation
        if skipping is None:
            kept.append(line)
    return "\n".join(kept).strip()
