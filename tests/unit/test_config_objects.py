"""Configurations as objects: tags, outputs, copies, equality, instances, provenance."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

from experimaestro import (
    Config,
    Constant,
    DirectoryContext,
    LightweightTask,
    Meta,
    ObjectStore,
    Param,
    PathGenerator,
    RunMode,
    Task,
    _core,
    copyconfig,
    experiment,
    field,
    setmeta,
    stop_tags,
    tag,
    tags,
    tagspath,
)
from experimaestro._config.lifecycle import prepare_submission
from experimaestro._config.outputs import mark_output, submission_outputs


class Leaf(Config):
    a: Param[int] = 1
    out: Meta[Path] = field(default_factory=PathGenerator("leaf.txt"))


class Tree(Config):
    left: Param[Leaf | None]
    items: Param[list[Leaf]] = []
    named: Param[dict[str, Leaf]] = {}
    n: Param[int] = 0
    version: Constant[str] = "1"
    parent: Param[Tree | None]
    out: Meta[Path] = field(default_factory=PathGenerator("tree.txt"))


class Keyed(Config):
    keyed: Param[dict[Any, Leaf]]


class Key(Config):
    x: Param[int]


class Train(Task):
    lr: Param[float]

    def task_outputs(self, dep: Any) -> Any:
        return dep(Leaf.C(a=3))


class Job(Task):
    before: Param[Job | None]
    leaf: Param[Leaf | None]


class TestTags:
    @pytest.mark.contract("configurations 7: tags are collected from below")
    def test_collected_from_below_never_from_above(self) -> None:
        leaf = Leaf.C(a=tag(5))
        tree = Tree.C(left=leaf, n=tag(2), items=[Leaf.C().tag("who", "me")])
        assert tags(tree) == {"a": 5, "n": 2, "who": "me"}
        assert leaf.tags() == {"a": 5}
        assert list(tags(tree)) == sorted(tags(tree))

    @pytest.mark.contract("configurations 7: TagDict")
    def test_cannot_be_changed_and_have_a_hash(self) -> None:
        found = tags(Leaf.C(a=tag(5)))
        with pytest.raises(TypeError):
            found["a"] = 6
        assert hash(found) == hash(tags(Leaf.C(a=tag(5))))

    @pytest.mark.contract("configurations 7: reassigning replaces the tag")
    def test_plain_assignment_replaces_the_tag(self) -> None:
        leaf = Leaf.C(a=tag(5))
        leaf.a = 6
        assert tags(leaf) == {}
        leaf.a = tag(7)
        assert tags(leaf) == {"a": 7}

    @pytest.mark.contract("configurations 7: stop_tags")
    def test_stop(self) -> None:
        tree = Tree.C(left=stop_tags(Leaf.C(a=tag(5))), items=[Leaf.C().tag("b", 1)])
        assert tags(tree) == {"b": 1}
        nested = Leaf.C(a=tag(stop_tags(5)))
        assert nested.a == 5
        assert tags(nested) == {"a": 5}

    @pytest.mark.contract("configurations 7: conflicting tags")
    def test_conflict_warns_and_the_outermost_wins(self) -> None:
        tree = Tree.C(left=Leaf.C().tag("x", 1)).tag("x", 2)
        with pytest.warns(UserWarning, match="conflicting"):
            assert tags(tree) == {"x": 2}

    @pytest.mark.contract("configurations 7: tagspath")
    def test_path(self) -> None:
        assert tagspath(Tree.C(n=tag(3)).tag("model", "a/b")) == "model=a-b_n=3"

    @pytest.mark.contract("configurations 7: tags of sealed configurations")
    def test_added_after_sealing(self) -> None:
        leaf = Leaf.C()
        tree = Tree.C(left=leaf).seal()
        assert tags(tree) == {}
        leaf.tag("late", 1)
        assert tags(tree) == {"late": 1}

    @pytest.mark.contract("configurations 7: tags of linked tasks")
    def test_of_outputs_come_from_their_task(self) -> None:
        train = Train.C(lr=tag(0.1))
        output = mark_output(train, Leaf.C())
        assert tags(Tree.C(left=output)) == {"lr": 0.1}


class TestOutputs:
    @pytest.mark.contract("configurations 9: dep(config)")
    def test_dep_links_and_returns(self) -> None:
        train = Train.C(lr=0.1)
        output = submission_outputs(train)
        assert isinstance(output, Leaf)
        assert output.__xpm__.task is train
        assert mark_output(train, output) is output

    @pytest.mark.contract("configurations 9: dep(config), errors")
    def test_dep_refuses(self) -> None:
        train, other = Train.C(lr=0.1), Train.C(lr=0.2)
        output = submission_outputs(train)
        with pytest.raises(AssertionError, match="already the output"):
            mark_output(other, output)
        with pytest.raises(AssertionError, match="no task"):
            mark_output(train, other)
        with pytest.raises(AssertionError, match="takes a configuration"):
            mark_output(train, 3)

    @pytest.mark.contract("configurations 9: __submit__ goes before task_outputs")
    def test_submit_hook_goes_first(self) -> None:
        class Both(Task):
            __xpmid__ = "test.both"

            def task_outputs(self, dep: Any) -> Any:
                raise AssertionError("not asked")

            def __submit__(self, dep: Any, add_action: Any) -> Any:
                return ("mine", add_action)

        assert submission_outputs(Both.C(), "action") == ("mine", "action")

    @pytest.mark.contract("configurations 9: default result of submit")
    def test_default_is_the_task(self) -> None:
        class Bare(Task):
            __xpmid__ = "test.bare"

        bare = Bare.C()
        assert submission_outputs(bare) is bare


class TestCopies:
    @pytest.mark.contract("configurations 5: copyconfig")
    def test_copyconfig(self) -> None:
        leaf = Leaf.C(a=tag(2))
        tree = Tree.C(left=leaf, n=tag(4)).seal()
        variant = copyconfig(tree, n=5, version="2")
        assert (variant.n, variant.version) == (5, "2")
        assert variant.left is leaf
        variant.n = 6
        assert tree.n == 4
        assert tags(variant) == {"a": 2}
        with pytest.raises(ValueError, match="no such parameter"):
            copyconfig(tree, m=1)
        assert tags(copyconfig(tree, n=tag(7)))["n"] == 7
        for wrong in ({"n": "many"}, {"version": 2}):
            with pytest.raises(ValueError, match=r"test_config_objects\.py:\d+"):
                copyconfig(tree, **wrong)

    @pytest.mark.contract("configurations 5: copyconfig keeps explicit values of factories")
    def test_copyconfig_keeps_explicit_values_of_factories(self) -> None:
        class Factory(Config):
            __xpmid__ = "test.factory"
            x: Meta[list[int]] = field(default_factory=lambda: [1])

        assert copyconfig(Factory.C(x=[2])).x == [2]

    @pytest.mark.parametrize("way", ["deepcopy", "copy", "pickle"])
    @pytest.mark.contract("configurations 5: copy, deepcopy and pickle")
    def test_deep_copies(self, way: str) -> None:
        leaf = setmeta(Leaf.C(a=tag(2)), True)
        tree = Tree.C(left=leaf, items=[leaf], named={"k": Leaf.C(a=3)})
        made = {
            "deepcopy": lambda: copy.deepcopy(tree),
            "copy": tree.copy,
            "pickle": lambda: pickle.loads(pickle.dumps(tree)),
        }[way]()
        assert made == tree
        assert made.left is made.items[0]
        assert made.left is not leaf
        assert tags(made) == {"a": 2}
        assert made.left.__xpm__.meta is True
        made.left.a = 9
        assert leaf.a == 2

    @pytest.mark.contract("configurations 5: deep copies keep linked and submitted tasks")
    def test_deep_copies_depend_on_the_same_jobs(self, tmp_path: Path) -> None:
        job = Job.C()
        prepare_submission(job, tmp_path, [])
        _core.state_of(job).submitted = True
        output = mark_output(job, Leaf.C(a=3))
        after = Job.C(before=job, leaf=output)
        for made in (copy.deepcopy(after), after.copy()):
            assert made.__identifier__() == after.__identifier__()
            assert made.before is job
            assert made.leaf is not output
            assert made.leaf.__xpm__.task is job
            assert prepare_submission(made, tmp_path, []).dependencies == [job]
        assert copy.deepcopy(job).__xpm__.task is None

    @pytest.mark.contract("configurations 5: cycles")
    def test_cycles(self) -> None:
        one, two = Tree.C(n=1), Tree.C(n=2)
        one.parent, two.parent = two, one
        for made in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert made.parent.parent is made
            assert made == one
        assert "..." in str(one)

    @pytest.mark.contract("configurations 5: pickled instances")
    def test_pickled_instances(self) -> None:
        value = Tree.C(left=Leaf.C(a=4)).instance(context=DirectoryContext("/tmp"))
        again = pickle.loads(pickle.dumps(value))
        assert again.left.a == 4
        assert again.__config__.left.a == 4


class TestEquality:
    @pytest.mark.contract("configurations 5: ==")
    def test_values(self) -> None:
        assert Leaf.C(a=1) == Leaf.C()
        assert Leaf.C(a=1) != Leaf.C(a=2)
        assert Leaf.C() != Tree.C()
        assert Leaf.C() != 3

    @pytest.mark.contract("configurations 5: hash")
    def test_hash_needs_a_seal(self) -> None:
        with pytest.raises(TypeError, match="not sealed"):
            hash(Tree.C())


class TestInstances:
    @pytest.mark.contract("configurations 6: order of the life cycle")
    def test_order_of_life(self) -> None:
        events: list[str] = []

        class Part(Config):
            __xpmid__ = "test.part"
            x: Param[int]

            def __init__(self) -> None:
                events.append("init part")
                assert not hasattr(self, "x")

            def __post_init__(self) -> None:
                events.append(f"post part {self.x}")

        class Whole(Config):
            __xpmid__ = "test.whole"
            part: Param[Part]
            again: Param[Part]

            def __init__(self) -> None:
                events.append("init whole")

            def __post_init__(self) -> None:
                assert self.part is self.again
                events.append("post whole")

        part = Part.C(x=1)
        value = Whole.C(part=part, again=part).instance()
        assert events == ["init whole", "init part", "post part 1", "post whole"]
        assert type(value) is Whole
        assert not hasattr(value, "__xpm__")
        value.part = 3  # an ordinary attribute

    @pytest.mark.contract("configurations 6: generated paths")
    def test_generated_paths(self, tmp_path: Path) -> None:
        tree = Tree.C(left=Leaf.C(), items=[Leaf.C(), Leaf.C()], named={"k": Leaf.C()}, parent=Tree.C(left=Leaf.C()))
        value = tree.instance(context=DirectoryContext(tmp_path))
        assert value.out == tmp_path / "tree.txt"
        assert value.left.out == tmp_path / "out" / "left" / "leaf.txt"
        assert value.items[1].out == tmp_path / "out" / "items" / "1" / "leaf.txt"
        assert value.named["k"].out == tmp_path / "out" / "named" / "k" / "leaf.txt"
        assert value.parent.left.out == tmp_path / "out" / "parent" / "left" / "leaf.txt"

    @pytest.mark.contract("configurations 6: generated paths, dictionary keys")
    def test_keys_are_parts_of_paths(self, tmp_path: Path) -> None:
        keys = ["k", "..", ".", "", "a/b", "a_b", "/etc", "x" * 300, 3, True, None]
        configs = {**{key: Leaf.C() for key in keys}, Key.C(x=1).seal(): Leaf.C()}
        paths = [
            leaf.out for leaf in Keyed.C(keyed=configs).instance(context=DirectoryContext(tmp_path)).keyed.values()
        ]
        assert len(set(paths)) == len(keys) + 1
        assert all(path.parent.parent == tmp_path / "out" / "keyed" for path in paths)
        assert all(len(path.parent.name) <= 200 and path.parent.name not in ("", ".", "..") for path in paths)
        assert paths[0].parent.name == "k"
        assert paths[keys.index(3)].parent.name == "3"
        # The configuration in a key is known by its identifier.
        assert paths[-1].parent.name == Key.C(x=1).__identifier__().hex()

    @pytest.mark.contract("configurations 6: contexts")
    def test_paths_need_a_folder(self) -> None:
        with pytest.raises(AssertionError, match="DirectoryContext"):
            Leaf.C().instance()

    def test_store(self, tmp_path: Path) -> None:
        leaf = Leaf.C()
        store = ObjectStore()
        context = DirectoryContext(tmp_path)
        assert leaf.instance(context=context, objects=store) is leaf.instance(context=context, objects=store)
        assert leaf.instance(context=context) is not leaf.instance(context=context)

    @pytest.mark.contract("configurations 6: values inside containers are rebuilt")
    def test_containers_are_new(self, tmp_path: Path) -> None:
        tree = Tree.C(items=[Leaf.C()])
        value = tree.instance(context=DirectoryContext(tmp_path))
        value.items.append(None)
        assert len(tree.items) == 1

    @pytest.mark.contract("configurations 6: cycles of instances")
    def test_cycle(self, tmp_path: Path) -> None:
        tree = Tree.C()
        tree.parent = tree
        value = tree.instance(context=DirectoryContext(tmp_path))
        assert value.parent is value

    @pytest.mark.contract("configurations 6: instances of long chains")
    def test_deep_chain_does_not_use_the_stack(self, tmp_path: Path) -> None:
        tree = Tree.C()
        for _ in range(5 * sys.getrecursionlimit()):
            tree = Tree.C(parent=tree)
        assert tree.instance(context=DirectoryContext(tmp_path)).parent.parent.n == 0
        assert tags(tree) == {}


class TestProvenance:
    @pytest.mark.contract("configurations 5: provenance")
    def test_where_a_parameter_was_set(self) -> None:
        here = inspect.currentframe()
        assert here is not None
        tree = Tree.C(n=3); made = here.f_lineno  # fmt: skip  # noqa: E702
        tree.left = Leaf.C(); set_at = here.f_lineno  # fmt: skip  # noqa: E702
        info = tree.__xpm__.provenance_of
        assert info("n") == (f"{__file__}:{made}", "explicit")
        assert info("left") == (f"{__file__}:{set_at}", "explicit")
        assert info("items").kind == "default"
        assert info("out").kind == "generated"


class Init(LightweightTask):
    x: Param[int]


def test_configurations_in_cycles_are_collected() -> None:
    class Holder(Config):
        __xpmid__ = "test.holder"
        x: Param[Any]

    holder = Holder.C()
    holder.x = [holder]
    holder.tag("self", holder)
    seen = weakref.ref(holder)
    del holder
    gc.collect()
    assert seen() is None


@pytest.mark.contract("configurations 8: setmeta")
def test_setmeta() -> None:
    leaf = Leaf.C()
    assert setmeta(leaf, True) is leaf
    Tree.C(left=leaf).seal()
    with pytest.raises(AssertionError, match="sealed"):
        setmeta(leaf, False)


class Module:
    """Takes every module that is assigned to it for a part, as `torch.nn.Module` does."""

    def __init__(self) -> None:
        object.__setattr__(self, "parts", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self.parts[name] = value
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("parts", {}):
            return self.parts[name]
        raise AttributeError(name)


class Part(Module, Config):
    width: Param[int]


class Network(Config, Module):
    head: Param[Part]


@pytest.mark.contract("configurations 6: keep, xpmconfig")
def test_the_configuration_of_a_module_is_no_part_of_it() -> None:
    config = Network.C(head=Part.C(width=2))
    network: Any = config.instance()
    assert list(network.parts) == ["head"]
    assert network.head.width == 2
    assert network.xpmconfig is config
    assert network.head.xpmconfig is config.head


class Filler(LightweightTask):
    value: Param[Config | None]
    rank: Param[int] = 0

    def execute(self) -> None:
        pass


COPIES = {"deepcopy": copy.deepcopy, "copy": lambda it: it.copy(), "pickle": lambda it: pickle.loads(pickle.dumps(it))}


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("way", COPIES)
@pytest.mark.contract("configurations 5: copy, deepcopy and pickle")
def test_copies_have_the_pre_tasks(way: str, sealed: bool) -> None:
    inner = Part.C(width=1).add_pretasks(Filler.C(rank=1), Filler.C(rank=2))
    config = Network.C(head=inner)
    identifier = config.__identifier__()
    assert identifier != Network.C(head=Part.C(width=1)).__identifier__()
    if sealed:
        config.seal()
    made: Any = COPIES[way](config)
    assert [task.rank for task in made.head.pre_tasks] == [1, 2]
    assert made.__identifier__() == identifier


@pytest.mark.parametrize("way", COPIES)
def test_copies_follow_a_pre_task_that_leads_back(way: str) -> None:
    config = Part.C(width=1)
    config.add_pretasks(Filler.C(value=config))
    made: Any = COPIES[way](config)
    assert made is not config
    assert made.pre_tasks[0].value is made


def test_the_byte_order_of_an_array_does_not_count():
    numpy = pytest.importorskip("numpy")

    class Holder(Config):
        x: Param[Any]

    big, little = (Holder.C(x=numpy.array([1, 2], dtype=order)) for order in (">i8", "<i8"))
    assert big.__identifier__().hex() == little.__identifier__().hex()
    assert big == little
    assert big != Holder.C(x=numpy.array([1, 2], dtype="<i4"))


def test_only_configurations_are_copied():
    with pytest.raises(TypeError, match="copies configurations, not 3"):
        copyconfig(3)


def test_a_deep_copy_of_a_task_keeps_its_init_tasks(workspace):
    class Loads(LightweightTask):
        x: Param[int]

    class Runs(Task):
        x: Param[int]

    task = Runs.C(x=1)
    with experiment(workspace, "x", run_mode=RunMode.DRY_RUN):
        task.submit(init_tasks=[Loads.C(x=2)])
        made = copy.deepcopy(task)
        assert made.__identifier__() == task.__identifier__()
        [init] = made.__xpm__.init_tasks
        assert init is not task.__xpm__.init_tasks[0]
