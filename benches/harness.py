"""How the benches measure: every contender of a case in the same process, in turns; the median of several rounds.

A bench is a script: it prints one JSON object a line, `{"case": .., "who": .., "value": ..}`. `run.py` starts it with
the interpreter of this environment, then with that of the older package.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

QUICK = "--quick" in sys.argv
"""Fewer rounds: to see whether the benches work, not to publish figures."""

WHO = os.environ.get("BENCH_WHO", "experimaestro")
"""The contender that the installed `experimaestro` is."""

OLDER = WHO == "older"
"""True under the older package: its peers were measured already, and its sizes are capped."""

OPTIONS: dict[str, Any] = {"no_environmental_impact": True} if OLDER else {}
"""For `experiment(..)`: without its library for energy measures, the older package sleeps 3 s at each start."""


class Contender(NamedTuple):
    """What is timed: `action` on each of the objects that `prepare` has made beforehand."""

    prepare: Callable[[], Any]
    action: Callable[[Any], object]


def emit(case: str, who: str, value: float) -> None:
    """Hand one measure, in seconds unless its goal says otherwise, to `run.py`."""
    print(json.dumps({"case": case, "who": who, "value": value}), flush=True)


def nothing() -> None:
    """Prepare nothing: for actions that need no object."""


def compare(case: str, contenders: Mapping[str, Contender], *, rounds: int = 9, at_least: float = 0.02) -> None:
    """Measure the CPU time of one action of each contender.

    In each round every contender has its turn of about `at_least` seconds, so that a slow moment of the machine is not
    charged to one of them.
    """
    if QUICK:
        rounds, at_least = 3, 0.005
    counts = {who: calibrate(contender, at_least) for who, contender in contenders.items()}
    times: dict[str, list[float]] = {who: [] for who in contenders}
    for _ in range(rounds):
        for who, contender in contenders.items():
            times[who].append(turn(contender, counts[who]) / counts[who])
    for who, values in times.items():
        emit(case, who, statistics.median(values))


def calibrate(contender: Contender, at_least: float) -> int:
    """Return how many actions take about `at_least` seconds."""
    count = 1
    while (elapsed := turn(contender, count)) < at_least and count < 100_000:
        count = max(count + 1, min(count * 10, int(count * at_least / max(elapsed, 1e-9)) + 1))
    return count


def turn(contender: Contender, count: int) -> float:
    """Return the CPU seconds of `count` actions on fresh objects; the collector runs as it does for users."""
    objects = [contender.prepare() for _ in range(count)]
    action = contender.action
    gc.collect()
    start = time.process_time()
    for each in objects:
        action(each)
    return time.process_time() - start


def wall(action: Callable[[], object]) -> float:
    """Return the wall-clock seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare_wall(case: str, actions: Mapping[str, Callable[[], object]], *, rounds: int, divide_by: int = 1) -> None:
    """Measure the wall-clock time of each action, in turns; `divide_by`: the number of things that one action does."""
    times: dict[str, list[float]] = {who: [] for who in actions}
    for _ in range(min(rounds, 2) if QUICK else rounds):
        for who, action in actions.items():
            times[who].append(wall(action) / divide_by)
    for who, values in times.items():
        emit(case, who, statistics.median(values))
