"""The example, in the ways that are quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits" / "experiment.yaml"


@pytest.mark.parametrize(("mode", "written"), [("dry_run", False), ("generate_only", True)])
def test_the_example_can_be_simulated(mode: str, written: bool, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    command = [sys.executable, "-m", "experimaestro.cli", "run-experiment", "--workdir", workspace, "--run-mode", mode]
    done = subprocess.run([*command, EXAMPLE], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "digits: 55 tasks: 55 to run" in done.stderr
    assert workspace.exists() is written
