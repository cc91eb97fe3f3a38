"""Options of a command line taken from the parameters of a configuration: name, type, help and default::

class Learning(Config):
rate: Param[float] = 0.1

@click.command()
@forwardoption.rate(Learning)
def learn(rate): ...  # --rate FLOAT, default 0.1
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import click

from experimaestro import Config

__all__ = ["cli", "click", "forwardoption"]


@click.group()
def cli() -> None:
    """A group for the commands of a project."""


class _ForwardOption:
    """`forwardoption.a.b(Class)` is an option for parameter `b` of the configuration in parameter `a` of a class."""

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        self._path = path

    def __getattr__(self, name: str) -> _ForwardOption:
        if name.startswith("__"):
            raise AttributeError(name)
        return _ForwardOption((*self._path, name))

    def __call__(self, cls: type[Config], option_name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        """Make the decorator.

        Args:
            cls: a configuration class.
            option_name: name of the option, without dashes; by default the path, joined by dashes.
            **options: given to `click.option`, such as `default=3`.

        Raises:
            AttributeError: the class has no such parameter.
            TypeError: the parameter cannot be written on a command line.
        """
        if not self._path:
            raise TypeError("name a parameter: forwardoption.parameter(Class)")
        argument = _parameter(cls, self._path)
        name = option_name or "-".join(self._path)
        declared: dict[str, Any] = {"help": argument.help, **_typed(argument.spec, argument.checker, self._path)}
        if argument.has_default:
            declared["default"] = _written(argument.default)
            declared["show_default"] = argument.default is not None
        elif argument.required and "default" not in options:
            declared["required"] = True
        return click.option(f"--{name.replace('_', '-').lstrip('-')}", **{**declared, **options})


def _parameter(cls: type[Config], path: tuple[str, ...]) -> Any:
    """The parameter at the end of a path."""
    for depth, name in enumerate(path):
        arguments = cls.__getxpmtype__().arguments
        if name not in arguments:
            raise AttributeError(f"{cls.__qualname__} has no parameter {name!r}; it has {', '.join(arguments)}")
        argument = arguments[name]
        if depth == len(path) - 1:
            return argument
        spec = argument.spec[1] if argument.spec[0] == "optional" else argument.spec
        if spec[0] != "config":
            raise TypeError(
                f"{'.'.join(path[: depth + 1])} is no configuration: it has no parameter {path[depth + 1]!r}"
            )
        cls = spec[1]
    raise AssertionError("a path has at least one component")


_TYPES: dict[str, Any] = {"int": int, "float": float, "bool": bool, "str": str}


def _typed(spec: tuple[Any, ...], checker: Any, path: tuple[str, ...]) -> dict[str, Any]:
    """How click reads a value of a type."""
    kind = spec[0]
    if kind == "optional":
        return _typed(spec[1], checker, path)
    choices = getattr(checker, "choices", None)
    if choices is not None and all(isinstance(choice, str) for choice in choices):
        return {"type": click.Choice(choices)}
    if kind in _TYPES:
        return {"type": _TYPES[kind]}
    if kind == "path":
        return {"type": click.Path(path_type=Path)}
    if kind == "enum":
        return {"type": _EnumChoice(spec[1])}
    if kind == "literal" and all(isinstance(value, str) for value in spec[1:]):
        return {"type": click.Choice(list(spec[1:]))}
    if kind == "list" and spec[1][0] not in ("list", "dict", "set", "tuple", "config"):
        return {
            **_typed(spec[1], None, path),
            "multiple": True,
            "callback": lambda _context, _option, given: list(given),
        }
    raise TypeError(f"parameter {'.'.join(path)!r} has a type that cannot be written on a command line: {spec!r}")


class _EnumChoice(click.Choice[str]):
    """Members of an enumeration by name."""

    def __init__(self, enumeration: type[Enum]) -> None:
        super().__init__(list(enumeration.__members__))
        self.enumeration = enumeration

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A name, or a member (the default)."""
        if isinstance(value, self.enumeration):
            return value
        return self.enumeration[str(super().convert(value, param, ctx))]


def _written(default: Any) -> Any:
    """A default as click takes it."""
    return default.name if isinstance(default, Enum) else default


forwardoption = _ForwardOption()
"""Names the parameter: `@forwardoption.rate(Learning)`."""
