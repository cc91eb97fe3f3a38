"""What the README shows is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_screen_of_code_runs_and_runs_once(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    script = tmp_path / "first.py"
    script.write_text(code)

    def run() -> dict[Path, int]:
        subprocess.run([sys.executable, script], check=True, cwd=tmp_path, stdin=subprocess.DEVNULL)
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "workspace" / "jobs").glob("*/*/*.done")}

    first = run()
    assert len(first) == 12, "two sizes, three seeds, two tasks each"
    logs = [path.read_text() for path in (tmp_path / "workspace" / "jobs").glob("*evaluate/*/evaluate.out")]
    assert len(logs) == 6
    assert all(log.startswith("evaluating ") and log.rstrip().endswith("weights.npz") for log in logs)
    assert run() == first
