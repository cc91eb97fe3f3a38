"""Requirements as text: `"duration=1h & cuda(mem=8G) * 2 | cpu(cores=4)"`.

Floor: `_run`. The grammar (white space is free):

    spec  := alt ("|" alt)*        alt := term ("&" term)*
    term  := "duration" "=" INT UNIT | ("cuda" | "mps" | "gpu") "(" "mem" "=" SIZE ")" ["*" INT]
           | "cpu" "(" ("mem" "=" SIZE | "cores" "=" INT) ("," ...)* ")"
    SIZE  := INT ("G" | "GiB" | "M" | "MiB")
"""

from __future__ import annotations

import re
from collections.abc import Callable

from experimaestro.exceptions import ExperimaestroError
from experimaestro.launcherfinder.specs import (
    HostSimpleRequirement,
    RequirementUnion,
    cpu,
    cuda_gpu,
    duration,
    gpu,
    mps_gpu,
)

__all__ = ["RequirementError", "parse"]

_TOKEN = re.compile(r"\s*(?:([0-9]+)|([A-Za-z]+)|([|&*()=,]))")
_ACCELERATORS: dict[str, Callable[..., HostSimpleRequirement]] = {"cuda": cuda_gpu, "mps": mps_gpu, "gpu": gpu}


class RequirementError(ExperimaestroError, ValueError):
    """A text is no requirement; the message shows where it stops to be one."""


def parse(spec: str) -> RequirementUnion:
    """Read a requirement.

    Args:
        spec: such as `"duration=1h & cuda(mem=8G) | cpu(cores=4)"`.

    Returns:
        The alternatives, in the order of the text.

    Raises:
        RequirementError: the text is none (a ValueError).

    >>> parse("cuda(mem=8G) * 2 & duration=1h").requirements[0].duration
    3600
    """
    return _Parser(spec).union()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, int]] = []
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error(position + len(text[position:]) - len(text[position:].lstrip()), "a word or a number")
            self._tokens.append((match[match.lastindex or 0], match.start(match.lastindex or 0)))
            position = match.end()
        self._next = 0

    def _error(self, position: int, expected: str) -> RequirementError:
        return RequirementError(
            f"{self._text!r} is no requirement: {expected} is expected at {self._text[position:] or 'the end'!r} "
            "(example: duration=1h & cuda(mem=8G) * 2 | cpu(mem=4G, cores=4))"
        )

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else ""

    def _position(self) -> int:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else len(self._text)

    def _take(self, token: str) -> bool:
        taken = self._peek() == token
        self._next += taken
        return taken

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise self._error(self._position(), repr(token))

    def _integer(self) -> int:
        token = self._peek()
        if not token.isdecimal():
            raise self._error(self._position(), "a whole number")
        self._next += 1
        return int(token)

    def _amount(self, kind: str, read: Callable[[str], HostSimpleRequirement]) -> HostSimpleRequirement:
        """A number and its unit."""
        place = self._position()
        number, unit = self._integer(), self._peek()
        try:
            requirement = read(f"{number}{unit}")
        except ValueError as error:
            raise self._error(place, f"{kind} with its unit") from error
        self._next += 1
        return requirement

    def union(self) -> RequirementUnion:
        """The whole text."""
        alternatives = [self._alternative()]
        while self._take("|"):
            alternatives.append(self._alternative())
        if self._peek():
            raise self._error(self._position(), "'&' or '|'")
        return RequirementUnion(*alternatives)

    def _alternative(self) -> HostSimpleRequirement:
        requirement = self._term()
        while self._take("&"):
            requirement = requirement & self._term()
        return requirement

    def _term(self) -> HostSimpleRequirement:
        word = self._peek()
        if word != "duration" and word != "cpu" and word not in _ACCELERATORS:
            raise self._error(self._position(), "duration, cuda, mps, gpu or cpu")
        self._next += 1
        if word == "duration":
            self._expect("=")
            return self._amount("a duration", duration)
        self._expect("(")
        return self._cpu() if word == "cpu" else self._accelerator(_ACCELERATORS[word])

    def _memory(self, make: Callable[..., HostSimpleRequirement]) -> HostSimpleRequirement:
        self._expect("=")
        return self._amount("an amount of memory", lambda text: make(mem=text))

    def _accelerator(self, make: Callable[..., HostSimpleRequirement]) -> HostSimpleRequirement:
        self._expect("mem")
        requirement = self._memory(make)
        self._expect(")")
        if not self._take("*"):
            return requirement
        place, count = self._position(), self._integer()
        if count < 1:
            raise self._error(place, "1 or more")
        return requirement * count

    def _cpu(self) -> HostSimpleRequirement:
        requirement = cpu()
        while True:
            if self._take("mem"):
                requirement = requirement & self._memory(cpu)
            elif self._take("cores"):
                self._expect("=")
                requirement = requirement & cpu(cores=self._integer())
            else:
                raise self._error(self._position(), "mem or cores")
            if not self._take(","):
                break
        self._expect(")")
        return requirement
