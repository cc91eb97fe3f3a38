"""What one does with configurations and their objects."""

from __future__ import annotations

import io
import json
import multiprocessing
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from experimaestro import (
    Config,
    DataPath,
    DirectoryContext,
    LightweightTask,
    Meta,
    ObjectStore,
    Param,
    PathGenerator,
    PathSerializationLWTask,
    Prepare,
    ResumableTask,
    SerializationLWTask,
    SubmitHook,
    Task,
    cache,
    config_only,
    copyconfig,
    experiment,
    field,
    initializer,
    sealed_set,
    tag,
    tags,
)
from experimaestro._config.decorators import cache_folder
from experimaestro._config.lifecycle import job_files, load_task, prepare_submission
from experimaestro._config.outputs import mark_output
from experimaestro._config.tasks import submit_hooks
from experimaestro._config.watching import WatchedOutput
from experimaestro.core.objects import ConfigWalk
from experimaestro.core.objects.config import clone
from experimaestro.exceptions import SealedError
from experimaestro.taskglobals import Env

contract = pytest.mark.contract


class Leaf(Config):
    a: Param[int] = 1


class SubLeaf(Leaf):
    pass


class Node(Config):
    leaf: Param[Optional[Leaf]]
    others: Param[List[Leaf]] = []
    name: Param[str] = "n"


class Twice(Config):
    one: Param[Leaf]
    two: Param[Optional[SubLeaf]]


class Placed(Config):
    n: Param[int] = 0
    out: Meta[Path] = field(default_factory=PathGenerator("out.txt"))


class Holds(Config):
    placed: Param[Optional[Placed]]
    many: Param[List[Placed]] = []
    named: Param[Dict[str, Placed]] = {}
    free: Param[Optional[Placed]] = field(ignore_generated=True)


class Learn(Task):
    x: Param[int] = 1
    model: Param[Optional[Placed]]

    def execute(self) -> None: ...


class TestComposition:
    @contract("configurations 5: outer @ inner")
    def test_sets_the_one_parameter(self) -> None:
        node, leaf = Node.C(), SubLeaf.C()
        assert (node @ leaf) is node
        assert node.leaf is leaf
        other = Leaf.C(a=2)
        assert (node @ other).leaf is other

    @contract("configurations 5: outer @ inner, errors")
    def test_refusals(self) -> None:
        with pytest.raises(ValueError, match="No parameter"):
            Leaf.C() @ Node.C()
        with pytest.raises(ValueError, match="Ambiguous"):
            Twice.C() @ SubLeaf.C()
        with pytest.raises(TypeError):
            Node.C() @ 3
        with pytest.raises(TypeError):
            3 @ Node.C()

    @contract("configurations 5: outer @ inner, chains and equal classes")
    def test_chains(self) -> None:
        class Chain(Config):
            __xpmid__ = "demo.chain"
            next: Param[Optional[Chain]]
            leaf: Param[Optional[Leaf]]

        outer = Chain.C() @ Leaf.C() @ (Chain.C() @ Leaf.C(a=2))
        assert outer.leaf.a == 1
        assert outer.next.leaf.a == 2

    @contract("configurations 5: sealed_set")
    def test_sealed_set(self) -> None:
        leaf = Leaf.C()
        assert sealed_set(leaf, 3) == {leaf, 3}
        assert leaf.__xpm__._sealed


class TestReuseOfGeneratedValues:
    @contract("configurations 6: reuse guard, setting")
    def test_cannot_be_set_elsewhere(self, tmp_path: Path) -> None:
        placed = Placed.C()
        Holds.C(placed=placed).instance(context=DirectoryContext(tmp_path))
        for values in ({"placed": placed}, {"many": [placed]}, {"named": {"k": placed}}):
            with pytest.raises(AttributeError, match=r"\(out\)"):
                Holds.C(**values)
        holds = Holds.C()
        with pytest.raises(AttributeError, match="parameter 'placed'"):
            holds.placed = placed
        assert holds.placed is None

    @contract("configurations 6: reuse guard, dotted paths")
    def test_paths_are_told(self, tmp_path: Path) -> None:
        holds = Holds.C(many=[Placed.C()], named={"k": Placed.C()})
        holds.instance(context=DirectoryContext(tmp_path))

        class Above(Config):
            __xpmid__ = "demo.above"
            holds: Param[Holds]

        with pytest.raises(AttributeError, match=r"many\.0\.out, named\.k\.out"):
            Above.C(holds=holds)

    @contract("configurations 6: reuse guard, sealing; nothing stays half sealed")
    def test_cannot_be_sealed_elsewhere(self, tmp_path: Path) -> None:
        placed, other = Placed.C(), Placed.C()
        first, second = Holds.C(placed=placed), Holds.C(many=[other, placed])
        first.instance(context=DirectoryContext(tmp_path / "a"))
        with pytest.raises(AttributeError, match=r"many\.1"):
            second.instance(context=DirectoryContext(tmp_path / "b"))
        assert not second.__xpm__._sealed
        assert not other.__xpm__._sealed
        assert not hasattr(other, "out")
        second.many = [other]
        assert (
            second.instance(context=DirectoryContext(tmp_path / "b")).many[0].out == tmp_path / "b/out/many/0/out.txt"
        )

    @contract("configurations 6: reuse guard, exemptions")
    def test_exemptions(self, tmp_path: Path) -> None:
        placed = Placed.C()
        Holds.C(placed=placed).instance(context=DirectoryContext(tmp_path))
        assert Holds.C(free=placed).free is placed
        task = Learn.C()
        output = mark_output(task, Placed.C())
        output.instance(context=DirectoryContext(tmp_path))
        Holds.C(placed=output)
        Holds.C(placed=copyconfig(placed)).instance(context=DirectoryContext(tmp_path))
        # Sealed without a folder: nothing was generated yet.
        Holds.C(placed=Placed.C().seal())


class TestValueClasses:
    @contract("configurations 2.3: value_class")
    def test_objects_are_of_it(self) -> None:
        class Base(Config):
            __xpmid__ = "demo.value.base"
            x: Param[int]

        @Base.value_class()
        class BaseValue(Base):
            __xpmid__ = "demo.value.base.value"

            def __post_init__(self) -> None:
                self.seen = self.x

        class Derived(Base):
            __xpmid__ = "demo.value.derived"

        class Holder(Config):
            __xpmid__ = "demo.value.holder"
            base: Param[Base]

        assert Base.XPMValue is BaseValue
        assert Derived.XPMValue is Derived
        value = Base.C(x=3).instance()
        assert type(value) is BaseValue
        assert value.seen == 3
        # A configuration of the class is still a value for parameters.
        assert type(Holder.C(base=Base.C(x=1)).instance().base) is BaseValue
        with pytest.raises(TypeError, match="must be a subclass of"):
            Derived.value_class()(BaseValue)
        with pytest.raises(TypeError, match="parent value class"):

            @Derived.value_class()
            class Wrong(Derived):
                __xpmid__ = "demo.value.wrong"

        @Derived.value_class()
        class Right(Derived, BaseValue):
            __xpmid__ = "demo.value.right"

        assert type(Derived.C(x=1).instance()) is Right


class Loader(LightweightTask):
    n: Param[int] = 0
    ran: list[int] = []

    def execute(self) -> None:
        self.ran.append(self.n)


class TestPreTasks:
    @contract("configurations 9: add_pretasks, run once by instance()")
    def test_run_once(self) -> None:
        Loader.ran.clear()
        loader = Loader.C(n=1)
        leaf = Leaf.C().add_pretasks(loader)
        other = Leaf.C().add_pretasks_from(leaf).add_pretasks(loader, Loader.C(n=2))
        assert leaf.pre_tasks == [loader]
        assert len(other.pre_tasks) == 2
        Node.C(leaf=leaf, others=[other]).instance()
        assert sorted(Loader.ran) == [1, 2]

    @contract("configurations 9: add_pretasks, errors")
    def test_refusals(self) -> None:
        for wrong in (3, Leaf.C(), Learn.C()):
            with pytest.raises(AssertionError):
                Leaf.C().add_pretasks(wrong)
        with pytest.raises(AssertionError):
            Leaf.C().add_pretasks_from(3)
        with pytest.raises(SealedError):
            Leaf.C().seal().add_pretasks(Loader.C())
        value = Leaf.C().instance()
        for act in (value.add_pretasks, value.add_pretasks_from):
            with pytest.raises(AssertionError):
                act(Loader.C())

    @contract("configurations 5: pre-tasks are not copied by copyconfig")
    def test_not_copied(self) -> None:
        assert copyconfig(Leaf.C().add_pretasks(Loader.C())).pre_tasks == []


class State(PathSerializationLWTask):
    value: Param[Leaf] = field(overrides=True)

    def execute(self) -> None:
        self.value.loaded_from = self.path


class UsesLeaf(Task):
    leaf: Param[Leaf]

    def execute(self) -> None: ...


class TestLoaders:
    @contract("configurations 9: PathSerializationLWTask.construct")
    def test_construct(self, tmp_path: Path) -> None:
        task, leaf = Learn.C(), Leaf.C(a=tag(3))
        copied = State.construct(leaf, tmp_path / "s.bin", lambda config: mark_output(task, config))
        assert copied is not leaf
        assert copied.a == 3
        (loader,) = copied.pre_tasks
        assert loader.__xpm__.task is task
        assert loader.path == tmp_path / "s.bin"
        value = copied.instance()
        assert value.a == 3
        # The state is loaded into the object itself, not into one like it.
        assert value.loaded_from == tmp_path / "s.bin"

    @contract("configurations 9: pre-tasks run in the job")
    def test_loaded_in_a_job(self, tmp_path: Path) -> None:
        copied = State.construct(Leaf.C(a=3), tmp_path / "s.bin", lambda config: config)
        task = UsesLeaf.C(leaf=copied)
        directory = Path(prepare_submission(task, tmp_path, []).directory)
        directory.mkdir(parents=True)
        (directory / "params.json").write_bytes(job_files(task, tmp_path, directory)[0])
        leaf = load_task(directory).leaf
        assert (leaf.a, leaf.loaded_from) == (3, tmp_path / "s.bin")

    @contract("configurations 9: SerializationLWTask, registered")
    def test_registered(self) -> None:
        value = SerializationLWTask.C(value=Leaf.C()).instance()
        value.register("x")
        assert value.registered == ["x"]
        assert PathSerializationLWTask.__xpmtype__.arguments["path"].is_data


class Special(SubmitHook):
    def __init__(self, n: int) -> None:
        self.n = n

    def spec(self) -> Any:
        return self.n

    def process(self, job: Any, launcher: Any) -> None: ...


@Special(1)
@Special(2)
class Hooked(Config):
    pass


@Special(1)
class HookedTask(Task):
    hooked: Param[Hooked]
    other: Param[Optional[Learn]]


class Resumable(ResumableTask):
    pass


class Maker(Config):
    def make(self, dep: Any, step: int) -> Any: ...


class TestTasks:
    @contract("configurations 9: SubmitHook")
    def test_hooks(self) -> None:
        assert Special(1) == Special(1) != Special(2)
        assert hash(Special(1)) == hash(Special(1))
        task = HookedTask.C(hooked=Hooked.C())
        assert sorted(hook.n for hook in submit_hooks(task)) == [1, 2]  # type: ignore[attr-defined]
        linked = mark_output(Learn.C(), Hooked.C())
        assert [hook.n for hook in submit_hooks(HookedTask.C(hooked=linked))] == [1]  # type: ignore[attr-defined]
        with pytest.raises(TypeError):
            Special(1)(int)  # type: ignore[type-var]

    @contract("configurations 9: ResumableTask.remaining_time")
    def test_remaining_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        value = Resumable.C().instance()
        assert value.remaining_time() is None

        class Info:
            def remaining_time(self) -> float:
                return 12.0

        monkeypatch.setattr(Env, "launcher_info", Info())
        assert value.remaining_time() == 12.0

    @contract("configurations 9: watch_output only for resumable tasks")
    def test_watch_output(self) -> None:
        maker, found = Maker.C(), []
        task = Resumable.C()
        watched = task.watch_output(maker.make, found.append)
        assert isinstance(watched, WatchedOutput)
        assert task.__xpm__.watched_outputs == [watched]
        assert watched.key == f"{maker.__identifier__()}/make"
        with pytest.raises(TypeError, match="ResumableTask"):
            Learn.C().watch_output(maker.make, found.append)
        with pytest.raises(TypeError, match="method of a configuration"):
            task.watch_output(print, found.append)

    @contract("configurations 9: register_task_output")
    def test_register_task_output(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        maker = Maker.C()
        value = maker.instance()
        with pytest.raises(RuntimeError):
            value.register_task_output(value.make, 1)
        monkeypatch.setattr(Env, "taskpath", tmp_path)
        value.register_task_output(value.make, 1, name="a")
        value.register_task_output(value.make, step=2)
        lines = (tmp_path / ".experimaestro" / "task-outputs.jsonl").read_text().splitlines()
        key = f"{maker.__identifier__()}/make"
        assert [json.loads(line) for line in lines] == [
            {"key": key, "args": [1], "kwargs": {"name": "a"}},
            {"key": key, "args": [], "kwargs": {"step": 2}},
        ]
        with pytest.raises(TypeError):
            value.register_task_output(value.make, object())

    @contract("configurations 6: calling submit on a task value")
    def test_submit_of_an_object(self) -> None:
        with pytest.raises(AssertionError, match="submit the configuration"):
            Learn.C().instance().submit()

    @contract("configurations 9: copy_dependencies")
    def test_copy_dependencies(self) -> None:
        task = Learn.C()
        output = mark_output(task, Leaf.C())
        other = Leaf.C().copy_dependencies(output)
        assert other.__xpm__.task is task
        with pytest.raises(AssertionError):
            other.copy_dependencies(output)

    @contract("configurations 9: Prepare, declaration")
    def test_prepare(self) -> None:
        value = Prepare.C().instance()
        for method in (value.prepare, value.is_prepared):
            with pytest.raises(NotImplementedError):
                method()


def _use_cache(folder: str, queue: Any) -> None:
    Env.wspath = Path(folder)
    queue.put(Cached.C().instance().build(3))


class Cached(Config):
    n: Param[int] = 1

    @initializer
    def prepare(self, value: int) -> int:
        """Doc."""
        self.calls = getattr(self, "calls", 0) + 1
        return value

    @cache("data.txt")
    def build(self, path: Path, n: int) -> int:
        with path.open("a") as file:
            file.write("x")
        return len(path.read_text()) + 10 * n

    @config_only
    def only(self) -> int:
        return self.n


class TestDecorators:
    @contract("configurations 6: initializer")
    def test_initializer(self) -> None:
        value = Cached.C().instance()
        assert value.prepare(3) == 3
        assert value.prepare(4) == 3
        assert value.calls == 1
        assert Cached.prepare.__doc__ == "Doc."
        assert Cached.C().instance().prepare(5) == 5

    @contract("configurations 6: cache")
    def test_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        value = Cached.C().instance()
        monkeypatch.setattr(Env, "wspath", None)
        with pytest.raises(AttributeError, match="workspace"):
            value.build(1)
        monkeypatch.setattr(Env, "wspath", tmp_path)
        assert value.build(1) == 11
        folder = tmp_path / "config" / Cached.__xpmtype__.identifier / str(value.xpmconfig.__identifier__())
        assert cache_folder(value) == folder
        assert (folder / "data.txt").read_text() == "x"
        monkeypatch.setattr(Env, "wspath", None)
        with experiment(tmp_path / "other", "cached", run_mode="dry-run"):
            assert value.build(2) == 21
        monkeypatch.setattr(Env, "wspath", tmp_path)
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        process = context.Process(target=_use_cache, args=(str(tmp_path), queue))
        process.start()
        assert queue.get() == 32
        process.join()

    @contract("configurations 1: config_only")
    def test_config_only(self) -> None:
        assert Cached.C(n=2).only() == 2
        with pytest.raises(AttributeError, match="for configurations"):
            Cached.C().instance().only()


class TestObjects:
    @contract("configurations 6: xpmconfig")
    def test_xpmconfig(self) -> None:
        node = Node.C(leaf=Leaf.C(a=4))
        assert node.xpmconfig is node
        value = node.instance()
        assert value.xpmconfig is node
        assert value.leaf.xpmconfig is node.leaf
        with pytest.raises(AttributeError, match="has no configuration tracked"):
            _ = node.instance(keep=False).xpmconfig

    @contract("configurations 6: ObjectStore")
    def test_store(self) -> None:
        store, leaf = ObjectStore(), Leaf.C()
        value = leaf.instance(objects=store)
        assert Node.C(leaf=leaf).instance(objects=store).leaf is value
        assert store.retrieve(leaf) is value

    @contract("clients: core.objects.config.clone drops raw attributes")
    def test_clone(self) -> None:
        leaf = Leaf.C(a=2)
        leaf.note = "raw"
        copied = clone(leaf)
        assert copied.a == 2
        assert not hasattr(copied, "note")

    @contract("configurations 5: str and to_str")
    def test_text(self) -> None:
        node = Node.C(leaf=Leaf.C(a=2))
        assert repr(node) == f"Config[{Node.__xpmtype__.identifier}]"
        assert str(node) == f"{__name__}.Node(leaf=Leaf(a=2), others=[], name='n')"
        assert node.to_str(max_depth=1) == f"{__name__}.Node(leaf=Leaf(...), others=[], name='n')"

    @contract("configurations 5: rich and HTML renderings")
    def test_renderings(self) -> None:
        rich_console = pytest.importorskip("rich.console")
        node = Node.C(leaf=Leaf.C(a=2), others=[Leaf.C(a=7)], name="<b>")
        console = rich_console.Console(width=80, record=True, file=io.StringIO())
        console.print(node)
        text = console.export_text()
        assert "leaf = Leaf" in text
        assert "a = 7" in text
        html = node._repr_html_()
        assert "&lt;b&gt;" in html
        assert "<b>Leaf</b>" in html

    @contract("configurations 7: conflicting tags are told with both sites")
    def test_conflicting_tags(self) -> None:
        node = Node.C(leaf=Leaf.C(a=tag(3)), others=[Leaf.C(a=tag(4))])
        with pytest.warns(UserWarning, match=r"conflicting.*test_definition_objects.*test_definition_objects"):
            assert tags(node) == {"a": 4}

    @contract("configurations 5: ConfigWalk")
    def test_walk(self) -> None:
        class Names(ConfigWalk):
            def postprocess(self, stub: Any, config: Any, values: dict[str, Any]) -> Any:
                return (type(config).__xpmtype__.name(), self.context.components, values.get("leaf"))

        shared = Leaf.C()
        result = Names()(Node.C(leaf=shared, others=[shared]))
        assert result == ("node", (), ("leaf", ("leaf",), None))

    @contract("configurations 9: dependency search, dict keys")
    def test_dependencies_in_keys(self) -> None:
        class Keyed(Task):
            __xpmid__ = "demo.keyed"
            table: Param[Dict[Leaf, int]]

        task = Learn.C()
        key = mark_output(task, Leaf.C(a=8))
        key.seal()
        from experimaestro import _core

        assert _core.task_dependencies(Keyed.C(table={key: 1})) == [task]


class WithPath(Config):
    data: DataPath


@contract("configurations 3: DataPath")
def test_data_path() -> None:
    assert WithPath.C(data="a").data == Path("a")
    assert WithPath.__xpmtype__.arguments["data"].is_data
