"""From a task's `params.json` to its object, beside `json.loads` of the same bytes: 31 nested nodes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import OLDER, QUICK, WHO, Contender, compare, emit, nothing

HERE = Path(__file__).parent


def load(directory: Path) -> object:
    """Build the object whose `execute` is the job."""
    if OLDER:
        from experimaestro import from_task_dir

        return from_task_dir(directory, as_instance=True)
    from experimaestro._config.lifecycle import load_task

    return load_task(directory)


def first_load(directory: Path) -> float:
    """Return the CPU seconds of the first load in this process, as in a job: the user's module is not imported yet."""
    load.__globals__["json"].loads("{}")
    start = time.process_time()
    load(directory)
    return time.process_time() - start


def generate(workspace: str) -> list[Path]:
    """Write `params.json` in another process, which is the only one where the script is `__main__`."""
    command = [sys.executable, str(HERE / "loaded_script.py"), workspace]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [Path(line) for line in output.split("\n")[-3:-1]]


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(HERE))
    if sys.argv[1:2] == ["--first"]:
        print(first_load(Path(sys.argv[2])))
    else:
        with tempfile.TemporaryDirectory() as folder:
            for kind, directory in zip(("package", "script"), generate(folder), strict=True):
                params = (directory / "params.json").read_bytes()
                contenders = {WHO: Contender(nothing, lambda _, directory=directory: load(directory))}
                if not OLDER:
                    contenders["json.loads"] = Contender(nothing, lambda _, params=params: json.loads(params))
                compare(f"loading: class in a {kind}", contenders, rounds=3 if OLDER else 9)
                command = [sys.executable, __file__, "--first", str(directory)]
                times = [float(subprocess.check_output(command)) for _ in range(2 if QUICK else 5)]
                emit(f"loading: class in a {kind}, first in a process", WHO, statistics.median(times))
