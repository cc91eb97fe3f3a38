"""Machines that are short of memory, or of processes: the kernel's own limits, in control groups."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")
MEGABYTE = 1 << 20


class Group:
    """A control group below our own, with limits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir()

    def limit(self, *names: str, value: int) -> None:
        """Set the first of these limits that there is."""
        for name in names:
            if (self.path / name).exists():
                (self.path / name).write_text(str(value))
                return
        pytest.skip(f"there is no limit {' or '.join(names)} in {self.path}")

    def remove(self) -> None:
        """End what is left in it, and remove it."""
        for line in (self.path / "cgroup.procs").read_text().split():
            os.kill(int(line), signal.SIGKILL)
        while (self.path / "cgroup.procs").read_text():
            os.sched_yield()
        self.path.rmdir()


def own_group(controller: str) -> Path:
    """Where our control group is: each controller has a tree of its own in version 1, all have one in version 2."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return ROOT / controller / path.lstrip("/")
    return ROOT / "unified" if (ROOT / "unified").is_dir() else ROOT


@pytest.fixture
def control_group(tmp_path: Path) -> Iterator[Callable[[str], Group]]:
    """Makes control groups, where that is allowed."""
    made: list[Group] = []

    def make(controller: str) -> Group:
        try:
            made.append(Group(own_group(controller) / f"xpm-{os.getpid()}-{len(made)}"))
        except OSError as error:
            pytest.skip(f"no control group can be made here: {error}")
        return made[-1]

    yield make
    for group in made:
        group.remove()


@pytest.mark.contract("running 6: memory")
@pytest.mark.parametrize(("budget", "executions"), [("0", 1), ("2", 3)])
def test_a_job_that_the_kernel_kills_for_want_of_memory_has_that_reason_and_its_budget(
    place, control_group, budget, executions
):
    group = control_group("memory")
    group.limit("memory.limit_in_bytes", "memory.max", value=300 * MEGABYTE)
    result = place.run("eats", "2000", budget, GROUP=str(group.path))
    [job] = result["by_name"]["eats"]
    assert (job["state"], job["reason"]) == ("error", "MEMORY"), job
    assert "no memory left" in job["message"]
    assert place.executions()["eats-0"] == executions
    assert place.executions()["record-0"] == 1
    assert [job["state"] for job in result["by_name"]["record"]] == ["done"], "the others go on"


def test_a_kill_by_hand_is_no_want_of_memory(place):
    [job] = place.run("ends", "killed")["by_name"]["ends"]
    assert (job["state"], job["reason"]) == ("error", "FAILED")


def test_jobs_for_which_there_is_no_room_wait_for_those_that_end(place, control_group):
    """The driver, its threads and its server leave room for few jobs of eight at once: fork says EAGAIN."""
    group = control_group("pids")
    result = place.run("crowd", "24", slots=8, GROUP=str(group.path), GROUP_LIMIT="3")
    assert {job["state"] for job in result["jobs"].values()} == {"done"}
    assert set(place.executions().values()) == {1}
    assert len(place.executions()) == 24
    assert "max 0" not in (group.path / "pids.events").read_text(), "the limit was met"


def test_the_fork_server_is_killed_again_and_again_and_every_job_runs_once(one_place):
    one_place.launcher = "fork-server"
    driver = one_place.start("servers_killed", "40", slots=4)
    result = driver.finish()
    assert {job["state"] for job in result["jobs"].values()} == {"done"}
    assert one_place.executions() == {f"record-{x}": 1 for x in range(40)}
