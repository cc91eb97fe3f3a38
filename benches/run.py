"""Measure everything beside its floors and peers, in one run: one table, and a JSON file.

    python benches/run.py [--quick] [--only NAME]... [--without-older] [--json FILE]

Each bench runs in a process of its own, then again under the older package; one that does not end in time is cut.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import older
from goals import GOALS
from report import Measures, print_table, rows
from rich.console import Console

HERE = Path(__file__).resolve().parent
LIMIT = {"experimaestro": 900, "older": 240}
"""Seconds after which a bench is cut, by contender."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure everything beside its floors and peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: do the benches work?")
    parser.add_argument("--only", action="append", choices=list(GOALS), metavar="NAME", help=f"of {', '.join(GOALS)}")
    parser.add_argument("--without-older", action="store_true", help="do not measure the older package")
    parser.add_argument(
        "--json", type=Path, default=HERE.parent / "build" / "bench.json", help="where to write the measures"
    )
    return parser.parse_args()


def measure(name: str, python: Path, who: str, *, quick: bool) -> Measures:
    """Run one bench; return what it measured before its end, or before it was cut."""
    command = [str(python), str(HERE / f"{name}.py"), *(["--quick"] if quick else [])]
    # The threads of numerical libraries would be charged to whoever imports them.
    environment = os.environ | {"BENCH_WHO": who, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=LIMIT[who])
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
        print(f"{name}: cut after {LIMIT[who]} s ({who})", file=sys.stderr)
    else:
        if process.returncode:
            print(f"{name}: exit code {process.returncode} ({who})", file=sys.stderr)
    lines = (json.loads(line) for line in output.splitlines() if line.startswith('{"case"'))
    return {(line["case"], line["who"]): line["value"] for line in lines}


def machine() -> dict[str, object]:
    """Describe where the measures were taken."""
    packages = ("experimaestro", "pydantic", "joblib")
    return {
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.platform(),
        "versions": {package: metadata.version(package) for package in packages},
        "older": older.VERSION,
    }


def main() -> int:
    """Measure, print, write; the exit code is 1 when a bench of ours has not measured something."""
    options = arguments()
    names = options.only or list(GOALS)
    measures: Measures = {}
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        measures |= measure(name, Path(sys.executable), "experimaestro", quick=options.quick)
        if not options.without_older:
            measures |= measure(name, older.interpreter(), "older", quick=options.quick)

    results = [row for name in names for row in rows(GOALS[name], measures)]
    print_table(results, Console(width=None if sys.stdout.isatty() else 140))
    raw = [{"case": case, "who": who, "value": value} for (case, who), value in measures.items()]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({"machine": machine(), "table": results, "measures": raw}, indent=1, ensure_ascii=False)
    )
    print(f"Written: {options.json}", file=sys.stderr)
    missing = [
        goal.case
        for name in names
        for goal in GOALS[name]
        if goal.goal and (goal.case, "experimaestro") not in measures
    ]
    if missing and not options.quick:
        print("Not measured: " + "; ".join(missing), file=sys.stderr)
    return 1 if missing and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
