"""Units of tokens across processes: never too many at once, nothing leaks, nobody waits for ever, whoever is killed."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress

import pytest

from experimaestro._core import token_state


class Units:
    """Files that stand for the units of tokens, and the folders of the tokens."""

    def __init__(self, root, **totals):
        self.root = root
        for name, total in totals.items():
            folder = root / "units" / name
            folder.mkdir(parents=True)
            for number in range(total):
                (folder / str(number)).touch()
        self.variables = {"UNITS": str(root / "units")}

    def state(self, name):
        return token_state(str(self.root / "tokens" / name))


def assert_all_done(place, results, count):
    executions = place.executions()
    assert not [name for name in executions if name.startswith("too-many")]
    assert {name: n for name, n in executions.items() if name.startswith("uses")} == {
        f"uses-{x}": 1 for x in range(count)
    }
    assert all(not result["failed"] for result in results), results


@pytest.mark.contract("running 10: `CounterToken(name, path, count, force=True)`")
def test_four_drivers_never_use_too_many_units_at_once(one_place, tmp_path):
    units = Units(tmp_path, a=2, b=1)
    drivers = [
        one_place.start("uses", str(12 * n), "12", "a1", "b1", "a1b1", "a2", name=f"xp{n}", slots=4, **units.variables)
        for n in range(4)
    ]
    assert_all_done(one_place, [driver.finish() for driver in drivers], 48)
    for name, total in (("a", 2), ("b", 1)):
        assert units.state(name) == {"total": total, "available": total, "holders": []}


@pytest.mark.contract("running 7.3: restart with tokens")
@pytest.mark.parametrize("seed", range(3))
def test_drivers_and_jobs_that_are_killed_leave_nothing_behind(one_place, tmp_path, seed):
    units = Units(tmp_path, a=2, b=1)
    chance = random.Random(seed)

    def start(n):
        return one_place.start("uses", str(10 * n), "10", "a1", "a1b1", "b1", name=f"xp{n}", slots=3, **units.variables)

    drivers = [start(n) for n in range(3)]
    for driver in drivers:
        driver.line()
    for _ in range(4):
        n = chance.randrange(3)
        holders = units.state("a")["holders"]
        drivers[n].process.kill()
        drivers[n].process.wait()
        if holders and chance.random() < 0.5:
            kill_job(chance.choice(holders)["job"])
        drivers[n] = start(n)
        drivers[n].line()
    for driver in drivers:
        driver.finish()
    # Whoever was killed failed, and goes again.
    results = [start(n).finish() for n in range(3)]
    executions = one_place.executions()
    assert not [name for name in executions if name.startswith("too-many")]
    assert all(not result["failed"] for result in results), results
    assert {name for name in executions if name.startswith("uses")} == {f"uses-{x}" for x in range(30)}
    for name, total in (("a", 2), ("b", 1)):
        assert units.state(name) == {"total": total, "available": total, "holders": []}


def kill_job(folder):
    """Kill the process of a job, if it has one and lives."""
    import json
    from pathlib import Path

    for path in Path(folder or "/nowhere").glob("*.pid"):
        with suppress(OSError, ValueError):
            os.kill(json.loads(path.read_text())["pid"], signal.SIGKILL)


@pytest.mark.contract("running 10: release")
def test_a_job_keeps_its_units_when_its_driver_is_killed_and_gives_them_up_when_it_is(one_place, tmp_path):
    units = Units(tmp_path, a=1)
    first = one_place.start("gated_uses", "0", "a", "1", name="one", **units.variables)
    process = one_place.started()
    first.process.kill()
    first.process.wait()
    second = one_place.start("uses", "0", "1", "a1", name="two", **units.variables)
    second.line()
    wait_for(lambda: len(units.state("a")["holders"]) == 2)
    held, waiting = units.state("a")["holders"]
    assert held["granted"]
    assert held["attempt"] == 1
    assert "gated" in held["job"]
    assert not waiting["granted"]
    assert waiting["pid"] == second.process.pid
    # Nobody who started it is left, and nobody gives its unit back but those who wait.
    os.kill(process, signal.SIGKILL)
    assert not second.finish()["failed"]
    assert one_place.executions()["uses-0"] == 1


def wait_for(condition):
    """Wait for something that another process does."""
    import time

    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


@pytest.mark.contract("running 7.3: restart with tokens")
def test_a_restarted_driver_finds_its_job_running_with_its_units(one_place, tmp_path):
    units = Units(tmp_path, a=1)
    first = one_place.start("gated_uses", "0", "a", "1", **units.variables)
    one_place.started()
    first.process.kill()
    first.process.wait()
    again = one_place.start("gated_uses", "0", "a", "1", **units.variables)
    again.line()
    assert [holder["granted"] for holder in units.state("a")["holders"]] == [True]
    one_place.release()
    assert not again.finish()["failed"]
    assert one_place.executions() == {"gated-0": 1}
    assert units.state("a")["available"] == 1


@pytest.mark.contract("running 10: a busy token keeps nobody waiting who needs another")
def test_a_job_that_waits_for_a_busy_token_keeps_nobody_waiting_who_needs_a_free_one(one_place, tmp_path):
    units = Units(tmp_path, a=1, b=1)
    holder = one_place.start("gated_uses", "0", "a", "1", name="holder", **units.variables)
    one_place.started()
    both = one_place.start("uses", "0", "1", "a1b1", name="both", slots=1, **units.variables)
    both.line()
    wait_for(lambda: len(units.state("a")["holders"]) == 2)
    free = one_place.run("uses", "1", "3", "b1", name="free", slots=1, **units.variables)
    assert not free["failed"]
    assert "uses-0" not in one_place.executions()
    one_place.release()
    assert not both.finish()["failed"]
    assert not holder.finish()["failed"]


@pytest.mark.contract("running 10: GPUs")
@pytest.mark.parametrize("each", [1, 2])
def test_no_gpu_is_given_to_two_jobs_at_once(place, tmp_path, each):
    units = Units(tmp_path, **{"gpu-0": 1, "gpu-3": 1, "gpu-GPU-ab": 1})
    result = place.run("devices", "6", str(each), slots=4, XPM_GPUS="0,3,GPU-ab", **units.variables)
    assert not result["failed"], result
    assert not [name for name in place.executions() if name.startswith("too-many")]
    assert len(place.executions()) == 6
