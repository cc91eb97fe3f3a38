"""A task that holds a tree of configurations, in a script; run, it writes the `params.json` of both tasks.

python benches/loaded_script.py WORKSPACE    # prints the folder of the task of the package, then that of this script
"""

from __future__ import annotations

import sys

import loaded.package

from experimaestro import Config, Param, RunMode, Task, experiment


class Node(Config):
    """A node of a binary tree."""

    value: Param[float]
    name: Param[str]
    left: Param[Node | None]
    right: Param[Node | None]


class Holder(Task):
    """A task that holds a tree."""

    tree: Param[Node]

    def execute(self) -> None:
        """Do nothing."""


def tree(node: type, depth: int = 5) -> object:
    """Make a binary tree of 31 nodes."""
    if depth == 1:
        return node.C(value=1.5, name="leaf")
    return node.C(value=0.5 * depth, name="inner", left=tree(node, depth - 1), right=tree(node, depth - 1))


if __name__ == "__main__":
    with experiment(sys.argv[1], "bench", run_mode=RunMode.GENERATE_ONLY):
        package = loaded.package.Holder.C(tree=tree(loaded.package.Node)).submit()
        script = Holder.C(tree=tree(Node)).submit()
    print(package.jobpath)
    print(script.jobpath)
