"""Amounts of memory and of time, as people write them.

Floor: `_run`.
"""

from __future__ import annotations

import re

__all__ = ["parse_duration", "parse_memory"]

_MEMORY = {"G": 10**9, "GiB": 2**30, "M": 10**6, "MiB": 2**20}
_DURATION = {"d": 86_400, "day": 86_400, "days": 86_400, "h": 3600, "hour": 3600, "hours": 3600,
             "m": 60, "min": 60, "mins": 60}  # fmt: skip
_AMOUNT = re.compile(r"\s*([0-9]+)\s*([A-Za-z]*)\s*\Z")


def _amount(text: str, units: dict[str, int], what: str) -> int:
    match = _AMOUNT.match(text)
    if match is None or match[2] not in units:
        raise ValueError(f"{text!r} is no {what}: a whole number and one of the units {', '.join(units)} are expected")
    return int(match[1]) * units[match[2]]


def parse_memory(memory: str | int) -> int:
    """Bytes of an amount of memory, such as `"8G"` (10⁹) or `"8GiB"` (2³⁰); a number is taken as bytes.

    Raises:
        ValueError: there is no whole number, or no known unit.

    >>> parse_memory("2GiB")
    2147483648
    """
    return memory if isinstance(memory, int) else _amount(memory, _MEMORY, "amount of memory")


def parse_duration(duration: str | int) -> int:
    """Seconds of a duration, such as `"2h"`, `"3 days"` or `"30 mins"`; a number is taken as seconds.

    Raises:
        ValueError: there is no whole number, or no known unit.

    >>> parse_duration("2h")
    7200
    """
    return duration if isinstance(duration, int) else _amount(duration, _DURATION, "duration")
