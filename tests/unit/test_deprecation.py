"""`deprecate`: new classes take the place of old ones, and identifiers stay."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro import (
    Config,
    Constant,
    InstanceConfig,
    LightweightTask,
    Meta,
    Param,
    ResumableTask,
    Task,
    copyconfig,
    deprecate,
    setmeta,
    tag,
    tags,
)
from experimaestro._config.deprecation import _warned
from experimaestro._config.lifecycle import job_files, prepare_submission
from experimaestro._config.loading import read
from experimaestro.annotations import deprecate as deprecate_of_annotations
from experimaestro.annotations import deprecateClass
from experimaestro.core.types import DeprecatedAttribute
from experimaestro.exceptions import ValidationError

contract = pytest.mark.contract
ROW = "configurations 10: deprecate"


class Part(Config):
    __xpmid__ = "deprecation.part"
    n: Param[int]


class New(Config):
    __xpmid__ = "deprecation.new"
    values: Param[list[int]]
    part: Param[Part | None] = None


class Derived(New):
    __xpmid__ = "deprecation.derived"
    more: Param[int] = 0


@deprecate(New)
class Old(Config):
    __xpmid__ = "deprecation.old"
    value: Param[int]
    note: Meta[str] = ""

    def __convert__(self) -> Any:
        return New.C(values=[self.value], part=Part.C(n=self.value) if self.value % 2 else None)


@deprecate(Old)
class Older(Config):
    __xpmid__ = "deprecation.older"
    text: Param[str]

    def __convert__(self) -> Any:
        return Old.C(value=int(self.text))


@deprecate(New, replace=True)
class Replaced(Config):
    __xpmid__ = "deprecation.replaced"
    value: Param[int]
    forgotten: Param[int] = 0

    def __convert__(self) -> Any:
        return New.C(values=[self.value])


@deprecate
class Renamed(New):
    __xpmid__ = "deprecation.renamed"


@deprecate()
class RenamedToo(Derived):
    __xpmid__ = "deprecation.renamed_too"


class NewTask(Task):
    __xpmid__ = "deprecation.new_task"
    values: Param[list[int]]

    def execute(self) -> None: ...


@deprecate(NewTask)
class OldTask(Task):
    __xpmid__ = "deprecation.old_task"
    value: Param[int]

    def __convert__(self) -> Any:
        return NewTask.C(values=[self.value])

    def execute(self) -> None: ...


class Prepares(LightweightTask):
    __xpmid__ = "deprecation.prepares"
    n: Param[int]


class Holder(Config):
    __xpmid__ = "deprecation.holder"
    one: Param[Config]
    many: Param[list[Config]]
    named: Param[dict[str, Config]]
    me: Param[Holder | None] = None


class Moved(Config):
    __xpmid__ = "deprecation.moved"
    rate: Param[float]
    other: Param[int] = 0

    @deprecate
    def lr(self, value: float) -> None:
        self.rate = value * 2

    @deprecate()
    def same(self, value: int) -> None:
        """The other one."""
        self.other = value


@pytest.fixture(autouse=True)
def fresh() -> None:
    _warned.clear()


def hexadecimal(config: Any) -> str:
    return str(config.__identifier__())


numbers = st.integers(min_value=-5, max_value=5)


# --- bare


@contract(ROW + " above a class with one parent")
@pytest.mark.parametrize(("old", "new"), [(Renamed, New), (RenamedToo, Derived)])
def test_a_class_that_is_deprecated_bare_is_its_parent(old: Any, new: Any) -> None:
    assert old.__xpmtype__.identifier == new.__xpmtype__.identifier
    assert hexadecimal(old.C(values=[1])) == hexadecimal(new.C(values=[1]))
    assert hexadecimal(old.C(values=[1])) != hexadecimal(new.C(values=[2]))
    assert isinstance(old.C(values=[1]), new)


@contract("configurations 2.2: ObjectType.deprecated, _deprecation, _deprecated_identifier")
def test_a_deprecated_class_remembers_what_it_was() -> None:
    described = Renamed.__xpmtype__
    assert described.deprecated
    assert not New.__xpmtype__.deprecated
    assert described._deprecated_identifier == "deprecation.renamed"
    assert New.__xpmtype__._deprecated_identifier is None
    assert New.__xpmtype__._deprecation is None
    assert described._deprecation is not None
    assert described._deprecation[:3] == ("deprecation.renamed", New, False)
    assert Replaced.__xpmtype__._deprecation is not None
    assert Replaced.__xpmtype__._deprecation[:3] == ("deprecation.replaced", New, True)


@contract(ROW + " with more than one parent")
def test_bare_needs_exactly_one_parent() -> None:
    with pytest.raises(RuntimeError, match="parent"):

        @deprecate
        class _Two(New, Part): ...

    with pytest.raises(RuntimeError, match="parent"):

        @deprecate()
        class _None(Config): ...


@contract(ROW + " twice")
def test_twice_is_refused() -> None:
    with pytest.raises(AssertionError, match="already"):

        @deprecate
        @deprecate
        class _Twice(New): ...

    with pytest.raises(AssertionError, match="already"):

        @deprecate(New)
        @deprecate
        class _Both(New): ...


@contract(ROW + " with other arguments")
@pytest.mark.parametrize("wrong", [3, "New", int, property(lambda self: 1)])
def test_other_arguments_are_refused(wrong: Any) -> None:
    with pytest.raises(NotImplementedError, match="deprecate"):
        deprecate(wrong)
    with pytest.raises(NotImplementedError, match="deprecate"):
        deprecate(New)(wrong)
    with pytest.raises(NotImplementedError, match="deprecate"):
        deprecate(New, wrong)  # type: ignore[call-overload]


@contract("configurations 2.2: ObjectType.deprecate")
def test_deprecating_by_the_description_is_the_same() -> None:
    class Plain(New):
        __xpmid__ = "deprecation.plain"

    class Converting(Config):
        __xpmid__ = "deprecation.converting"

        def __convert__(self) -> Any:
            return New.C(values=[7])

    described = Plain.__xpmtype__
    assert described.identifier == "deprecation.plain"
    described.deprecate()
    Converting.__xpmtype__.deprecate(New.__xpmtype__, replace=True)
    assert described.identifier == Plain.__xpmtype__.identifier == "deprecation.new"
    assert hexadecimal(Plain.C(values=[7])) == hexadecimal(Converting.C()) == hexadecimal(New.C(values=[7]))
    assert type(Converting.C()) is New.C
    with pytest.raises(AssertionError):
        described.deprecate()


@contract("configurations 1: annotations.deprecate, deprecateClass")
def test_the_older_names() -> None:
    class Plain(New): ...

    assert deprecate_of_annotations is deprecate
    assert deprecateClass(Plain) is Plain
    assert Plain.__xpmtype__.identifier == "deprecation.new"


# --- conversions


@contract(ROW + " with a class: object stays, identifier is that of the converted")
@given(numbers)
def test_what_converts_has_the_identifier_of_its_conversion(value: int) -> None:
    old, older = Old.C(value=value), Older.C(text=str(value))
    new = New.C(values=[value], part=Part.C(n=value) if value % 2 else None)
    assert type(old) is Old.C
    assert old.value == value
    assert hexadecimal(old) == hexadecimal(older) == hexadecimal(new)
    for config in (old, older):
        config.seal()
        assert hexadecimal(config) == hexadecimal(new)
    assert hexadecimal(Old.C(value=value, note="changes nothing")) == hexadecimal(new)
    assert hexadecimal(Old.C(value=value + 1)) != hexadecimal(new)


@contract(ROW + " with a class that derives from another")
def test_the_target_may_derive_from_other_configurations() -> None:
    class Resumes(ResumableTask):
        __xpmid__ = "deprecation.resumes"

    class Two(Derived, Part):
        __xpmid__ = "deprecation.two"

    for target in (Derived, Resumes, Two):
        former = target.__xpmtype__.identifier

        @deprecate(target, replace=False)
        class Deprecated(Config):
            def __convert__(self) -> Any: ...

        assert (target.__xpmtype__.identifier, target.__xpmtype__.deprecated) == (former, False)
        assert Deprecated.__xpmtype__.identifier == former

    @deprecate(Derived)
    class OfDerived(Config):
        def __convert__(self) -> Any:
            return Derived.C(values=[1], more=2)

    @deprecate(Resumes)
    class OfResumes(Config):
        def __convert__(self) -> Any:
            return Resumes.C()

    @deprecate(Two)
    class OfTwo(Config):
        def __convert__(self) -> Any:
            return Two.C(values=[1], n=3)

    assert hexadecimal(OfDerived.C()) == hexadecimal(Derived.C(values=[1], more=2))
    assert hexadecimal(OfResumes.C()) == hexadecimal(Resumes.C())
    assert hexadecimal(OfTwo.C()) == hexadecimal(Two.C(values=[1], n=3))


@contract(ROW + " of a configuration inside others")
@given(st.lists(numbers, max_size=4), numbers)
def test_inside_others_too(values: list[int], value: int) -> None:
    def holder(make: Any) -> Any:
        shared = make(value)
        made = Holder.C(one=shared, many=[*map(make, values), shared], named={str(v): make(v) for v in values})
        made.me = made
        return made

    def new(value: int) -> Any:
        return New.C(values=[value], part=Part.C(n=value) if value % 2 else None)

    expected = hexadecimal(holder(new))
    assert hexadecimal(holder(lambda v: Old.C(value=v))) == expected
    assert hexadecimal(holder(lambda v: Older.C(text=str(v)))) == expected
    sealed = holder(lambda v: Old.C(value=v)).seal()
    assert hexadecimal(sealed) == expected
    assert hexadecimal(sealed.one) == hexadecimal(new(value))


def test_a_conversion_may_hold_or_be_what_the_old_one_holds() -> None:
    @deprecate(New)
    class Wrapper(Config):
        __xpmid__ = "deprecation.wrapper"
        inner: Param[New]

        def __convert__(self) -> Any:
            return self.inner

    inner = New.C(values=[3])
    holder = Holder.C(one=Wrapper.C(inner=inner), many=[inner], named={})
    assert hexadecimal(holder) == hexadecimal(Holder.C(one=inner, many=[inner], named={}))
    assert hexadecimal(inner) == hexadecimal(New.C(values=[3]))


def test_meta_and_output_links_are_those_of_the_old_configuration() -> None:
    def holder(*many: Any) -> str:
        return hexadecimal(Holder.C(one=Part.C(n=1), many=list(many), named={}))

    assert holder(setmeta(Old.C(value=2), True)) == holder()
    task = NewTask.C(values=[1])
    task.seal()
    old, new, other = Old.C(value=2), New.C(values=[2]), New.C(values=[2])
    task.__xpm__.mark_output(old)
    task.__xpm__.mark_output(new)
    assert hexadecimal(old) == hexadecimal(new) != hexadecimal(other)
    assert holder(old) == holder(new)


@contract(ROW + " of a task")
def test_a_task_is_the_same_job(tmp_path: Path) -> None:
    def submission(task: Any, *init: Any) -> Any:
        return prepare_submission(task, tmp_path, list(init))

    assert submission(OldTask.C(value=1)).directory == submission(NewTask.C(values=[1])).directory
    with_init = submission(OldTask.C(value=1), Prepares.C(n=1))
    assert with_init.directory == submission(NewTask.C(values=[1]), Prepares.C(n=1)).directory
    assert with_init.directory != submission(NewTask.C(values=[1])).directory


def test_what_was_hashed_is_told(tmp_path: Path) -> None:
    documents = []
    for make in (lambda v: Old.C(value=v), lambda v: New.C(values=[v], part=Part.C(n=v))):

        class Learns(Task):
            __xpmid__ = "deprecation.learns"
            inner: Param[Config]

        task = Learns.C(inner=make(3))
        submission = prepare_submission(task, tmp_path, [])
        documents.append(json.loads(job_files(task, tmp_path, submission.directory)[1]))
    old, new = documents
    assert [(node["identifier"], node.get("document")) for node in old["nodes"]] == [
        (node["identifier"], node.get("document")) for node in new["nodes"]
    ]
    assert all(node["document"] for node in old["nodes"])
    assert len(old["nodes"]) == 3


def test_values_of_an_open_configuration_may_still_change() -> None:
    old = Old.C(value=2)
    before = hexadecimal(old)
    old.value = 4
    assert hexadecimal(old) == hexadecimal(New.C(values=[4])) != before


def test_a_sealed_configuration_converts_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = []

    def convert(self: Any) -> Any:
        calls.append(self)
        return NewTask.C(values=[self.value])

    monkeypatch.setattr(OldTask, "__convert__", convert)
    task = OldTask.C(value=1)
    submission = prepare_submission(task, tmp_path, [])
    job_files(task, tmp_path, submission.directory)
    assert hexadecimal(task) == submission.identifier
    assert len(calls) == 1


def test_a_wrong_conversion_is_told() -> None:
    with pytest.raises(TypeError, match="__convert__"):

        @deprecate(New)
        class _No(Config): ...

    class Wrong(Config):
        result: Param[Any]

        def __convert__(self) -> Any:
            return self.result

    deprecate(New)(Wrong)
    for result in (None, 3, New, Part.C(n=1)):
        with pytest.raises(TypeError, match="must return a configuration of New"):
            Wrong.C(result=result).__identifier__()


# --- replacement


@contract(ROW + " with replace=True")
def test_the_constructor_answers_the_conversion() -> None:
    made = Replaced.C(value=tag(3), forgotten=4)
    assert type(made) is New.C
    assert made.values == [3]
    assert type(made._deprecated_from) is Replaced.C
    assert (made._deprecated_from.value, made._deprecated_from.forgotten) == (3, 4)
    assert New.C(values=[3])._deprecated_from is None
    assert dict(tags(made)) == {"value": 3}
    assert hexadecimal(made) == hexadecimal(New.C(values=[3]))
    assert type(Replaced(value=3)) is New.C


@contract(ROW + " with replace=True: attributes of the old class only")
def test_an_attribute_of_the_old_class_warns_and_is_discarded() -> None:
    made = Replaced.C(value=3)
    for name in ("forgotten", "value"):
        with pytest.warns(DeprecationWarning, match=f"{name}.*deprecated") as caught:
            setattr(made, name, 5)
        assert caught[0].filename == __file__
        assert not hasattr(made, name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.values = [8]
        made.anything = 1
        New.C(values=[1]).forgotten = 3
    assert (made.values, made.anything) == ([8], 1)


# --- copies and files


@contract("configurations 5: copyconfig of deprecated classes")
@given(numbers, numbers)
def test_copies_are_the_same(value: int, other: int) -> None:
    old, made = Old.C(value=value), Replaced.C(value=value)
    for config in (old, made):
        for copied in (copy.deepcopy(config), config.copy(), copyconfig(config), pickle.loads(pickle.dumps(config))):
            assert type(copied) is type(config)
            assert hexadecimal(copied) == hexadecimal(config)
    assert hexadecimal(copyconfig(old, value=other)) == hexadecimal(Old.C(value=other))
    for copied in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert copied._deprecated_from.value == value


def test_files_of_deprecated_classes_come_back() -> None:
    holder = Holder.C(one=Old.C(value=3), many=[Renamed.C(values=[1])], named={"a": Older.C(text="4")})
    stored = holder.__json__().encode()
    loaded = read(stored).result
    assert (type(loaded.one), loaded.one.value) == (Old.C, 3)
    assert type(loaded.many[0]) is Renamed.C
    assert hexadecimal(loaded) == hexadecimal(holder)
    assert hexadecimal(copyconfig(loaded)) == hexadecimal(holder)
    instance = read(stored, as_instance=True).result
    assert type(instance.one) is Old
    assert instance.one.value == 3


class OfNew(Config):
    __xpmid__ = "deprecation.of_new"
    new: Param[New]


@contract(ROW + " with replace=True: stored configurations")
def test_stored_configurations_of_a_replaced_class_are_replaced() -> None:
    stored = OfNew.C(new=New.C(values=[3])).__xpm__.__get_objects__()
    former = next(each for each in stored if each["type"] == "New")
    former |= {"type": "Replaced", "fields": {"value": 3, "forgotten": 1}, "identifier": "0" * 32, "meta": False}
    loaded = read(json.dumps(stored).encode()).result
    assert type(loaded.new) is New.C
    assert loaded.new.values == [3]
    assert loaded.new._deprecated_from.forgotten == 1
    # What it was stored with is its identity.
    assert hexadecimal(loaded.new) == "0" * 32
    assert loaded.new.__xpm__.loaded
    assert loaded.new.__xpm__.meta is False
    assert hexadecimal(copyconfig(loaded.new)) == hexadecimal(New.C(values=[3]))


def test_an_instance_config_may_take_over() -> None:
    class Told(InstanceConfig):
        __xpmid__ = "deprecation.told"
        n: Param[int]

    class Plain(Config):
        n: Param[int]

        def __convert__(self) -> Any:
            return Told.C(n=self.n)

    deprecate(Told)(Plain)

    def pair(one: Any, other: Any) -> str:
        return hexadecimal(Holder.C(one=one, many=[other], named={}))

    for cls in (Told, Plain):
        first = cls.C(n=1)
        assert pair(first, first) == pair(a := Told.C(n=1), a)
        assert pair(first, cls.C(n=1)) == pair(Told.C(n=1), Told.C(n=1)) != pair(first, first)


# --- attributes


@contract(ROW + " above a method")
def test_a_former_parameter_is_accepted_and_warns(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "xpm"):
        made = Moved.C(lr=0.5, same=3)
    assert (made.rate, made.other) == (1.0, 3)
    assert hexadecimal(made) == hexadecimal(Moved.C(rate=1.0, other=3))
    assert [record.name for record in caplog.records] == ["xpm", "xpm"]
    messages = [record.getMessage() for record in caplog.records]
    assert all(__file__ in message for message in messages)
    assert all("deprecated" in message for message in messages)
    made.lr = 2
    assert made.rate == 4.0
    assert isinstance(Moved.lr, DeprecatedAttribute)
    with pytest.raises(NotImplementedError, match="lr"):
        print(made.lr)


@contract(ROW + " above a method: one warning for each place")
def test_one_warning_for_each_place(caplog: pytest.LogCaptureFixture) -> None:
    made = Moved.C(rate=1)
    with caplog.at_level(logging.WARNING, "xpm"):
        for value in range(3):
            made.lr = value
        made.lr = 1
    assert len(caplog.records) == 2


@contract("configurations 5: deprecated attribute names are routed to their handler")
def test_tags_go_with_the_value() -> None:
    made = Moved.C(lr=tag(0.5))
    assert made.rate == 1.0
    assert dict(tags(made)) == {"lr": 0.5}
    with pytest.raises(ValueError, match="no such parameter"):
        Moved.C(lrr=1)  # type: ignore[call-arg]


def test_a_sealed_configuration_is_not_changed_through_a_former_name() -> None:
    made = Moved.C(rate=1).seal()
    with pytest.raises(AttributeError, match="sealed"):
        made.lr = 3
    assert made.rate == 1


def test_objects_and_subclasses_have_the_former_name() -> None:
    class Further(Moved):
        __xpmid__ = "deprecation.further"
        constant: Constant[int] = 1

    instance = Further.C(lr=1).instance()
    assert instance.rate == 2
    instance.lr = 5
    assert instance.rate == 10


@contract("configurations 12.2: stored fields under a former name")
@pytest.mark.parametrize("as_instance", [True, False])
def test_files_with_the_former_name_are_read(as_instance: bool) -> None:
    (stored,) = Moved.C(rate=1).__xpm__.__get_objects__()
    stored["fields"] = {"lr": 3.0}
    loaded = read(json.dumps([stored]).encode(), as_instance=as_instance).result
    assert loaded.rate == 6.0


class HoldsNew(Config):
    __xpmid__ = "deprecation.holds_new"
    it: Param[New]


@contract(ROW)
def test_a_deprecated_class_in_the_place_of_the_new_one_says_how_to_replace_it() -> None:
    with pytest.raises(ValidationError, match=r"deprecated: with @deprecate\(.., replace=True\)"):
        HoldsNew.C(it=Old.C(value=1))
    with pytest.raises(ValidationError) as caught:
        HoldsNew.C(it=Part.C(n=1))
    assert "replace=True" not in str(caught.value)
