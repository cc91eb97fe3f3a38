"""One driver of a trial, `driver.py WORKDIR NAME SEED`: exit code 0 when all is done, 3 when it should start again."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from nodes import Node

from experimaestro import experiment
from experimaestro.exceptions import WorkspaceError
from experimaestro.tokens import CounterToken

START_AGAIN = 3
UNTRUE = 4


def submit(seed: int, tokens: Path) -> list[Node]:
    """Submit the jobs of a seed, each with some of the earlier ones as parents; some need units of a token."""
    chance = random.Random(seed)
    nodes: list[Node] = []
    capacity = chance.choice([1, 1, 2, 3])
    token = CounterToken("token", tokens / "token", capacity, force=False)
    for x in range(chance.randint(3, 10)):
        parents = [node for node in nodes if chance.random() < 0.25]
        milliseconds, timeouts = chance.choice([0, 0, 1, 5, 20]), chance.choice([0, 0, 0, 1, 2])
        units = chance.choice([0, 1, capacity])
        node = Node.C(
            x=x, parents=parents, milliseconds=milliseconds, timeouts=timeouts, units=units, capacity=capacity
        )
        nodes.append((token(units, node) if units else node).submit())
    return nodes


def main() -> int:
    """Drive the experiment once."""
    workdir, name, seed = sys.argv[1:]
    try:
        with experiment(workdir, name) as xp:
            nodes = submit(int(seed), Path(workdir).with_name("tokens"))
            xp.wait()
            states = [node.__xpm__.job.state.name for node in nodes]
            if any(
                state == "done" and not (node.__xpm__.job.path / "node.done").exists()
                for node, state in zip(nodes, states, strict=True)
            ):
                return UNTRUE
    except (WorkspaceError, OSError) as error:
        if "XPM_FAULT" not in os.environ:
            raise
        print(error, file=sys.stderr)
        return START_AGAIN
    return 0 if set(states) == {"done"} else START_AGAIN


if __name__ == "__main__":
    sys.exit(main())
