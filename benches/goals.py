"""What is asked of each measure: the one place where goals are written."""

from __future__ import annotations

from typing import NamedTuple


class Goal(NamedTuple):
    """A row of the table: a measure over its reference, or in its unit when there is none."""

    case: str
    over: str | None = None
    """The contender that is the reference, in the same case; with `of_case`, the same contender in another case"""

    goal: float | None = None
    """The ratio that must not be exceeded, or the value; None: shown, not judged"""

    of_case: str | None = None

    unit: str = "s"
    """What the values are: seconds, or "B" for bytes"""


JSON = "pydantic JSON + md5"
BARE = "bare python"
DATACLASSES = "dataclasses"

GOALS = {
    "identifiers": [
        Goal("identifier: 10 scalars", JSON, 1.0),
        Goal("identifier: 31 nested nodes", JSON, 1.0),
        Goal("identifier: 1,000 floats", JSON, 0.5),
        Goal("identifier: dictionary of 1,000 entries", JSON, 1.0),
        Goal("identifier: node shared 100 times", JSON, 0.5),
        Goal("identifier: diamond of depth 16", None, 2.5, of_case="identifier: diamond of depth 8"),
    ],
    "construction": [
        Goal("construction: 10 scalars", "pydantic", 2.0),
        Goal("construction: 31 nested nodes", "pydantic", 2.0),
        Goal("construction: 1,000 floats", "pydantic", 2.0),
        Goal("construction: dictionary of 1,000 entries", "pydantic", 1.5),
    ],
    "startup": [
        Goal("start: import experimaestro", BARE, 3.0),
        Goal("start: xpm --help", BARE, 8.0),
    ],
    "submission": [
        Goal("submission: 5,000 independent tasks, each", None, 1.5, of_case="submission: 100 independent tasks, each"),
        Goal("submission: 5,000 layered tasks, each", None, 1.5, of_case="submission: 100 layered tasks, each"),
        # The older package does not end at those sizes: what it does at the sizes where it ends.
        Goal("submission: 500 independent tasks, each", None, of_case="submission: 100 independent tasks, each"),
        Goal("submission: 40 layered tasks, each", None, of_case="submission: 20 layered tasks, each"),
    ],
    "running": [
        Goal("running: 200 tasks that do nothing", BARE, 0.5),
        Goal("running: chain of 20, per hop", BARE, 1.0),
    ],
    "tokens": [
        # Nine tenths of the rate without a token.
        Goal("tokens: 1,000 tasks that do nothing, 2 at once", "without token", 1 / 0.9),
    ],
    "rerunning": [
        Goal("running again: 1,000 finished tasks, each", None, 1e-4),
        Goal("running again: 5,000 finished tasks, each", None, 1e-4),
        Goal("running again: 200 finished tasks, each"),
    ],
    "loading": [
        Goal("loading: class in a package", "json.loads", 2.0),
        Goal("loading: class in a script", "json.loads", 2.0),
        Goal("loading: class in a package, first in a process"),
        Goal("loading: class in a script, first in a process"),
    ],
    # A hundred times the nodes may take two hundred times as long: the collector walks larger heaps.
    "lifecycle": [
        # A copy is a construction: the values are checked again, which `replace` does not do.
        Goal("copyconfig: 10 scalars", "replace", 2.0),
        Goal("copyconfig: 31 nested nodes", "replace", 2.0),
        # A configuration is validated and sealed before its objects are made.
        Goal("instance: 31 nested nodes", DATACLASSES, 5.0),
        Goal("instance: 10,000 nodes", None, 200.0, of_case="instance: 100 nodes"),
        # A walk in Rust: worth nothing if the same walk in Python is as fast.
        Goal("seal: 31 nested nodes", "marking", 0.5),
        Goal("seal: 10,000 nodes", None, 200.0, of_case="seal: 100 nodes"),
        # The plain form goes through JSON text, and is checked and identified on the way.
        Goal("state_dict: 31 nested nodes", "json", 2.0),
        Goal("state_dict: 10,000 nodes", None, 200.0, of_case="state_dict: 100 nodes"),
        Goal("from_state_dict: 31 nested nodes", "json", 2.0),
        Goal("from_state_dict: 10,000 nodes", None, 200.0, of_case="from_state_dict: 100 nodes"),
    ],
    "memory": [
        # The values and their origins, a type that checks them, and a place for the identifier.
        Goal("memory: 1,000 configurations, each", DATACLASSES, 3.0, unit="B"),
        Goal("memory: 10,000 configurations, each", DATACLASSES, 3.0, unit="B"),
        Goal("memory: 100,000 configurations, each", DATACLASSES, 3.0, unit="B"),
    ],
}
