"""What people see while an experiment runs, and at its end."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from experimaestro.cli.live.bars import Bars, PhaseBar, shares
from experimaestro.cli.live.board import Board, JobView, Phase, activity, overall
from experimaestro.cli.live.causes import group_by_cause, log_excerpt
from experimaestro.cli.live.lines import Lines
from experimaestro.cli.live.summary import print_summary

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def view(number: int, phase: Phase = Phase.WAITING, **changes: Any) -> JobView:
    made = JobView(Path(f"/w/jobs/x.learn/{number:032x}"), "learn", f"{number:032x}", f"lr={number}", phase)
    return replace(made, **changes)


def console(width: int = 80, encoding: str = "utf-8", **options: Any) -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", write_through=True)
    return Console(file=stream, width=width, height=24, highlight=False, markup=False, emoji=False, **options)


def printed(where: Console) -> str:
    assert isinstance(where.file, io.TextIOWrapper)
    buffer = where.file.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


@CALM
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Phase)), max_size=40))
def test_counts_follow_the_last_state_of_each_job(events: list[tuple[int, Phase]]) -> None:
    board = Board("x")
    last: dict[int, Phase] = {}
    for number, phase in events:
        before = board.update(view(number, phase))
        assert (before.phase if before else None) == last.get(number)
        last[number] = phase
    assert board.counts() == {phase: list(last.values()).count(phase) for phase in Phase}
    for phase in Phase:
        assert {job.tags for job in board.in_phase(phase)} == {f"lr={n}" for n, p in last.items() if p is phase}


@CALM
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(6, 200))
def test_shares_fill_the_width_and_hide_nothing(counts: list[int], width: int) -> None:
    cut = shares(counts, width)
    assert sum(cut) == width
    assert all(share >= 0 for share in cut)
    if sum(counts):
        assert all((share > 0) == (count > 0) for share, count in zip(cut, counts, strict=True))


def test_the_rest_takes_as_long_as_what_was_made() -> None:
    clock = Clock()
    board = Board("x", clock)
    for number in range(4):
        board.update(view(number))
    assert board.remaining(0) is None
    board.update(view(0, Phase.RUNNING))
    clock.seconds += 10
    board.update(view(0, Phase.DONE))
    assert board.remaining(0) == pytest.approx(30)
    board.update(view(1, Phase.RUNNING))
    assert board.remaining(0.5) == pytest.approx(2.5 * 10 / 1.5)
    for number in (1, 2, 3):
        board.update(view(number, Phase.REUSED))
    assert board.remaining(0) is None


def test_progress_of_levels() -> None:
    assert overall([]) is None
    levels: list[Any] = [
        {"level": 0, "value": 1.2, "description": "epochs"},
        {"level": 1, "value": 0.5, "description": None},
        {"level": 2, "value": 0.25, "description": "batches"},
    ]
    assert overall(levels) == 1.0
    assert activity(levels) == "epochs > 50% > batches 25%"


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_display_fits_every_terminal(width: int, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    board = Board("an experiment with quite a long name", clock)
    screen = console(width, encoding)
    bars = Bars(board, screen)
    levels: list[Any] = [{"level": 0, "value": 0.3, "description": "a long description of what is being done"}]
    monkeypatch.setattr(bars, "_progress", lambda job: levels if job.path.name.endswith("1") else [])
    for number, phase in enumerate([*Phase, *[Phase.RUNNING] * 40]):
        job = view(number, phase, started=clock.seconds - 3, tags=f"seed={number} " + "tag=value " * 5)
        bars.changed(board.update(job), job)
    screen.print(bars.render())
    lines = printed(screen).splitlines()
    assert len(lines) <= 24 + 4  # the failure printed above, and what fits the height
    drawn = [line for line in lines if "running" in line or "30%" in line]
    assert len(drawn) >= 2 or width < 40
    assert all(len(line) <= width for line in drawn)


def test_only_the_first_failure_of_a_cause_is_printed_above_the_bars() -> None:
    board, screen = Board("x"), console(200)
    bars = Bars(board, screen)
    for number, place in enumerate(["/a.py:3", "/a.py:3", "/a.py:4"]):
        job = view(number, Phase.FAILED, reason="FAILED", message=f"ValueError: {number}", origin=f"ValueError {place}")
        bars.changed(board.update(job), job)
        bars.changed(job, job)
    text = printed(screen)
    assert text.count("ValueError") == 2
    assert str(view(0).log) in text
    assert str(view(1).log) not in text


def test_no_colour_leaves_what_waits_empty() -> None:
    screen = console(10, no_color=True)
    screen.print(PhaseBar({**dict.fromkeys(Phase, 0), Phase.DONE: 1, Phase.WAITING: 1}))
    assert printed(screen) == "━━━━━     "


def test_plain_lines_tell_each_change_once(capfd: pytest.CaptureFixture[str]) -> None:
    board = Board("x")
    lines = Lines(board)
    steps = [
        view(1), view(2), view(1, Phase.RUNNING), view(1, Phase.RUNNING, started=5.0),
        view(1, Phase.DONE, started=5.0, ended=7.5), view(2, Phase.FAILED, reason="MEMORY"),
        view(3, Phase.BLOCKED, reason="DEPENDENCY"), view(4, Phase.REUSED),
        view(5, Phase.RUNNING),
    ]  # fmt: skip
    for job in steps:
        lines.changed(board.update(job), job)
    told = [line.split(" ", 1)[1] for line in capfd.readouterr().err.splitlines()]
    assert told == [
        "[0/2] started learn/00000000 lr=1",
        "[1/2] done    learn/00000000 lr=1 (2.5s)",
        f"[2/2] FAILED  learn/00000000 lr=2: memory; log: {view(2).log}",
        "[3/3] not run learn/00000000 lr=3: a job that it needs failed",
        "[4/5] started learn/00000000 lr=5",
    ]


def test_failures_are_grouped_by_exception_and_place() -> None:
    jobs = [
        view(1, Phase.FAILED, reason="FAILED", message="KeyError: 'a' (/x.py:1)", origin="KeyError /x.py:1"),
        view(2, Phase.FAILED, reason="FAILED", message="ValueError: 3 of 7 (/x.py:2)", origin="ValueError /x.py:2"),
        view(3, Phase.FAILED, reason="FAILED", message="ValueError: 4 of 9 (/x.py:2)", origin="ValueError /x.py:2"),
        view(4, Phase.FAILED, reason="MEMORY", message="killed by signal 9"),
        view(5, Phase.FAILED, reason="FAILED", message=None),
    ]
    assert [[job.tags for job in group] for group in group_by_cause(jobs)] == [
        ["lr=2", "lr=3"], ["lr=1"], ["lr=4"], ["lr=5"],
    ]  # fmt: skip


def test_excerpts_begin_at_the_last_traceback(tmp_path: Path) -> None:
    log = tmp_path / "learn.err"
    assert log_excerpt(log) == []
    log.write_bytes(b"0%\r50%\r100%\nTraceback (most recent call last):\nold\nOld: x\n\n"
                    b"Traceback (most recent call last):\n"
                    b'  File "a.py"\n\xff\nNew: y\n\n')  # fmt: skip
    assert log_excerpt(log) == ["Traceback (most recent call last):", '  File "a.py"', "\ufffd", "New: y"]
    log.write_text("0%\r50%\r100%\nbye\n")
    assert log_excerpt(log) == ["100%", "bye"]
    log.write_text("\n".join(str(number) for number in range(100_000)))
    assert log_excerpt(log, 2) == ["99998", "99999"]


def test_the_summary_says_what_failed_and_what_to_do(tmp_path: Path) -> None:
    clock = Clock()
    board = Board("digits", clock)
    job = tmp_path / "jobs" / "x.learn" / ("a" * 32)
    job.mkdir(parents=True)
    (job / "learn.err").write_text("Traceback (most recent call last):\n  ...\nValueError: no\n")
    board.update(view(1, Phase.DONE))
    for number in range(2, 7):
        board.update(
            view(number, Phase.FAILED, reason="FAILED", message="ValueError: no (/x.py:2)", path=job / str(number))
        )
    board.update(view(2, Phase.FAILED, reason="FAILED", message="ValueError: no (/x.py:2)", path=job))
    board.update(view(9, Phase.BLOCKED, reason="DEPENDENCY"))
    (tmp_path / "results").mkdir()
    clock.seconds += 75
    screen = console(60)
    print_summary(board, screen, tmp_path, tmp_path / "results")
    text = printed(screen)
    assert "digits ended after 1m15s: 8 jobs (1 done, 6 failed, 1 blocked)" in text
    assert "6 times ValueError: no (/x.py:2)" in text
    assert "… and 3 more" in text
    assert "1 job not run" in text
    assert "results " not in text  # there are none
    assert f"xpm jobs --workdir {tmp_path} list --experiment digits\n" in text  # one line, to be copied
    (tmp_path / "results" / "table.txt").touch()
    print_summary(board, screen, tmp_path, tmp_path / "results")
    assert f"results  {tmp_path / 'results'}\n" in printed(screen)


def test_advice_in_a_log_names_the_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    board = Board("digits")
    board.update(view(1, Phase.FAILED, reason="FAILED", message="no", path=tmp_path / "job"))
    for terminal, folder in ((True, "."), (False, str(tmp_path))):
        screen = console(force_terminal=terminal, no_color=True)
        print_summary(board, screen, tmp_path, tmp_path / "results")
        assert f"xpm retry --workdir {folder} digits" in printed(screen)


def test_what_another_console_prints_goes_above_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = console(force_terminal=True)
    behind = io.StringIO()
    monkeypatch.setattr("sys.stdout", behind)
    monkeypatch.setattr("experimaestro.cli.live.bars._is_terminal_out", lambda: True)
    bars = Bars(Board("demo"), shown)
    bars.start()
    try:
        # Written past the bars, it would land on one of their lines, and the next frame would erase its last ones.
        Console().print("a table")
        print("a line, unfinished", end="")
    finally:
        bars.stop()
    assert behind.getvalue() == ""
    assert "a table" in printed(shown)
    assert "a line, unfinished" in printed(shown)
    Console().print("after")
    assert behind.getvalue() == "after\n"
