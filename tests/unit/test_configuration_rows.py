"""Rows of the contract on configurations that no other file is about: one short test for each."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import warnings
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest

import experimaestro
from experimaestro import (
    Choices,
    Config,
    DataPath,
    DirectoryContext,
    LightweightTask,
    Meta,
    Param,
    PathGenerator,
    RunMode,
    Task,
    _core,
    copyconfig,
    deserialize,
    experiment,
    field,
    from_state_dict,
    load,
    save,
    serialize,
    state_dict,
    stop_tags,
    tag,
    tags,
)
from experimaestro.core.context import SerializationContext, SerializedPath
from experimaestro.core.identifier import Identifier, IdentifierComputer
from experimaestro.core.objects import ConfigInformation, ConfigWalkContext, TaskStub
from experimaestro.taskglobals import Env

contract = pytest.mark.contract


class Part(Config):
    x: Param[int] = 1
    out: Meta[Path] = field(default_factory=PathGenerator("part.txt"))


class Whole(Config):
    part: Param[Part | None]
    parts: Param[list[Part]] = []
    text: Param[str] = "a"


class Seed(LightweightTask):
    whole: Param[Whole]

    def execute(self) -> None:
        self.whole.seeded = True  # type: ignore[attr-defined]


class Learn(Task):
    whole: Param[Whole]
    n: Param[int] = 0

    def task_outputs(self, dep: Any) -> tuple[Any, Any]:
        return dep(Whole.C(text="out")), self.whole

    def execute(self) -> None: ...


@contract("configurations 0: C4, bare defaults do not warn")
def test_bare_defaults_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Bare(Config):
            __xpmid__ = "rows.bare"
            x: Param[int] = 3

        assert Bare.C(x=3).__identifier__() == Bare.C().__identifier__()


@contract("configurations 1: __version__")
def test_version():
    from importlib.metadata import version

    assert experimaestro.__version__ == version("experimaestro")


@contract("configurations 1: star import")
def test_star_import():
    names: dict[str, Any] = {}
    exec("from experimaestro import *", names)
    assert names["Path"] is Path
    assert names["Any"] is experimaestro.Any
    assert names["Any"] is not Any
    assert {"field", "help", "Annotated", "Config", "tag"} <= names.keys()
    assert set(experimaestro.__all__) <= names.keys()


@contract("configurations 2.2: A.C of a configuration class is itself")
def test_configuration_class_of_a_configuration_class():
    assert Whole.C.C is Whole.C
    assert Whole.C.XPMConfig is Whole.C
    assert type(Whole) is type
    assert issubclass(Whole.C, Whole)
    assert Whole.C.__name__ == "Whole.XPMConfig"
    assert Whole.C.__module__ == __name__


@contract("configurations 2.3: a value class is not what is stored")
def test_stored_class_of_a_configuration_with_a_value_class(tmp_path: Path):
    save(Valued.C(x=1), tmp_path)
    loaded = load(tmp_path)
    assert type(loaded) is Valued.C
    assert loaded.__identifier__() == Valued.C(x=1).__identifier__()
    assert type(load(tmp_path, as_instance=True)) is Better


class Valued(Config):
    x: Param[int]


@Valued.value_class()
class Better(Valued):
    pass


@contract("configurations 3: field without default does not make a parameter optional")
def test_field_that_says_nothing_of_a_default():
    class Needs(Config):
        __xpmid__ = "rows.needs"
        x: Param[int] = field(ignore_generated=True)

    with pytest.raises(ValueError, match="'x'"):
        Needs.C().instance()


@contract("configurations 3: an attribute without annotation changes no default")
def test_attribute_of_a_subclass():
    class Child(Part):
        __xpmid__ = "rows.child"
        x = 7

    assert Child.C().x == 1


@contract("configurations 3: parameters without value are None, default_factory is called once")
def test_missing_values():
    calls = []

    class Made(Config):
        __xpmid__ = "rows.made"
        items: Param[list[int]] = field(default_factory=lambda: calls.append(1) or [1])
        late: Meta[list[int]] = field(default_factory=lambda: calls.append(2) or [2])
        nothing: Param[int | None]

    one, two = Made.C(), Made.C()
    assert (one.nothing, one.late) == (None, None)
    assert calls == [1]
    one.items.append(3)
    assert two.items == [1]
    assert one.seal().late == [2]
    assert Made.C(late=[5]).seal().late == [5]


class Number(IntEnum):
    ONE = 1


class Word(str, Enum):
    A = "a"


@contract("configurations 4: what int, float, bool and str accept")
@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        (int, " 5 ", 5),
        (int, "5.0", 5),
        (int, "1_000", 1000),
        (int, Decimal(3), 3),
        (int, Number.ONE, 1),
        (int, np.int64(3), 3),
        (int, np.float64(3), 3),
        (float, "nan", float("nan")),
        (float, np.array(2.5), 2.5),
        (float, Decimal("0.5"), 0.5),
        (bool, "yes", True),
        (bool, "off", False),
        (bool, 0.0, False),
        (str, Word.A, "a"),
    ],
)
def test_accepted(kind: type, given: Any, stored: Any):
    class Holds(Config):
        __xpmid__ = "rows.holds"
        x: Param[kind]  # type: ignore[valid-type]

    value = Holds.C(x=given).x
    assert type(value) is kind
    assert repr(value) == repr(stored)


@contract("configurations 4: Union, left to right")
def test_unions():
    class Either(Config):
        __xpmid__ = "rows.either"
        x: Param[int | str]

    assert Either.C(x="5").x == 5
    assert Either.C(x="a").x == "a"
    assert type(Either.C(x=1.0).x) is int


@contract("configurations 4: sets take sealed configurations only")
def test_sets():
    class Holds(Config):
        __xpmid__ = "rows.holdsset"
        x: Param[set[Part]]

    with pytest.raises((TypeError, ValueError), match="not sealed"):
        Holds.C(x={Part.C()})
    part = Part.C().seal()
    assert Holds.C(x={part}).x == {part}


@contract("configurations 4: checkers, None and defaults")
def test_checkers():
    class Picks(Config):
        __xpmid__ = "rows.picks"
        x: Annotated[str | None, Choices(["a", "b"])] = None

    assert Picks.C(x=None).x is None

    class Wrong(Config):
        __xpmid__ = "rows.wrong"
        x: Annotated[str, Choices(["a", "b"])] = "c"

    with pytest.raises(ValueError, match="choices 'a', 'b'"):
        Wrong.C()


@contract("configurations 5: repr; seal returns the configuration; copy; __json__")
def test_small_members():
    whole = Whole.C(part=Part.C())
    assert repr(whole) == f"Config[{__name__.lower()}.whole]"
    copy = whole.copy()
    assert copy == whole
    assert copy.part is not whole.part
    assert whole.seal() is whole
    with pytest.raises(AttributeError):
        whole.text = "b"
    whole.free = 3  # type: ignore[attr-defined]
    part, last = json.loads(whole.__json__())
    assert last["fields"]["part"] == {"type": "python", "value": part["id"]}
    assert last["identifier"] == whole.__identifier__().hex()


@contract("configurations 5: hasattr of an unset parameter")
def test_unset():
    class Unset(Config):
        __xpmid__ = "rows.unset"
        x: Param[int]

    assert not hasattr(Unset.C(), "x")
    assert getattr(Unset.C(), "x", 3) == 3


@contract("configurations 5: __identifier__()")
def test_identifier():
    identifier = Whole.C().__identifier__()
    assert identifier.all == identifier.main == bytes.fromhex(repr(identifier))
    assert identifier.all.hex() == identifier.hex() == identifier.state_dict()
    assert Identifier.from_state_dict(identifier.hex()) == identifier
    assert Identifier.from_state_dict({"main": identifier.hex()}) == identifier
    assert IdentifierComputer.compute(Whole.C()) == identifier
    assert pickle.loads(pickle.dumps(identifier)) == identifier


@contract("configurations 7: stop_tags stays on the parameter in a copyconfig, unless it is changed")
def test_copyconfig_keeps_barriers():
    tagged = Part.C(x=tag(3))
    whole = Whole.C(part=stop_tags(tagged), parts=[])
    assert dict(tags(whole)) == {}
    assert dict(tags(copyconfig(whole, text="b"))) == {}
    assert dict(tags(copyconfig(whole, part=tagged))) == {"x": 3}
    assert dict(tags(copyconfig(whole, part=stop_tags(tagged)))) == {}


class Numbers(Config):
    numbers: Param[set[float]]


@contract("configurations 11.1: a set with one NaN has an identifier, with several it is told to keep one")
def test_sets_of_nan():
    one = Numbers.C(numbers={float("nan"), 1.0})
    assert one.__identifier__() == Numbers.C(numbers={1.0, float("nan")}).__identifier__()
    back = pickle.loads(pickle.dumps(one.seal()))
    assert back.__identifier__() == one.__identifier__()
    several = Numbers.C(numbers={float("nan"), float("nan")})
    with pytest.raises(ValueError, match=r"parameter 'numbers' of .*numbers \(made at .*several NaNs do; keep one"):
        several.__identifier__()


TYPED = """
import sys
from experimaestro import *
class Typed(Config):
    x: Param[int] = 1
class Run(Task):
    typed: Param[Config]
    def execute(self): ...
with experiment(sys.argv[1], "typed", run_mode=RunMode[sys.argv[2]]):
    task = Run.C(typed=Typed.C())
    try:
        task.submit()
    except ValueError as error:
        print(error)
        task.typed = Typed.C(x=2)
        print("open")
"""


@contract("configurations 9: classes that are in no file are refused at the submission")
@pytest.mark.parametrize(("mode", "refused"), [("NORMAL", True), ("DRY_RUN", False)])
def test_classes_typed_in_a_session(tmp_path: Path, mode: str, refused: bool):
    command = [sys.executable, "-c", TYPED, str(tmp_path), mode]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert ("Run was typed in an interactive session" in said or "Typed was typed in" in said) is refused
    assert said.endswith("open\n") is refused
    assert not list(tmp_path.glob("jobs/*/*"))


class Knot(Config):
    next: Param[Knot | None]
    seen: Meta[Knot | None]


@contract("configurations 5: __identifier__().has_loops")
@pytest.mark.parametrize("scheme", ["md5", "sha256-v1", "sha256-v2"])
@pytest.mark.parametrize("sealed", [False, True])
def test_has_loops(scheme: str, sealed: bool):
    alone, held, ring, marked = (Knot.C() for _ in range(4))
    holder = Knot.C(next=ring)
    ring.next = Knot.C(next=ring)
    alone.next = held
    marked.seen = marked
    _core.use_scheme(scheme)
    try:
        for config, loops in (
            (alone, False),
            (held, False),
            (ring, True),
            (ring.next, True),
            (holder, False),
            (marked, False),
        ):
            identifier = (config.seal() if sealed else config).__identifier__()
            assert identifier.has_loops is loops
            assert pickle.loads(pickle.dumps(identifier)).has_loops is loops
            loaded = pickle.loads(pickle.dumps(config)).__identifier__()
            assert (loaded, loaded.has_loops) == (identifier, loops)
    finally:
        _core.use_scheme("md5")
    assert Identifier.from_state_dict(identifier.hex()).has_loops is False


@contract("configurations 5: copyconfig refuses unknown names, and keeps tags given with values")
def test_copyconfig():
    whole = Whole.C(text=tag("b"))
    assert dict(tags(copyconfig(whole))) == {}
    copy = copyconfig(whole, text=tag("c"))
    assert dict(tags(copy)) == {"text": "c"}
    with pytest.raises(ValueError, match="nothing"):
        copyconfig(whole, nothing=3)


@contract("configurations 5: linked tasks are not copied")
def test_copies_of_outputs(tmp_path: Path):
    with experiment(tmp_path, "rows", run_mode=RunMode.DRY_RUN):
        linked, _ = Learn.C(whole=Whole.C()).submit()
    assert copyconfig(linked).__xpm__.task is None


@contract("configurations 6: instances are new objects; xpmconfig; keep=False")
def test_instances(tmp_path: Path):
    whole = Whole.C(part=Part.C(), parts=[Part.C()])
    context = DirectoryContext(tmp_path)
    one, two = whole.instance(context), whole.instance(context)
    assert one is not two
    assert one.xpmconfig is whole
    assert one.parts[0].xpmconfig is whole.parts[0]
    assert whole.xpmconfig is whole
    one.text = "other"  # an ordinary attribute
    assert not hasattr(one, "__xpm__")
    assert not hasattr(one, "__identifier__")
    with pytest.raises(AttributeError, match="has no configuration tracked"):
        print(whole.instance(context, keep=False).xpmconfig)


@contract("configurations 6: ConfigWalkContext")
def test_contexts(tmp_path: Path):
    context = DirectoryContext(tmp_path)
    assert isinstance(context, ConfigWalkContext)
    assert context.currentpath() == tmp_path
    assert context.push("a").push("b").currentpath() == tmp_path / "out" / "a" / "b"
    assert context.currentpath() == tmp_path


@contract("configurations 6: forms of PathGenerator")
def test_path_generators(tmp_path: Path):
    class Paths(Config):
        __xpmid__ = "rows.paths"
        text: Meta[Path] = field(default_factory=PathGenerator("a"))
        path: Meta[Path] = field(default_factory=PathGenerator(Path("b")))
        function: Meta[Path] = field(default_factory=PathGenerator(lambda context, config: f"c{config.n}"))
        folder: Meta[Path] = field(default_factory=PathGenerator())
        n: Param[int]

    value = Paths.C(n=3).instance(DirectoryContext(tmp_path))
    assert [value.text, value.path, value.function] == [tmp_path / "a", tmp_path / "b", tmp_path / "c3"]
    assert value.folder == tmp_path


@contract("configurations 7: wrappers inside lists are refused; reassigning drops the tag")
def test_tags_are_for_parameters():
    class Items(Config):
        __xpmid__ = "rows.items"
        items: Param[list[int]]

    with pytest.raises(ValueError, match="items"):
        Items.C(items=[tag(1)])
    assert dict(tags(Items.C(items=tag([1])))) == {"items": [1]}


@contract("configurations 9: the same object returned without dep stays unlinked")
def test_outputs_without_dep(tmp_path: Path):
    with experiment(tmp_path, "rows", run_mode=RunMode.DRY_RUN):
        learn = Learn.C(whole=Whole.C())
        linked, plain = learn.submit()
    assert linked.__xpm__.task is learn
    assert plain.__xpm__.task is None
    assert linked.__identifier__() != Whole.C(text="out").__identifier__()
    assert plain.__identifier__() == Whole.C().__identifier__()


@contract("configurations 9: the same identifier submitted again shares the first job")
def test_same_identifier_twice(tmp_path: Path):
    with experiment(tmp_path, "rows", run_mode=RunMode.GENERATE_ONLY):
        one, two = Learn.C(whole=Whole.C(), n=8), Learn.C(whole=Whole.C(), n=8)
        one.submit()
        two.submit()
    assert one.jobpath == two.jobpath
    assert len(list((tmp_path / "jobs" / one.__xpmtype__.identifier).iterdir())) == 1


@contract("configurations 11.2: tags, provenance and the order of arguments do not count")
def test_what_never_counts():
    one = Whole.C(text=tag("b"), part=Part.C()).tag("who", "me")
    two = Whole.C(part=Part.C())
    two.text = "b"
    assert one.__identifier__() == two.__identifier__()


@contract("configurations 11.2: an explicit None counts where the default is something else")
def test_explicit_none():
    class Optional(Config):
        __xpmid__ = "rows.optional"
        x: Param[int | None] = 3
        y: Param[int | None]

    assert Optional.C(x=None).__identifier__() != Optional.C().__identifier__()
    assert Optional.C(y=None).__identifier__() == Optional.C().__identifier__()


@contract("configurations 11.2: defaults that are configurations are compared as identifiers are")
def test_configuration_defaults():
    class Inner(Config):
        __xpmid__ = "rows.inner"
        x: Param[int] = 1
        note: Meta[str] = ""

    class Outer(Config):
        __xpmid__ = "rows.outer"
        inner: Param[Inner] = Inner.C()

    noted = Outer.C(inner=Inner.C(note="x"))
    assert noted.__identifier__() == Outer.C().__identifier__()
    assert Outer.C(inner=Inner.C(x=2)).__identifier__() != Outer.C().__identifier__()


@contract("configurations 12.1: instances of lists are no stubs; deserialize gives the object")
def test_instances_of_what_was_saved(tmp_path: Path):
    (tmp_path / "list").mkdir()
    save([Whole.C(text="b"), Whole.C(text="c")], tmp_path / "list")
    assert [value.text for value in load(tmp_path / "list", as_instance=True)] == ["b", "c"]
    whole = Whole.C(text="d")
    serialize(whole, tmp_path, init_tasks=[Seed.C(whole=whole)])
    value = deserialize(tmp_path, as_instance=True)
    assert not isinstance(value, TaskStub)
    assert (type(value), value.text, value.seeded) == (Whole, "d", True)
    loaded, (seed,) = deserialize(tmp_path)
    assert seed.whole is loaded


@contract("configurations 12.1: a DataPath needs a folder to be loaded from")
def test_data_needs_a_folder(tmp_path: Path):
    class Data(Config):
        __xpmid__ = "rows.data"
        w: DataPath

    (tmp_path / "w").write_text("weights")
    context = SerializationContext(save_directory=tmp_path / "saved")
    (tmp_path / "saved").mkdir()
    globals()["Data"] = Data
    Data.__qualname__ = "Data"
    state = state_dict(context, Data.C(w=tmp_path / "w"))
    with pytest.raises(RuntimeError, match="path="):
        from_state_dict(state)
    assert from_state_dict(state, tmp_path / "saved").w == tmp_path / "saved" / "w"

    def find(name: Any) -> Path:
        assert name == SerializedPath(Path("w"), False)
        return tmp_path / "w"

    assert from_state_dict(state, find).w == tmp_path / "w"


@contract("configurations 12.2: paths with a base need Env.taskpath or Env.wspath")
@pytest.mark.parametrize(("base", "name"), [("job", "taskpath"), ("workspace", "wspath")])
def test_paths_with_a_base(base: str, name: str, tmp_path: Path):
    class Located(Config):
        __xpmid__ = "rows.located"
        where: Param[Path]

    globals()["Located"] = Located
    Located.__qualname__ = "Located"
    stored = json.loads(Located.C(where=Path("/a")).__json__())
    stored[0]["fields"]["where"] = {"type": "path", "base": base, "value": "x/y"}
    with pytest.raises(RuntimeError, match=name):
        ConfigInformation.fromParameters(stored, as_instance=False)
    env = Env.instance()
    before = getattr(env, name)
    try:
        setattr(env, name, tmp_path)
        assert ConfigInformation.fromParameters(stored, as_instance=False).where == tmp_path / "x/y"
    finally:
        setattr(env, name, before)


@contract("configurations 12.2: a newer version is refused")
def test_newer_versions():
    with pytest.raises(RuntimeError, match="version 4"):
        ConfigInformation.check_params_version({"version": 4})
    ConfigInformation.check_params_version({})
    assert ConfigInformation.PARAMS_JSON_VERSION == 3


@contract("configurations 12.3: SerializationContext members")
def test_serialization_context(tmp_path: Path):
    context = SerializationContext(save_directory=tmp_path)
    assert context.save_directory == tmp_path
    assert list(context.var_path) == []
    with context.push("a"):
        assert list(context.var_path) == ["a"]
    assert list(context.var_path) == []
    (tmp_path / "source").write_text("x")
    saved = context.serialize(["n", "w"], tmp_path / "source", Part.C())
    assert isinstance(saved, SerializedPath)
    assert (tmp_path / "n" / "w").read_text() == "x"
    with pytest.raises(ValueError, match="Serialization path conflict"):
        context.serialize(["n", "w"], tmp_path / "other", Part.C())


@contract("configurations 13: taskglobals.Env")
@contract("clients: taskglobals.Env assigned on the class, DirectoryContext and ObjectStore")
def test_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert Env.instance() is Env.instance()
    monkeypatch.setattr(Env, "taskpath", tmp_path, raising=False)
    from experimaestro import ObjectStore

    assert Env.instance().taskpath == tmp_path
    whole, store = Whole.C(part=Part.C()), ObjectStore()
    one = whole.instance(context=DirectoryContext(tmp_path), objects=store)
    assert whole.instance(context=DirectoryContext(tmp_path), objects=store) is one
    assert one.part.out == tmp_path / "out" / "part" / "part.txt"


@contract("configurations 13: experimaestro.huggingface needs huggingface-hub")
def test_without_hub():
    code = "import sys; sys.modules['huggingface_hub'] = None\nimport experimaestro.huggingface"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ImportError" in done.stderr or "ModuleNotFoundError" in done.stderr


@contract("clients: hooks that projects define")
def test_hooks_of_projects(caplog: pytest.LogCaptureFixture):
    class Hooked(Config):
        __xpmid__ = "rows.hooked"
        x: Param[int] = 1
        y: Param[int | None]

        def __validate__(self) -> None:
            super().__validate__()
            self.y = self.x

        def __post_init__(self) -> None:
            super().__post_init__()
            self.seen = self.y

    with caplog.at_level(logging.ERROR):
        assert Hooked.C(x=4).instance().seen == 4
    assert caplog.records == []


@contract("clients: members of __xpm__ and __xpmtype__")
def test_members_in_use():
    whole = Whole.C(text="z")
    information = whole.__xpm__
    assert dict(information.xpmvalues())["text"] == "z"
    assert information.identifier.main == whole.__identifier__().all
    assert (information.task, information.init_tasks, information.job) == (None, [], None)
    kind = Whole.__xpmtype__
    assert kind.identifier == f"{__name__}.Whole".lower()
    assert list(kind.arguments) == ["part", "parts", "text"]
    assert isinstance(kind.name(), str)
