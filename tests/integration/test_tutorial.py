"""The tutorial does what it says: its files are written, its commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_every_command_of_the_tutorial(tmp_path: Path) -> None:
    text = TUTORIAL.read_text(encoding="utf-8")
    for name, content in re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (tmp_path / name).write_text(content)
    blocks = re.findall(r"^```sh(?: exit=(\d+))?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    xpm = tmp_path / "bin" / "xpm"
    xpm.parent.mkdir()
    xpm.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m experimaestro.cli "$@"\n')
    xpm.chmod(0o755)
    environment = {**os.environ, "PATH": f"{xpm.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    told = []
    for code, commands in blocks:
        for command in commands.splitlines():
            done = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == int(code or 0), f"{command}\n{done.stdout}{done.stderr}"
            told.append(done.stdout + done.stderr)
    # what the tutorial shows of the output
    estimates = re.findall(r"^ +\d+ darts: [\d.]+$", text, re.MULTILINE)
    assert len(estimates) == 2
    assert all(line in told[0] for line in estimates)
    assert "8 jobs (8 done)" in told[0]
    assert "12 jobs (4 done, 8 reused)" in told[1]
    shown = re.search(r"^```text\n(Error: .*?)^```", text, re.MULTILINE | re.DOTALL)
    assert shown
    assert shown[1] in "".join(told)
    assert "3 times ZeroDivisionError" in told[-1]
