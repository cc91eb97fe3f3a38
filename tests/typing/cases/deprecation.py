"""Deprecated classes and parameters keep their types."""

from typing_extensions import assert_type

from experimaestro import Config, Param, deprecate


class New(Config):
    rates: Param[list[float]]

    @deprecate
    def rate(self, value: float) -> None:
        self.rates = [value]


@deprecate
class Renamed(New):
    pass


@deprecate()
class RenamedToo(New):
    pass


@deprecate(New)
class Old(Config):
    value: Param[float]

    def __convert__(self) -> New:
        return New.C(rates=[self.value])


@deprecate(New, replace=True)
class Replaced(Config):
    value: Param[float]

    def __convert__(self) -> New:
        return New.C(rates=[self.value])


assert_type(Renamed.C(rates=[1.0]), Renamed)
assert_type(RenamedToo.C(rates=[1.0]).rates, list[float])
assert_type(Old.C(value=1.0), Old)
assert_type(Old.C(value=1.0).value, float)
Replaced.C(value=1.0)

new = New.C(rates=[1.0])
new.rate = 3.0
new.rate = "three"  # error: assignment
Old.C(rate=1.0)  # error: call-arg
deprecate(3)  # error: call-overload
