"""The language of `--filter`: which jobs are meant.

::

    expression := conjunction ("or" conjunction)*
    conjunction := condition ("and" condition)*
    condition := "not" condition | "(" expression ")" | test
    test := variable ("=" | "!=") (variable | string)
          | variable "~" string
          | variable ["not"] "in" "[" string ("," string)* "]"
    variable := "@state" | "@name" | tag

`@state` is compared without regard to case, `@name` is the task identifier, `~` is a regular expression matched from
the start. Strings are in single or double quotes; numbers may go without. A tag that a job does not have is null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

STATES = ("unscheduled", "waiting", "ready", "scheduled", "running", "done", "error")
_ALIASES = {"failed": "error", "fail": "error", "unsched": "unscheduled"}

Predicate = Callable[[Mapping[str, Any]], bool]
"""Takes a job row (`state`, `task_id`, `tags`) and tells whether it is meant."""


class FilterError(ValueError):
    """A filter that cannot be understood; points at the place."""

    def __init__(self, text: str, column: int, message: str) -> None:
        self.column = column
        super().__init__(f"{message} (column {column + 1})\n  {text}\n  {' ' * column}^")


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


_TOKENS = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
        |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w]))
        |(?P<variable>@?[^\W\d_][\w.-]*)
        |(?P<symbol>!=|[=~()\[\],]))""",
    re.VERBOSE,
)
_KEYWORDS = ("and", "or", "not", "in")


def parse_filter(text: str) -> Predicate:
    """Compile a filter.

    :raises FilterError: with the column of the mistake

    >>> matches = parse_filter('@state = "DONE" and lr in ["0.1", "0.2"]')
    >>> matches({"state": "done", "task_id": "learn", "tags": {"lr": 0.1}})
    True
    """
    parser = _Parser(text)
    predicate = parser.expression()
    parser.expect_end()
    return predicate


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self.split(text))
        self.position = 0

    def split(self, text: str) -> list[_Token]:
        tokens, column = [], 0
        while text[column:].strip():
            match = _TOKENS.match(text, column)
            if match is None or match.lastgroup is None:
                start = column + len(text[column:]) - len(text[column:].lstrip())
                quote = text[start] in "\"'"
                raise FilterError(text, start, "this string is not closed" if quote else "unexpected character")
            kind, value = match.lastgroup, match[match.lastgroup]
            if kind == "variable" and value.lower() in _KEYWORDS:
                kind, value = "keyword", value.lower()
            if kind == "string":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            tokens.append(_Token(kind, value, match.start(match.lastgroup)))
            column = match.end()
        return tokens

    @property
    def current(self) -> _Token:
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        return _Token("end", "", len(self.text.rstrip()))

    def fail(self, message: str, token: _Token | None = None) -> FilterError:
        return FilterError(self.text, (token or self.current).column, message)

    def take(self) -> _Token:
        token = self.current
        self.position += 1
        return token

    def accept(self, kind: str, text: str) -> bool:
        if (self.current.kind, self.current.text) != (kind, text):
            return False
        self.position += 1
        return True

    def expect_end(self) -> None:
        if self.current.kind != "end":
            raise self.fail('expected "and", "or" or the end of the filter')

    def expression(self) -> Predicate:
        parts = [self.conjunction()]
        while self.accept("keyword", "or"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else lambda job: any(part(job) for part in parts)

    def conjunction(self) -> Predicate:
        parts = [self.condition()]
        while self.accept("keyword", "and"):
            parts.append(self.condition())
        return parts[0] if len(parts) == 1 else lambda job: all(part(job) for part in parts)

    def condition(self) -> Predicate:
        if self.accept("keyword", "not"):
            inner = self.condition()
            return lambda job: not inner(job)
        opening = self.current
        if self.accept("symbol", "("):
            inner = self.expression()
            if not self.accept("symbol", ")"):
                raise self.fail(f"the parenthesis of column {opening.column + 1} is not closed")
            return inner
        return self.test()

    def test(self) -> Predicate:
        variable = self.variable()
        negative = self.accept("keyword", "not")
        operator = self.take()
        if (operator.kind, operator.text) == ("keyword", "in"):
            return _negated(_any_of([_equals(variable, text) for text in self.strings(variable)]), negative)
        if negative:
            raise self.fail('expected "in" after "not"', operator)
        if operator.text == "~" and operator.kind == "symbol":
            return self.match(variable)
        if operator.kind == "symbol" and operator.text in ("=", "!="):
            return _negated(self.equality(variable), operator.text == "!=")
        raise self.fail("expected =, !=, ~, in or not in after the variable", operator)

    def variable(self) -> str:
        token = self.take()
        if token.kind != "variable":
            raise self.fail("expected @state, @name or the name of a tag", token)
        if token.text.startswith("@") and token.text not in ("@state", "@name"):
            raise self.fail(f"there is no {token.text}: use @state, @name or the name of a tag", token)
        return token.text

    def equality(self, variable: str) -> Predicate:
        if self.current.kind == "variable":
            other = self.variable()
            return lambda job: _same(_lookup(job, variable), _lookup(job, other))
        return _equals(variable, self.string(variable))

    def strings(self, variable: str) -> list[str]:
        opening = self.current
        if not self.accept("symbol", "["):
            raise self.fail('expected [ after "in"')
        found = [self.string(variable)]
        while self.accept("symbol", ","):
            found.append(self.string(variable))
        if not self.accept("symbol", "]"):
            raise self.fail(f"the list of column {opening.column + 1} is not closed: expected , or ]")
        return found

    def string(self, variable: str) -> str:
        token = self.take()
        if token.kind not in ("string", "number"):
            raise self.fail('expected a text in quotes, such as "done"', token)
        if variable != "@state":
            return token.text
        state = _ALIASES.get(token.text.lower(), token.text.lower())
        if state not in STATES:
            raise self.fail(f"there is no state {token.text!r}: use one of {', '.join(STATES)}", token)
        return state

    def match(self, variable: str) -> Predicate:
        token = self.take()
        if token.kind not in ("string", "number"):
            raise self.fail("expected a regular expression in quotes after ~", token)
        try:
            pattern = re.compile(token.text, re.IGNORECASE if variable == "@state" else 0)
        except re.error as error:
            raise self.fail(f"not a regular expression: {error}", token) from None

        def matches(job: Mapping[str, Any]) -> bool:
            value = _lookup(job, variable)
            return value is not None and pattern.match(_text(value)) is not None

        return matches


def _negated(predicate: Predicate, negative: bool) -> Predicate:
    return (lambda job: not predicate(job)) if negative else predicate


def _any_of(parts: list[Predicate]) -> Predicate:
    return lambda job: any(part(job) for part in parts)


def _equals(variable: str, text: str) -> Predicate:
    return lambda job: _same(_lookup(job, variable), text)


def _lookup(job: Mapping[str, Any], variable: str) -> Any:
    if variable == "@state":
        return job["state"]
    if variable == "@name":
        return job["task_id"]
    return job["tags"].get(variable)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _same(left: Any, right: Any) -> bool:
    """Equality as text; a number also equals a text that writes the same number (0.001 and "1e-3")."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return _text(left).lower() == _text(right).lower()
    if _text(left) == _text(right):
        return True
    if isinstance(left, (int, float)) or isinstance(right, (int, float)):
        try:
            return float(left) == float(right)
        except (TypeError, ValueError):
            return False
    return False
