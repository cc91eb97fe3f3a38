"""A project, a workspace, and real driver processes on it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "project"
SECONDS = 60  # only a broken test waits that long


class Driver:
    """A driver process of one scenario."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """Wait for the next line of its output."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        assert ready, "the driver says nothing"
        return self.process.stdout.readline().strip()

    def finish(self) -> dict:
        """Wait for its end; what it printed about its jobs."""
        out, err = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, err
        result = json.loads(out.splitlines()[-1])
        result["stderr"] = err
        result["by_name"] = {}
        for key, job in result["jobs"].items():
            result["by_name"].setdefault(key.split("/")[0].rpartition(".")[2], []).append(job)
        return result


class Place:
    """A workspace, and the files in which tasks record their executions."""

    def __init__(self, root: Path, launcher: str) -> None:
        self.workdir = root / "workspace"
        self.records = root / "records"
        self.home = root / "home"
        self.launcher = launcher
        self.records.mkdir()
        self.home.mkdir()
        self._drivers: list[Driver] = []
        # Held open for reading and writing: nobody ever blocks in open(), and what is written stays until it is read.
        self._fifos = {}
        for name in ("started.fifo", "gate.fifo"):
            os.mkfifo(self.records / name)
            self._fifos[name] = os.open(self.records / name, os.O_RDWR)

    def start(
        self,
        scenario: str,
        *arguments: str,
        name: str = "xp",
        slots: int = 2,
        script: str = "driver.py",
        **variables: str,
    ) -> Driver:
        """Start a driver."""
        environment = {
            **os.environ,
            "HOME": str(self.home),
            "RECORDS": str(self.records),
            "XPM_SLOTS": str(slots),
            "XPM_LAUNCHER": self.launcher,
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, str(PROJECT / script), str(self.workdir), name, scenario, *arguments],
            env=environment,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        driver = Driver(process)
        self._drivers.append(driver)
        return driver

    def run(self, scenario: str, *arguments: str, **keywords) -> dict:
        """Run a driver to its end."""
        return self.start(scenario, *arguments, **keywords).finish()

    def executions(self) -> dict[str, int]:
        """How often each task was executed."""
        files = sorted(path for path in self.records.iterdir() if path.suffix != ".fifo")
        return {path.name: len(path.read_text().splitlines()) for path in files}

    def rows(self) -> list[dict]:
        """What the journals tell of all jobs."""
        from experimaestro._core import list_jobs

        return list_jobs(str(self.workdir))

    def started(self) -> int:
        """Wait until a gated task runs; its process."""
        ready, _, _ = select.select([self._fifos["started.fifo"]], [], [], SECONDS)
        assert ready, "no gated task has started"
        digits = b""
        while not digits.endswith(b"\n"):
            digits += os.read(self._fifos["started.fifo"], 1)
        return int(digits)

    def release(self, count: int = 1) -> None:
        """Let gated tasks go on."""
        os.write(self._fifos["gate.fifo"], b"." * count)

    def close(self) -> None:
        """End what is left."""
        self.release(100)
        for driver in self._drivers:
            if driver.process.poll() is None:
                driver.process.kill()
            driver.process.communicate()
        for descriptor in self._fifos.values():
            os.close(descriptor)


@pytest.fixture(params=["fork-server", "process"])
def place(request, tmp_path):
    """A workspace driven with one of the two ways to start jobs."""
    place = Place(tmp_path, request.param)
    yield place
    place.close()


@pytest.fixture
def one_place(tmp_path):
    """A workspace driven in the default way, for what does not depend on it."""
    place = Place(tmp_path, "")
    yield place
    place.close()
