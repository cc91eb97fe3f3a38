"""Equal objects that are told apart: `InstanceConfig`."""

from __future__ import annotations

import pickle
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import (
    Config,
    InstanceConfig,
    Meta,
    Param,
    SerializationContext,
    Task,
    field,
    from_state_dict,
    setmeta,
    state_dict,
)

contract = pytest.mark.contract


class Plain(Config):
    __xpmid__ = "instances.encoder"
    dim: Param[int] = 1


class Encoder(InstanceConfig):
    __xpmid__ = "instances.encoder"
    dim: Param[int] = 1


class Holder(Config):
    a: Param[Any] = None
    b: Param[Any] = None
    c: Param[Any] = None
    note: Meta[Any] = None


class Learn(Task):
    model: Param[Any]


def hexed(config: Any) -> str:
    return config.__identifier__().hex()


@contract("configurations 11.3: the first of its kind adds nothing")
def test_alone_it_is_as_any_other_configuration():
    assert hexed(Encoder.C(dim=3)) == hexed(Plain.C(dim=3))
    one = Encoder.C()
    assert hexed(Holder.C(a=one, b=one)) == hexed(Holder.C(a=Plain.C(), b=Plain.C()))


@contract("configurations 11.3: InstanceConfig, distinct objects are numbered")
def test_two_are_not_one():
    one, other, third = Encoder.C(), Encoder.C(), Encoder.C()
    ways = {
        "one": Holder.C(a=one, b=one, c=one),
        "c apart": Holder.C(a=one, b=one, c=other),
        "b apart": Holder.C(a=one, b=other, c=one),
        "a apart": Holder.C(a=other, b=one, c=one),
        "three": Holder.C(a=one, b=other, c=third),
    }
    assert len({hexed(config) for config in ways.values()}) == 5
    # Which object it is does not count, only which are the same.
    assert hexed(Holder.C(a=other, b=third, c=other)) == hexed(ways["b apart"])


@pytest.mark.parametrize("hold", [lambda x, y: [x, y], lambda x, y: {"k": x, "j": y}, lambda x, y: {"n": [(x,), (y,)]}])
def test_they_are_found_in_containers(hold):
    one, other = Encoder.C(), Encoder.C()
    assert hexed(Holder.C(a=hold(one, other))) != hexed(Holder.C(a=hold(one, one)))
    assert hexed(Holder.C(a=hold(one, other))) == hexed(Holder.C(a=hold(other, one)))


def test_the_order_of_a_dictionary_does_not_count():
    one, other = Encoder.C(), Encoder.C()
    assert hexed(Holder.C(a={"k": one, "j": other}, b=one)) == hexed(Holder.C(a={"j": other, "k": one}, b=one))
    assert hexed(Holder.C(a={"k": one, "j": other}, b=one)) != hexed(Holder.C(a={"k": one, "j": other}, b=other))


def test_other_classes_and_other_values_are_no_instances_of_the_same():
    assert hexed(Holder.C(a=Encoder.C(dim=2), b=Encoder.C(dim=3))) == hexed(
        Holder.C(a=Plain.C(dim=2), b=Plain.C(dim=3))
    )


def test_what_does_not_count_is_not_numbered():
    one, other = Encoder.C(), Encoder.C()
    assert hexed(Holder.C(note=one, a=other)) == hexed(Holder.C(a=one))
    left_out = setmeta(Encoder.C(), True)
    assert hexed(Holder.C(a=left_out, b=one)) == hexed(Holder.C(b=one))


@contract("configurations 11.3: the identifier does not depend on what was identified before")
def test_sealing_a_part_first_changes_nothing():
    def made(seal: str) -> str:
        one, other = Encoder.C(), Encoder.C()
        inner, outer = Holder.C(a=one), Holder.C(a=other, b=one)
        whole = Holder.C(a=inner, b=outer, c=other)
        for name in seal:
            {"1": one, "2": other, "i": inner, "o": outer}[name].seal()
        return hexed(whole.seal())

    assert len({made(seal) for seal in ("", "1", "2", "12", "i", "o", "io", "oi1", "2oi")}) == 1


def test_it_is_found_below_what_is_shared():
    one, other = Encoder.C(), Encoder.C()
    shared, alike = Holder.C(a=one), Holder.C(a=other)
    assert hexed(Holder.C(a=shared, b=shared)) != hexed(Holder.C(a=shared, b=alike))
    # Sharing what is no instance does not count: the instances below are the same ones.
    assert hexed(Holder.C(a=Holder.C(a=one), b=Holder.C(a=one))) == hexed(Holder.C(a=shared, b=shared))


def test_in_a_cycle():
    def loop(other: Any) -> Any:
        one = Encoder.C()
        first, second = Holder.C(a=one), Holder.C(a=other or one)
        first.b, second.b = second, first
        return first

    assert hexed(loop(None)) != hexed(loop(Encoder.C()))
    assert hexed(loop(Encoder.C())) == hexed(loop(Encoder.C()))


def test_what_is_in_the_job_of_another_task_is_not_an_object_of_this_one(workspace):
    """So the cost of an identifier does not grow with the ancestors of a task."""
    from experimaestro import RunMode, experiment

    class Trained(Task):
        model: Param[Any]

        def task_outputs(self, dep):
            return dep(self.model)

    one, other = Encoder.C(), Encoder.C()
    with experiment(workspace, "x", run_mode=RunMode.DRY_RUN):
        task = Trained.C(model=Holder.C(a=one, b=other))
        output = task.submit()
        assert hexed(Holder.C(a=output, b=Encoder.C())) != hexed(Holder.C(a=output, b=one))
        first = hexed(Holder.C(a=task))
        assert hexed(Holder.C(a=task, b=one)) == hexed(Holder.C(a=task, b=Encoder.C()))
        assert hexed(Holder.C(a=task)) == first


@pytest.mark.parametrize(
    "again",
    [
        deepcopy,
        lambda c: pickle.loads(pickle.dumps(c)),
        lambda c: from_state_dict(state_dict(SerializationContext(), c)),
    ],
)
def test_copies_keep_what_is_shared(again):
    one, other = Encoder.C(), Encoder.C()
    for config in (Holder.C(a=one, b=other, c=one), Holder.C(a=one, b=one, c=one)):
        identifier = hexed(config)
        assert hexed(again(config)) == identifier
        # It can be put into something else, and is still known there.
        assert hexed(Holder.C(a=again(config))) == hexed(Holder.C(a=config))


def test_many_cost_one_visit_each():
    encoders = [Encoder.C(dim=index % 7) for index in range(3000)]
    model: Any = None
    for encoder in encoders:
        model = Holder.C(a=encoder, b=model, c=encoder)
    first = hexed(model)
    assert len(first) == 32
    assert hexed(model.seal()) == first


def reference(config: Any) -> Any:
    """What an identifier has to tell: a tree in which instances are named by the order in which they are met."""
    met: dict[tuple[Any, ...], list[int]] = {}
    plain_of: dict[int, Any] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Config):
            if id(value) not in plain_of:
                if isinstance(value, (Encoder, Plain)):
                    plain_of[id(value)] = ("encoder", value.dim)
                else:
                    plain_of[id(value)] = ("holder", plain(value.a), plain(value.b), plain(value.c))
            return plain_of[id(value)]
        return ("list", *map(plain, value)) if isinstance(value, list) else value

    def told(value: Any) -> Any:
        if isinstance(value, Encoder):
            objects = met.setdefault(plain(value), [])
            if id(value) not in objects:
                objects.append(id(value))
            return (plain(value), objects.index(id(value)))
        if isinstance(value, Plain):
            return (plain(value), 0)
        if isinstance(value, Config):
            return ("holder", told(value.a), told(value.b), told(value.c))
        return ("list", *map(told, value)) if isinstance(value, list) else value

    return told(config)


@given(st.randoms(use_true_random=False), st.data())
def test_equal_identifiers_mean_that_the_same_objects_are_shared(random_, data):
    def model(pool: list[Any], depth: int) -> Any:
        kind = random_.random()
        if depth == 0 or kind < 0.45:
            return random_.choice(pool)
        if kind < 0.6:
            return [model(pool, depth - 1) for _ in range(random_.randint(0, 2))]
        return Holder.C(a=model(pool, depth - 1), b=model(pool, depth - 1))

    pool = [Encoder.C(dim=1), Encoder.C(dim=1), Encoder.C(dim=2), Plain.C(dim=1), None]
    configs = [Holder.C(a=model(pool, 2), b=model(pool, 1)) for _ in range(6)]
    for part in random_.sample(configs, 2):
        part.seal()
    found = [(hexed(config), repr(reference(config))) for config in configs]
    for left in found:
        for right in found:
            assert (left[0] == right[0]) == (left[1] == right[1]), (left, right)


def test_the_stored_identity_can_be_checked(workspace):
    """What is kept of an identifier is what was hashed, numbers included."""
    from experimaestro._config.lifecycle import job_files

    one, other = Encoder.C(), Encoder.C()
    task = Learn.C(model=Holder.C(a=one, b=[other, one]))
    task.seal()
    _, identity = job_files(task, workspace, workspace / "jobs")
    assert b'"instance":2' in identity.replace(b" ", b"")


class Shared(Config):
    __xpmid__ = "instances.shared"
    keys: Param[dict[Encoder, int]] = {}
    members: Param[set[Encoder]] = set()
    named: Param[dict[str, Any]] = {}


@contract("configurations 5: copy, deepcopy and pickle")
@pytest.mark.parametrize("copied", [deepcopy, lambda it: it.copy(), lambda it: pickle.loads(pickle.dumps(it))])
def test_a_key_that_is_also_a_value_is_one_object_in_copies(copied: Any) -> None:
    key, member = Encoder.C(dim=2).seal(), Encoder.C(dim=3).seal()
    one = Shared.C(keys={key: 1}, members={member}, named={"a": key, "b": [Holder.C(a=member)]})
    other = Shared.C(keys={key: 1}, members={member}, named={"a": Encoder.C(dim=2), "b": [Holder.C(a=member)]})
    assert one.__identifier__() != other.__identifier__()
    for config in (one, other):
        assert copied(config).__identifier__() == config.__identifier__()


def test_an_object_that_is_twice_in_a_default_is_one_in_each_configuration() -> None:
    encoder = Encoder.C(dim=2)

    class Written(Config):
        __xpmid__ = "instances.written"
        encoders: Param[list[Any]]

    class Defaulted(Config):
        __xpmid__ = "instances.written"
        encoders: Param[list[Any]] = field(default=[encoder, Holder.C(a=encoder)])

    made = Defaulted.C()
    assert made.encoders[0] is made.encoders[1].a
    assert made.encoders[0] is not Defaulted.C().encoders[0]
    assert made.__identifier__() == Written.C(encoders=[encoder, Holder.C(a=encoder)]).__identifier__()
