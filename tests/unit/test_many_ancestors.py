"""A task that refers to its ancestors is, in a job and for who reads it, the task that holds them."""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import shutil
import tempfile
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experimaestro import (
    Config,
    LightweightTask,
    Meta,
    Param,
    PathGenerator,
    RunMode,
    Task,
    deprecate,
    experiment,
    field,
    from_task_dir,
)
from experimaestro._config import stand_ins
from experimaestro._config.lifecycle import job_files, load_task
from experimaestro._config.recomputing import JobName, Recomputation
from experimaestro._config.snapshot import read_snapshot
from experimaestro._config.stored_values import node_of, shape
from experimaestro._core import Ancestors
from experimaestro.exceptions import LoadError, MissingFileError

contract = pytest.mark.contract("running 7: cost per task does not depend on how many ancestors it has")

MADE: list[str] = []
"""What `__post_init__` was called for."""


class Part(Config):
    size: Param[int]
    inner: Param[Optional[Part]] = None
    note: Meta[str] = ""

    def __post_init__(self) -> None:
        MADE.append(f"part {self.size}")


class Result(Config):
    part: Param[Part]


class Step(Task):
    x: Param[int]
    part: Param[Optional[Part]] = None
    before: Param[list[Any]] = field(default_factory=list)
    named: Param[dict[str, Any]] = field(default_factory=dict)
    out: Meta[Path] = field(default_factory=PathGenerator("out.bin"))

    def __init__(self) -> None:
        self.count = 0

    def __post_init__(self) -> None:
        MADE.append(f"step {self.x}")

    def task_outputs(self, dep: Any) -> Any:
        # Some are used through an output, most are used themselves.
        return dep(Result.C(part=Part.C(size=self.x))) if self.x % 5 == 4 else self

    def execute(self) -> None: ...


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # which part, if any
        st.lists(st.integers(0, 30), max_size=3),  # which earlier steps, in the list
        st.lists(st.integers(0, 30), max_size=2),  # and in the dictionary
    ),
    min_size=1,
    max_size=8,
)


def submitted(plan: Any, workspace: Path) -> list[Any]:
    """Tasks of a plan, simulated."""
    inner = Part.C(size=100)
    parts = [None, Part.C(size=1), Part.C(size=1, inner=inner), Part.C(size=2, inner=inner, note="kept")]
    tasks: list[Any] = []
    outputs: list[Any] = []
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        for x, (part, before, named) in enumerate(plan):
            task = Step.C(
                x=x,
                part=parts[part],
                before=[outputs[i % x] for i in before] if x else [],
                named={f"k{i}": outputs[i % x] for i in named} if x else {},
            )
            outputs.append(task.submit())
            tasks.append(task)
    return tasks


def folder_of(task: Any) -> Path:
    return Path(task.__xpm__.job.path)


def write(tasks: list[Any], workspace: Path, ancestors: Ancestors | None) -> None:
    (workspace / "experiments" / "xp" / "run").mkdir(parents=True, exist_ok=True)
    for task in tasks:
        folder = folder_of(task)
        (folder / ".experimaestro").mkdir(parents=True, exist_ok=True)
        params, identity = job_files(task, workspace, folder, ancestors)
        (folder / "params.json").write_bytes(params)
        (folder / ".experimaestro" / "identity.json").write_bytes(identity)


def described(made: Any) -> list[str]:
    return [name for name in ("x", "part", "before", "named", "out", "size", "inner", "note") if hasattr(made, name)]


def walk(made: Any) -> Any:
    """Values and sharing of objects or configurations, as plain data."""
    numbers: dict[int, int] = {}
    kept: list[Any] = []
    rows: list[Any] = []

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(value[key]) for key in sorted(value)}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if not isinstance(value, Config):
            return str(value)
        if id(value) not in numbers:
            numbers[id(value)] = len(numbers)
            kept.append(value)
        return f"#{numbers[id(value)]}"

    plain(made)
    while len(rows) < len(kept):
        value = kept[len(rows)]
        rows.append((type(value).__qualname__, {name: plain(getattr(value, name)) for name in described(value)}))
    return rows


def told(main: Any) -> Any:
    """All that a snapshot tells of a task and of what it is made of."""
    rows = {}
    pending = [main]
    while pending:
        node = pending.pop()
        if node.identifier in rows:
            continue
        origins = {name: node.origin(name) for name in node.fields}
        declared = {name: node.parameter(name) for name in node.fields}
        rows[node.identifier] = (node.typename, origins, declared, node.left_out, node.is_stub)
        held = [node_of(value, node.snapshot) for value in values_in(node.fields)]
        pending.extend(it for it in [*held, node.task] if it is not None)
    return rows


def values_in(value: Any) -> list[Any]:
    kind, inside = shape(value)
    if kind in ("list", "tuple"):
        return [found for item in inside for found in values_in(item)]
    if kind == "dict":
        return [found for _, item in inside for found in values_in(item)]
    return [value]


@contract
@settings(max_examples=60)
@given(STEPS)
def test_what_is_referred_to_is_what_would_be_there(plan: Any) -> None:
    with tempfile.TemporaryDirectory() as place:
        workspace = Path(place)
        tasks = submitted(plan, workspace)
        write(tasks, workspace, None)
        objects = [walk(load_task(folder_of(task))) for task in tasks]
        snapshots = [read_snapshot(folder_of(task)) for task in tasks]
        for task in tasks:
            (folder_of(task) / "params.json").unlink()
        write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
        for task, expected, snapshot in zip(tasks, objects, snapshots, strict=True):
            folder = folder_of(task)
            assert walk(load_task(folder)) == expected
            assert walk(from_task_dir(folder, as_instance=True)) == expected
            config = from_task_dir(folder)
            assert str(config.__identifier__()) == str(task.__identifier__())
            assert walk(config) == walk(task)
            assert told(read_snapshot(folder).main) == told(snapshot.main)


@contract
def test_an_ancestor_is_made_when_it_is_touched_and_once(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (0, [1, 1], [1])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    MADE.clear()
    made = load_task(folder_of(tasks[2]))
    assert MADE == ["step 2"]
    parent = made.before[0]
    assert MADE == ["step 2"]
    assert isinstance(parent, Step)
    assert isinstance(parent, Step.Value)
    assert parent.__class__ is Step
    assert type(parent).__name__ == "Step"
    assert MADE == ["step 2"]
    assert parent.x == 1
    assert MADE == ["step 2", "part 1", "step 1"]
    assert type(parent) is Step
    assert parent is made.before[1] is made.named["k1"]
    assert parent.count == 0
    assert parent.before[0].part is parent.part
    assert MADE == ["step 2", "part 1", "step 1", "step 0"]
    assert vars(parent).keys() == vars(load_task(folder_of(tasks[1]))).keys() - {
        "__taskdir__", "__maintaskdir__", "__tags__", "__xpm_stdout__", "__xpm_stderr__",
    }  # fmt: skip


@contract
@pytest.mark.parametrize(
    "touch",
    [
        lambda it: copy.copy(it),
        lambda it: copy.deepcopy(it),
        lambda it: pickle.loads(pickle.dumps(it)),
        lambda it: (setattr(it, "count", 7), it)[1],
        lambda it: (vars(it), it)[1],
        lambda it: (dir(it), it)[1],
    ],
)
def test_whatever_touches_a_stand_in_finds_the_object(workspace: Path, touch: Any) -> None:
    tasks = submitted([(1, [], []), (0, [0], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    found = touch(load_task(folder_of(tasks[1])).before[0])
    assert type(found) is Step
    assert stand_ins.MARK not in vars(found)
    assert (found.x, found.part.size) == (0, 1)


@contract
def test_threads_that_touch_it_at_once_see_one_whole_object(workspace: Path) -> None:
    tasks = submitted([(2, [], []), (2, [0], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    for _ in range(20):
        MADE.clear()
        stood = load_task(folder_of(tasks[1])).before[0]
        barrier = threading.Barrier(4)
        seen: list[Any] = []

        def look(stood: Any = stood, barrier: threading.Barrier = barrier, seen: list[Any] = seen) -> None:
            barrier.wait()
            seen.append((stood.x, stood.part.inner.size, stood.out.name, stood.before))

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [(0, 100, "out.bin", [])] * 4
        assert MADE.count("step 0") == 1


class Announced(Step):
    announced: list[str] = []

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Announced.announced.append(cls.__name__)


class Slotted(Task):
    __slots__ = ("cache",)
    x: Param[int]

    def execute(self) -> None: ...


class Fragile(Task):
    x: Param[int]
    broken = False

    def __post_init__(self) -> None:
        if Fragile.broken:
            raise OSError("not now")

    def execute(self) -> None: ...


def user_of(task: Any, workspace: Path) -> Any:
    """What a job finds of a task that it refers to."""
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        user = Step.C(x=9, before=[task.submit()])
        user.submit()
    write([task, user], workspace, Ancestors(str(workspace), "xp", "run", most=0))
    return load_task(folder_of(user)).before[0]


@contract
def test_the_users_classes_do_not_hear_of_stand_ins(workspace: Path) -> None:
    assert user_of(Announced.C(x=1), workspace).x == 1
    assert Announced.announced == []


@contract
def test_objects_with_slots_too(workspace: Path) -> None:
    made = user_of(Slotted.C(x=3), workspace)
    made.cache = 5
    assert (type(made), made.x, made.cache) == (Slotted, 3, 5)


@contract
def test_what_fails_to_be_made_fails_again_and_is_not_half_there(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = user_of(Fragile.C(x=3), workspace)
    monkeypatch.setattr(Fragile, "broken", True)
    for _ in range(2):
        with pytest.raises(OSError, match="not now"):
            _ = made.x
    monkeypatch.setattr(Fragile, "broken", False)
    assert made.x == 3


def chain(kind: Any, length: int, workspace: Path) -> Any:
    """What a job finds as the last of a chain of tasks."""
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        tasks = [kind.C(x=0)]
        for x in range(1, length):
            tasks[-1].submit()
            tasks.append(kind.C(x=x, before=[tasks[-1]]))
        tasks[-1].submit()
    write(tasks[-1:], workspace, Ancestors(str(workspace), "xp", "run", most=0))
    return load_task(folder_of(tasks[-1]))


class Deep(Task):
    x: Param[int]
    before: Param[list[Any]] = field(default_factory=list)
    fails = -1

    def __post_init__(self) -> None:
        if self.x == Deep.fails:
            raise OSError("not now")
        self.depth = self.before[0].depth + 1 if self.before else 0

    def execute(self) -> None: ...


@contract
def test_a_long_chain_whose_members_look_at_each_other(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = chain(Deep, 600, workspace)
    assert made.depth == 599
    monkeypatch.setattr(Deep, "fails", 300)
    with pytest.raises(OSError, match="not now"):
        load_task(Path(made.__taskdir__))


ALIVE: list[int] = []
"""How many threads there were."""


class Pooled(Task):
    x: Param[int]
    before: Param[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            self.seen = list(pool.map(self.look, range(4)))

    def look(self, number: int) -> int:
        ALIVE.append(threading.active_count())
        return self.x + number + sum(it.seen[0] for it in self.before)

    def execute(self) -> None: ...


@contract
def test_threads_of_a_post_init_see_what_there_is_and_others_wait(workspace: Path) -> None:
    made = chain(Pooled, 60, workspace)
    assert made.seen == [sum(range(60)) + it for it in range(4)]
    assert max(ALIVE) < 60
    with ThreadPoolExecutor(4) as pool:
        stood = chain(Slow, 2, workspace).before[0]
        assert list(pool.map(lambda _: stood.late, range(8))) == [1] * 8


class Slow(Task):
    x: Param[int]
    before: Param[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        others = [threading.Thread(target=lambda: None) for _ in range(3)]
        for thread in others:
            thread.start()
        for thread in others:
            thread.join()
        self.late = 1

    def execute(self) -> None: ...


class Linked(Task):
    x: Param[int]
    before: Param[list[Any]] = field(default_factory=list)

    def execute(self) -> None: ...


@contract
def test_processes_that_are_forked_read_on_their_own(workspace: Path) -> None:
    made = chain(Linked, 200, workspace)
    begin, pids = os.pipe(), []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.read(begin[0], 1)
                for x in range(199, -1, -1):
                    assert made.x == x
                    made = made.before[0] if x else made
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    os.write(begin[1], b"....")
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * 4
    for end in begin:
        os.close(end)


class Registry(type):
    names: list[str] = []

    def __new__(cls, name: str, bases: Any, members: Any, **options: Any) -> Any:
        Registry.names.append(name)
        return super().__new__(cls, name, bases, members, **options)


class Registered(Task, metaclass=Registry):
    x: Param[int]
    count = 0

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        made = super().__new__(cls, *arguments, **options)
        if type(made).__dict__.get("C") is None and "x" not in vars(made):
            made.marks = ["new"]
        return made

    def __post_init__(self) -> None:
        type(self).count += 1
        if Fragile.broken:
            raise OSError("not now")

    def execute(self) -> None: ...


@contract
def test_the_class_of_a_stand_in_is_taken_for_that_of_the_task(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = user_of(Registered.C(x=1), workspace)
    assert "Registered" not in Registry.names[Registry.names.index("Registered") + 1 :]
    assert type(made) == Registered  # noqa: E721
    assert Registered == type(made)  # noqa: E721
    assert {Registered: "found"}[type(made)] == "found"
    assert {type(made): "found"}[Registered] == "found"
    assert issubclass(Registered, type(made))
    assert type(made) != Step  # noqa: E721
    before = Registered.count
    monkeypatch.setattr(Fragile, "broken", True)
    with pytest.raises(OSError, match="not now"):
        _ = made.x
    monkeypatch.setattr(Fragile, "broken", False)
    assert made.x == 1
    assert made.marks == ["new"]
    assert Registered.count == before + 2


@contract
def test_what_nobody_has_any_more_is_collected(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (0, [1], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    made = load_task(folder_of(tasks[2]))
    assert made.before[0].x == 1
    refs = [weakref.ref(made.before[0]), weakref.ref(made.before[0].before[0])]
    del made
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


class Before(LightweightTask):
    def execute(self) -> None:
        MADE.append("prepared")


class Looped(Task):
    x: Param[int]
    other: Param[Any] = None

    def execute(self) -> None: ...


@contract
def test_pre_tasks_of_ancestors_run_in_the_job(workspace: Path) -> None:
    part = Part.C(size=1)
    part.add_pretasks(Before.C())
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        tasks = [Step.C(x=0, part=part)]
        for x in range(1, 4):
            tasks[-1].submit()
            tasks.append(Step.C(x=x, before=[tasks[-1]]))
        tasks[-1].submit()
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    MADE.clear()
    load_task(folder_of(tasks[-1]))
    assert "prepared" in MADE


@contract
def test_a_task_in_a_cycle_with_its_ancestor(workspace: Path) -> None:
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        late = Looped.C(x=1)
        early = Looped.C(x=0, other=[late])
        late.other = [early]
        last = Looped.C(x=2, other=late)
        late.submit()
        last.submit()
    write([last], workspace, Ancestors(str(workspace), "xp", "run", most=0))
    back = from_task_dir(folder_of(last))
    assert back.other.other[0].other[0] is back.other
    assert str(back.__identifier__()) == str(last.__identifier__())


@contract
def test_small_tasks_hold_all_in_their_own_file(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (2, [1], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run"))
    for task in tasks:
        assert json.loads((folder_of(task) / "params.json").read_text())["version"] == 3
        assert [it.name for it in (folder_of(task) / ".experimaestro").iterdir()] == ["identity.json"]


@contract
def test_costs_on_disk_grow_linearly(workspace: Path) -> None:
    def sizes(count: int) -> list[int]:
        tasks = submitted([(1, [], [])] + [(1, [x], [x]) for x in range(count - 1)], workspace)
        write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=10))
        return [(folder_of(task) / "params.json").stat().st_size for task in tasks]

    files = sizes(60)
    assert max(files[20:]) <= max(files[:20]) + 20


@contract
def test_the_file_lives_as_long_as_a_job_that_needs_it(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (2, [1], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    shutil.rmtree(workspace / "experiments")
    for task in tasks[:2]:
        shutil.rmtree(folder_of(task))
    assert walk(from_task_dir(folder_of(tasks[2]))) == walk(tasks[2])


@contract
@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda file: file.unlink(), MissingFileError),
        (lambda file: file.write_bytes(file.read_bytes()[:40]), LoadError),
        (lambda file: file.write_bytes(b"{}\n{}\n" * 200), LoadError),
        (lambda file: file.write_bytes(b'{"objects":[]}\n{}\n' * 50), LoadError),
    ],
)
def test_a_damaged_file_is_told_and_where(workspace: Path, damage: Any, error: type[Exception]) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (2, [1], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    folder = folder_of(tasks[2])
    (file,) = (folder / ".experimaestro").glob("ancestors-*")
    damage(file)
    with pytest.raises(error, match="ancestors-"):
        from_task_dir(folder)
    with pytest.raises(LoadError, match="ancestors-"):
        walk(load_task(folder))


@contract
def test_no_path_leaves_the_folder_of_the_job(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], [])], workspace)
    write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
    params = folder_of(tasks[1]) / "params.json"
    content = json.loads(params.read_text())
    for name in ("../../../../secret", "/etc/passwd"):
        params.write_text(json.dumps({**content, "ancestors": name}, separators=(",", ":")))
        with pytest.raises(LoadError, match="folder"):
            from_task_dir(folder_of(tasks[1]))
        with pytest.raises(LoadError, match="folder"):
            load_task(folder_of(tasks[1]))


@contract
def test_jobs_on_another_file_system_get_a_copy(workspace: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        if os.stat(elsewhere).st_dev == workspace.parent.stat().st_dev:
            pytest.skip("there is one file system only")
        workspace.mkdir(exist_ok=True)
        (workspace / "jobs").symlink_to(elsewhere)
        tasks = submitted([(1, [], []), (1, [0], []), (2, [1], []), (2, [2], [])], workspace)
        write(tasks, workspace, Ancestors(str(workspace), "xp", "run", most=0))
        assert [walk(from_task_dir(folder_of(task))) for task in tasks] == [walk(task) for task in tasks]
        files = [file.stat().st_ino for task in tasks for file in (folder_of(task) / ".experimaestro").glob("anc*")]
        assert (len(files), len(set(files))) == (3, 1)


@contract
def test_a_run_whose_folder_is_removed_goes_on(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (2, [1], []), (2, [2], [])], workspace)
    ancestors = Ancestors(str(workspace), "xp", "run", most=0)
    write(tasks[:2], workspace, ancestors)
    shutil.rmtree(workspace / "experiments")
    write(tasks[2:], workspace, ancestors)
    assert [walk(from_task_dir(folder_of(task))) for task in tasks] == [walk(task) for task in tasks]


@contract
def test_a_copy_that_took_the_place_of_a_job_is_not_added_to(workspace: Path) -> None:
    tasks = submitted([(1, [], []), (1, [0], []), (2, [1], []), (2, [2], []), (0, [3], [])], workspace)
    ancestors = Ancestors(str(workspace), "xp", "run", most=0)
    write(tasks[:2], workspace, ancestors)
    shutil.rmtree(workspace / "experiments")
    write(tasks[2:3], workspace, ancestors)  # from here on, the file is that of this job
    copy = workspace / "archive"
    shutil.copytree(folder_of(tasks[2]), copy)
    shutil.rmtree(folder_of(tasks[2]))
    folder_of(tasks[2]).symlink_to(copy)
    write(tasks[3:], workspace, ancestors)
    assert [walk(from_task_dir(folder_of(task))) for task in tasks[3:]] == [walk(task) for task in tasks[3:]]


@contract
def test_a_file_that_has_as_many_names_as_it_can_is_copied(workspace: Path) -> None:
    most = os.pathconf(workspace.parent, "PC_LINK_MAX")
    if not 100 < most < 100_000:
        pytest.skip("this file system does not limit the names of a file, or not to a number that can be tried")
    tasks = submitted([(1, [], []), (1, [0], []), (2, [1], []), (2, [2], []), (1, [3], [])], workspace)
    ancestors = Ancestors(str(workspace), "xp", "run", most=0)
    write(tasks[:3], workspace, ancestors)
    (file,) = (workspace / "experiments" / "xp" / "run").glob("ancestors-*")
    names = workspace / "names"
    names.mkdir()
    for name in range(most - file.stat().st_nlink):
        os.link(file, names / str(name))
    write(tasks[3:], workspace, ancestors)
    (before,), *after = (list((folder_of(task) / ".experimaestro").glob("ancestors-*")) for task in tasks[2:])
    assert len({name.stat().st_ino for (name,) in after} | {before.stat().st_ino}) == 2
    assert [walk(from_task_dir(folder_of(task))) for task in tasks] == [walk(task) for task in tasks]


class Renamed(Task):
    x: Param[int]

    @deprecate
    def w(self, value: int) -> None:
        self.x = value

    def execute(self) -> None: ...


@contract
def test_what_is_deprecated_is_found_in_ancestors_too(workspace: Path) -> None:
    with experiment(workspace, "xp", run_mode=RunMode.DRY_RUN):
        user = Step.C(x=1, before=[Step.C(x=0, before=[Renamed.C(x=5).submit()]).submit()])
        user.submit()
    write([user], workspace, Ancestors(str(workspace), "xp", "run", most=0))
    (file,) = (folder_of(user) / ".experimaestro").glob("ancestors-*")
    name = JobName(folder_of(user).parent.name, folder_of(user).name)
    assert not Recomputation(workspace, "md5").of(name).is_deprecated
    file.write_bytes(file.read_bytes().replace(b'"fields":{"x":5}', b'"fields":{"w":5}'))
    found = Recomputation(workspace, "md5").of(name)
    assert found.is_deprecated
    assert found.name == name


@contract
def test_the_environment_sets_how_much_a_job_holds(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = submitted([(1, [], []), (1, [0], [])], workspace)
    for number, version in (("0", 4), ("", 3), ("5", 3)):
        monkeypatch.setenv("XPM_MOST_ANCESTORS", number)
        write(tasks, workspace, Ancestors(str(workspace), "xp", "run"))
        assert json.loads((folder_of(tasks[1]) / "params.json").read_text())["version"] == version
    monkeypatch.setenv("XPM_MOST_ANCESTORS", "many")
    with pytest.raises(ValueError, match="XPM_MOST_ANCESTORS"):
        Ancestors(str(workspace), "xp", "run")
