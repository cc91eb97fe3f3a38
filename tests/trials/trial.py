"""Trials through the real package: drivers that are killed, and faults in every process.

python tests/trials/trial.py kills --rounds 200         kill -9 of the driver at random moments
python tests/trials/trial.py faults --seeds 100         faults in drivers, fork servers and jobs
python tests/trials/trial.py faults --first 17 --seeds 1   one of them, again
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DRIVER = Path(__file__).with_name("driver.py")
FAULTY_LIVES = 3
HEALTHY_LIVES = 6
HANG = 120
"""Seconds after which a driver hangs: healthy ones take a hundredth of it."""


class Place:
    """A workspace, what is recorded beside it, and its drivers."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.seed = root, seed
        self.workspace, self.records, self.log = root / "workspace", root / "records", root / "faults"
        self.records.mkdir()

    def start(self, name: str = "xp", fault: str | None = None) -> subprocess.Popen[str]:
        """Start a driver."""
        environment = {
            **os.environ,
            "HOME": str(self.root),
            "RECORDS": str(self.records),
            "XPM_SLOTS": "3",
            # Jobs refer to what their run wrote of their ancestors, or hold them.
            "XPM_MOST_ANCESTORS": "0" if self.seed % 2 else "",
            "XPM_FAULT_LOG": str(self.log),
        }
        if fault:
            environment["XPM_FAULT"] = fault
        command = [sys.executable, str(DRIVER), str(self.workspace), name, str(self.seed)]
        return subprocess.Popen(
            command, env=environment, cwd=self.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def final_state(self) -> dict[str, str]:
        """What is left when all is done: markers and outputs of each job, the states that the last run tells."""
        found: dict[str, str] = {}
        for folder in sorted((self.workspace / "jobs").glob("*/*")):
            names = sorted(path.name for path in folder.iterdir() if path.suffix in (".done", ".failed", ".pid"))
            out = folder / "out.txt"
            found[folder.name] = f"{names} {out.read_text() if out.exists() else None}"
        journal = self.workspace / "experiments" / "xp" / "current" / "journal.jsonl"
        states: dict[int, str] = {}
        for line in journal.read_text().splitlines():
            entry = json.loads(line)
            if "state" in entry and "job" in entry:
                states[entry["job"]] = entry["state"]
        found["states"] = str(sorted(states.items()))
        return found

    def problems(self) -> Iterator[str]:
        """Check the record of each job: one success, no overlap, and no execution more than faults explain."""
        struck = set()
        if self.log.exists():
            struck = {line.split()[0] for line in self.log.read_text().splitlines() if "Stall" not in line}
        records = [path for path in self.records.iterdir() if not path.suffix]
        jobs = list((self.workspace / "jobs").glob("*/*/node.done"))
        if len(records) != len(jobs):
            yield f"{len(records)} jobs were executed, {len(jobs)} are done"
        for path in records:
            lines = [line.split() for line in path.read_text().splitlines()]
            starts = [line[1] for line in lines if line[0] == "start"]
            interrupted = {line[1] for line in lines if line[0] == "interrupted"}
            for word in {line[0] for line in lines} - {"start", "end", "interrupted"}:
                yield f"job {path.name}: {word}"
            for process in starts[:-1]:
                if process not in struck | interrupted:
                    yield f"job {path.name}: executed again although nothing happened to process {process}"


def ended(process: subprocess.Popen[str]) -> str:
    """Wait for a driver; its last words."""
    try:
        return process.communicate(timeout=HANG)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        return f"{process.communicate()[1]}\nit hangs"


def undisturbed(root: Path, seed: int) -> tuple[float, dict[str, str]]:
    """How long a run takes that nobody disturbs, and what is left of it."""
    place = Place(root, seed)
    start = time.monotonic()
    driver = place.start()
    words = ended(driver)
    if driver.returncode != 0:
        raise RuntimeError(f"not even the undisturbed run ends well: {words}")
    return time.monotonic() - start, place.final_state()


def kill_round(root: Path, seed: int, moment: float, wanted: dict[str, str]) -> list[str]:
    """Kill the driver at a moment, start it again, and compare."""
    place = Place(root, seed)
    driver = place.start()
    try:
        driver.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        driver.send_signal(signal.SIGKILL)
    driver.communicate()
    again = place.start()
    words = ended(again)
    found = [f"the second driver ended with {again.returncode}: {words}"] if again.returncode else []
    if not found and place.final_state() != wanted:
        found = [f"another final state: {place.final_state()}, not {wanted}"]
    return found + list(place.problems())


def kills(rounds: int, seed: int = 3) -> list[str]:
    """Kill the driver at `rounds` random moments of its life."""
    with tempfile.TemporaryDirectory() as folder:
        duration, wanted = undisturbed(Path(folder), seed)
    chance = random.Random(rounds)
    moments = [chance.uniform(0, duration * 1.1) for _ in range(rounds)]

    def one(number: int) -> list[str]:
        root = Path(tempfile.mkdtemp(prefix=f"xpm-kill-{number}-"))
        found = kill_round(root, seed, moments[number], wanted)
        return kept(root, f"kill {number} after {moments[number]:.3f} s", found)

    return [problem for found in in_parallel(one, range(rounds)) for problem in found]


def fault_seed(root: Path, seed: int) -> list[str]:
    """Start the drivers of a seed, and again those that died, until all is done."""
    place = Place(root, seed)
    chance = random.Random(-seed)
    count = chance.randint(1, 3)
    rate = chance.randint(0, 900)

    def live(number: int) -> list[str]:
        for life in range(FAULTY_LIVES + HEALTHY_LIVES):
            fault = f"seed:{seed * 1000 + number * 10 + life}:{rate}:400" if life < FAULTY_LIVES else None
            driver = place.start(f"xp{number}" if number else "xp", fault)
            words = ended(driver)
            if driver.returncode == 0:
                return []
            if driver.returncode not in (3, -signal.SIGKILL):
                return [f"driver {number} ended with {driver.returncode} in life {life}: {words}"]
        return [f"driver {number} does not finish without faults: {words}"]

    with ThreadPoolExecutor(count) as pool:
        found = [problem for problems in pool.map(live, range(count)) for problem in problems]
    return found + list(place.problems())


def faults(first: int, seeds: int) -> list[str]:
    """Try seeds."""

    def one(seed: int) -> list[str]:
        root = Path(tempfile.mkdtemp(prefix=f"xpm-fault-{seed}-"))
        return kept(root, f"seed {seed}", fault_seed(root, seed))

    return [problem for found in in_parallel(one, range(first, first + seeds)) for problem in found]


def in_parallel(one: object, numbers: range) -> Iterator[list[str]]:
    """Two trials at once for each processor: most of the time of a trial is waiting."""
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        yield from pool.map(one, numbers)  # type: ignore[arg-type]


def kept(root: Path, what: str, problems: list[str]) -> list[str]:
    """Remove what a trial left unless something is wrong; name the trial in each problem."""
    if problems:
        return [f"{what}: {problem} (files in {root})" for problem in problems]
    shutil.rmtree(root, ignore_errors=True)
    return []


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("kills").add_argument("--rounds", type=int, default=200)
    fault = commands.add_parser("faults")
    fault.add_argument("--seeds", type=int, default=100)
    fault.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    if options.command == "kills":
        total, problems = options.rounds, kills(options.rounds)
    else:
        total, problems = options.seeds, faults(options.first, options.seeds)
    print("\n".join(problems) or f"{total} of {total}: nothing wrong")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
