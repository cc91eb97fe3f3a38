"""What a file system does when several processes use it at once: each probe is one promise that workspaces rest on.

Floor: `cli`. Also run as a program, `python -m experimaestro.cli.fsprobe ROLE FOLDER NUMBER`: one of those processes.
"""

from __future__ import annotations

import errno
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PROCESSES = 4
ROUNDS = 50


class Finding(NamedTuple):
    """What was measured of one promise."""

    what: str
    needed_for: str
    required: bool
    kept: bool
    measured: str


class ProbeError(Exception):
    """The file system did something else than was asked; the message is what it did."""


def examine(folder: Path) -> list[Finding]:
    """Try every promise in a new folder inside of `folder`, which is removed again.

    Raises:
        OSError: nothing can be made there.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".xpm-doctor-") as name:
        findings = []
        for number, (what, needed_for, required, probe) in enumerate(_PROBES):
            place = Path(name) / str(number)
            place.mkdir()
            try:
                findings.append(Finding(what, needed_for, required, True, probe(place)))
            except ProbeError as error:
                findings.append(Finding(what, needed_for, required, False, str(error)))
            except OSError as error:
                text = f"{errno.errorcode.get(error.errno or 0, error.errno)}: {error.strerror}"
                findings.append(Finding(what, needed_for, required, False, text))
        return findings


@contextmanager
def _processes(role: str, place: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes that wait for a line each, so that they begin together."""
    command = [sys.executable, "-m", "experimaestro.cli.fsprobe", role, str(place)]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen([*command, str(number)], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        for number in range(PROCESSES)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def _together(role: str, place: Path) -> list[list[str]]:
    """Run processes at once; the words that each has printed."""
    with _processes(role, place) as processes:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.communicate() for process in processes]
        for process, (_, error) in zip(processes, answers, strict=True):
            if process.returncode:
                raise ProbeError(error.strip().rpartition("\n")[2])
        return [words.split() for words, _ in answers]


def _links(place: Path) -> str:
    file = place / "file"
    file.write_text("x")
    os.link(file, place / "other")
    count = file.stat().st_nlink
    if count != 2:
        raise ProbeError(f"a file with two names says that it has {count}")
    return f"{_median(lambda number: os.link(file, place / str(number))):.2f} ms each"


def _exclusive(place: Path) -> str:
    won = [int(word) for words in _together("link", place) for word in words]
    twice = sorted({number for number in won if won.count(number) > 1})
    if twice:
        raise ProbeError(f"{len(twice)} of {ROUNDS} names were given to several processes at once")
    if len(won) != ROUNDS:
        raise ProbeError(f"{ROUNDS - len(won)} of {ROUNDS} names were given to nobody")
    return f"{ROUNDS} names, {PROCESSES} processes: one winner each"


def _replaced(place: Path) -> str:
    (place / "file").write_text("a" * 5000)
    seen = _together("replace", place)
    wrong = [word for words in seen for word in words if word != "whole"]
    if wrong:
        raise ProbeError(f"a reader saw a file that is {wrong[0]} while it was replaced")
    return f"{_median(lambda number: _replace(place / 'one', str(number))):.2f} ms each, readers saw whole files"


def _appended(place: Path) -> str:
    _together("append", place)
    lines = (place / "file").read_text().splitlines()
    wanted = {f"{process} {number} {'x' * 60}" for process in range(PROCESSES) for number in range(ROUNDS)}
    if set(lines) != wanted or len(lines) != len(wanted):
        raise ProbeError(f"{len(wanted) - len(wanted & set(lines))} of {len(wanted)} lines are lost or torn")
    return f"{len(lines)} lines of {PROCESSES} processes, all whole"


def _seen(place: Path) -> str:
    words = [float(word) for found in _together("see", place) for word in found]
    worst = max(words)
    if worst > 1000:
        raise ProbeError(f"a new file was invisible to another process for {worst / 1000:.1f} s")
    return f"after {worst:.1f} ms at most"


def _beats(place: Path) -> str:
    file = place / "beat"
    file.write_text("")
    before = file.stat().st_mtime_ns
    start = time.monotonic()
    while file.stat().st_mtime_ns == before:
        if time.monotonic() - start > 5:
            raise ProbeError("a file that is touched keeps its time")
        time.sleep(0.001)
        os.utime(file)
    with open(file, "a") as handle:
        handle.write("x")
    skew = file.stat().st_mtime - time.time()
    return f"noticed after {(time.monotonic() - start) * 1000:.0f} ms; its clock differs by {abs(skew):.1f} s"


def _synced(place: Path) -> str:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        return f"{_median(lambda _: os.fsync(descriptor), 10):.2f} ms each"
    finally:
        os.close(descriptor)


def _synced_file(place: Path) -> str:
    def write(number: int) -> None:
        with open(place / str(number), "w") as file:
            file.write("x")
            file.flush()
            os.fsync(file.fileno())

    return f"{_median(write, 10):.2f} ms each"


def _locked(place: Path) -> str:
    import fcntl

    with open(place / "file", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        words = {word for words in _together("lock", place) for word in words}
    if words != {"held"}:
        raise ProbeError("another process got a lock that is held")
    return "excludes other processes of this host"


def _symbolic(place: Path) -> str:
    os.symlink("target", place / "link")
    if os.readlink(place / "link") != "target":
        raise ProbeError("a link leads elsewhere")
    return "made and read"


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def _median(action: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """Milliseconds."""
    times = []
    for number in range(rounds):
        start = time.perf_counter()
        action(number)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


_PROBES: list[tuple[str, str, bool, Callable[[Path], str]]] = [
    ("hard links", "claims: who runs a job", True, _links),
    ("one winner of a link", "a job runs once, tokens", True, _exclusive),
    ("files are replaced whole", "params.json, markers", True, _replaced),
    ("symbolic links", "folders of runs", True, _symbolic),
    ("new files are seen", "who waits for jobs of others", False, _seen),
    ("times change", "heartbeats of other hosts", True, _beats),
    ("appended lines stay whole", "progress", False, _appended),
    ("files are synchronised", "success after a loss of power", False, _synced_file),
    ("folders are synchronised", "success after a loss of power", False, _synced),
    ("locks (flock)", "one driver of an experiment", False, _locked),
]


def _as_linker(place: Path, number: int) -> list[str]:
    won = []
    for name in range(ROUNDS):
        mine = place / f"{name}.{number}.tmp"
        mine.write_text(str(number))
        try:
            os.link(mine, place / str(name))
            won.append(str(name))
        except FileExistsError:
            pass
    return won


def _as_replacer(place: Path, number: int) -> list[str]:
    file, seen = place / "file", set()
    for turn in range(ROUNDS * 2):
        if number == 0:
            _replace(file, "ab"[turn % 2] * 5000)
            continue
        try:
            text = file.read_text()
        except FileNotFoundError:
            seen.add("missing")
            continue
        seen.add("whole" if len(text) == 5000 and len(set(text)) == 1 else "torn")
    return sorted(seen)


def _as_appender(place: Path, number: int) -> list[str]:
    descriptor = os.open(place / "file", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for line in range(ROUNDS):
        os.write(descriptor, f"{number} {line} {'x' * 60}\n".encode())
    os.close(descriptor)
    return []


def _as_observer(place: Path, number: int) -> list[str]:
    """The first process makes files; the others wait for them. Milliseconds, by the clock of this host."""
    if number == 0:
        for turn in range(10):
            time.sleep(0.02)
            _replace(place / str(turn), repr(time.time()))
        return []
    late = 0.0
    for turn in range(10):
        limit = time.monotonic() + 60
        while not (place / str(turn)).exists() and time.monotonic() < limit:
            time.sleep(0.0005)
        late = max(late, time.time() - float((place / str(turn)).read_text()))
    return [f"{late * 1000:.3f}"]


def _as_locker(place: Path, number: int) -> list[str]:  # noqa: ARG001 - as the other roles
    import fcntl

    with open(place / "file") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ["held"]
    return ["got"]


_ROLES = {
    "link": _as_linker,
    "replace": _as_replacer,
    "append": _as_appender,
    "see": _as_observer,
    "lock": _as_locker,
}

if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    print(" ".join(_ROLES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
