"""Classes of another module, which mypy reads from its cache the second time."""

from constructors import Child, Later, Wider

from experimaestro import Param


class Widest(Wider):
    extra: Param[str]


class Grandchild(Child):
    z: Param[bool]


Widest.C(width=1, children=[], depth=1, extra="e", parent=Later.C(groups=2))
Widest.C(width=1, children=[], depth=1)  # mypy: call-arg
Grandchild(x=1, y=2, z=True)
Grandchild(x=1, y=2, z=True, seen=[1])  # mypy: call-arg
