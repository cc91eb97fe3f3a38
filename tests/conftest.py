"""What every test stands on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A test says what holds, not how fast: on a busy machine any deadline is missed now and then.
settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")


def pytest_configure() -> None:
    # Classes defined inside test functions may have a type identifier, and the user's settings file is not read.
    sys._called_from_test = True  # type: ignore[attr-defined]
    # Jobs import the tasks of the tests' own modules, which pytest puts on no path.
    sys.path.insert(0, str(Path(__file__).parents[1]))
    # Threads of numerical libraries are of no use here, and slow the starting of job processes.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"


@pytest.fixture(autouse=True)
def no_running_task():
    """What a test loads as the running task is not the task of the next test."""
    yield
    taskglobals = sys.modules.get("experimaestro.taskglobals")
    if taskglobals is not None:
        taskglobals.Env.wspath = taskglobals.Env.taskpath = taskglobals.Env.xpm_path = None


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder for a workspace, not created yet."""
    return tmp_path / "workspace"
