"""Jobs in other folders of a workspace: nothing is lost, and nothing is there in part, wherever one is interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experimaestro._run.folders import archive, bring_back, recover
from experimaestro._run.verified_copy import CopyError, copy_folder, fingerprint
from experimaestro.settings import FolderMode, FolderSettings

contract = pytest.mark.contract

CONTENT = {"train.out": b"log\n", "model/weights.bin": bytes(range(256)) * 8, "model/deep/x": b"", "train.done": b""}


def make_job(root: Path, content: dict[str, bytes] = CONTENT) -> Path:
    job = root / "jobs" / "my.train" / "0123456789abcdef"
    for name, text in content.items():
        (job / name).parent.mkdir(parents=True, exist_ok=True)
        (job / name).write_bytes(text)
    return job


def holds(job: Path, content: dict[str, bytes] = CONTENT) -> bool:
    return all((job / name).is_file() and (job / name).read_bytes() == text for name, text in content.items())


def leftovers(root: Path) -> list[str]:
    return [path.name for path in root.glob("jobs/*/*") if path.name.startswith(".")]


names = st.sampled_from(["a", "b.lock", "c.pid", ".scheduler", "d/e", "d/f.lock", "g/h/i"])


@contract("running 3: Folders")
@given(st.dictionaries(names, st.binary(max_size=40)))
def test_a_copy_is_all_but_what_belongs_to_processes(tmp_path_factory, content):
    root = tmp_path_factory.mktemp("copies")
    source = root / "source"
    source.mkdir()
    for name, text in content.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(text)
    (source / "link").symlink_to("a")
    assert copy_folder(source, root / "there" / "copy")
    copied = {
        str(path.relative_to(root / "there" / "copy")): path.read_bytes()
        for path in (root / "there" / "copy").rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    assert copied == {
        name: text for name, text in content.items() if not name.endswith((".lock", ".pid")) and name != ".scheduler"
    }
    assert os.readlink(root / "there" / "copy" / "link") == "a"
    assert [path.name for path in (root / "there").iterdir()] == ["copy"]
    # What is there is left alone.
    (root / "there" / "copy" / "mine").touch()
    assert not copy_folder(source, root / "there" / "copy")
    assert (root / "there" / "copy" / "mine").exists()


def test_a_copy_that_is_not_like_its_source_gets_no_name(tmp_path, monkeypatch):
    job = make_job(tmp_path)

    def forgetful(source, place):
        place = Path(place)
        place.write_bytes(Path(source).read_bytes()[:-1])

    monkeypatch.setattr(shutil, "copy2", forgetful)
    with pytest.raises(CopyError, match="not like it"):
        copy_folder(job, tmp_path / "other" / "copy")
    assert not (tmp_path / "other" / "copy").exists()


def test_a_job_is_not_replaced_by_a_link_to_something_else(tmp_path):
    job = make_job(tmp_path / "here")
    make_job(tmp_path / "there", {**CONTENT, "train.out": b"another\n"})
    with pytest.raises(CopyError, match="keeps its own"):
        archive(job, [FolderSettings(tmp_path / "there", FolderMode.MOVE)])
    assert not job.is_symlink()
    assert holds(job)


# A process that kills itself before the operation on files of this number, as the interpreter tells of them.
KILLED = """
import os, signal, sys
from pathlib import Path
from experimaestro._run.folders import archive, bring_back, recover
from experimaestro.settings import FolderSettings
import experimaestro._core, experimaestro._run.verified_copy, experimaestro.exceptions, fnmatch, hashlib, shutil, fcntl
job, folder, mode, action, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
left = [count]
EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.symlink", "os.scandir", "shutil.copyfile")
def watch(event, arguments):
    if event in EVENTS:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
globals()[action](job, [FolderSettings(folder, mode)])
print("ended")
"""


def killed_at(count: int, job: Path, folder: Path, mode: str, action: str) -> bool:
    """Whether it was killed before it ended."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(job), str(folder), mode, action, str(count)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def every_kill(action: str, mode: str, root: Path, prepare, check):
    """Try each place where a process can be killed (every third, from another first one each time it is called)."""
    count = 1
    while True:
        place = root / str(count)
        job, folder = prepare(place)
        was_killed = killed_at(count, job, folder, mode, action)
        check(job, folder, was_killed)
        if not was_killed:
            return count
        count += 3


@contract("running 3: Folders")
@pytest.mark.parametrize("mode", ["backup", "move"])
def test_a_job_is_whole_wherever_its_archive_is_killed(tmp_path, mode):
    def prepare(place):
        return make_job(place / "here"), place / "there"

    def check(job, folder, was_killed):
        copy = folder / "jobs" / job.parent.name / job.name
        assert holds(job), "the workspace has the job at every moment"
        assert holds(copy) or not copy.exists(), "the copy is whole or not there"
        archive(job, [FolderSettings(folder, mode)])
        assert holds(copy)
        assert holds(job)
        assert job.is_symlink() == (mode == "move")
        if mode == "move" and was_killed:
            archive(job, [FolderSettings(folder, mode)])
        assert leftovers(job.parents[2]) == []
        assert [name for name in leftovers(folder) if not name.endswith(".lock")] == []

    assert every_kill("archive", mode, tmp_path, prepare, check) > 30


@contract("running 3: Folders")
@pytest.mark.parametrize("before", [{}, {"train.out": b"a failure\n", "model/old": b"1", "train.failed": b"{}"}])
def test_a_job_is_done_or_not_wherever_bringing_it_back_is_killed(tmp_path, before):
    def prepare(place):
        make_job(place / "there")
        return make_job(place / "here", before), place / "there"

    def check(job, folder, was_killed):
        copy = folder / "jobs" / job.parent.name / job.name
        assert holds(copy)
        if (job / "train.done").exists():
            assert holds(job)
        bring_back(job, [FolderSettings(folder, "backup")])
        assert (job / "train.done").exists()
        assert holds(job)
        assert not job.is_symlink()
        assert [name for name in leftovers(job.parents[2]) if not name.endswith(".lock")] == []

    assert every_kill("bring_back", "backup", tmp_path, prepare, check) > 20


def test_a_folder_that_is_only_used_is_linked_and_recovered_as_files(tmp_path):
    copy = make_job(tmp_path / "there")
    before = fingerprint(copy)
    job = tmp_path / "here" / "jobs" / copy.parent.name / copy.name
    used = [FolderSettings(tmp_path / "there")]
    assert bring_back(job, used) == copy
    assert job.is_symlink()
    assert holds(job)
    assert recover(job, used) == copy
    assert not job.is_symlink()
    assert fingerprint(job) == before == fingerprint(copy)
    assert leftovers(tmp_path / "here") == []


@contract("running 17: jobs recover")
def test_a_job_is_done_wherever_its_recovery_is_killed(tmp_path):
    def prepare(place):
        copy = make_job(place / "there")
        job = place / "here" / "jobs" / copy.parent.name / copy.name
        assert bring_back(job, [FolderSettings(place / "there")]) == copy
        return job, place / "there"

    def check(job, folder, was_killed):
        assert holds(job)
        assert holds(folder / "jobs" / job.parent.name / job.name)
        recover(job, [FolderSettings(folder)])
        assert holds(job)
        assert not job.is_symlink()

    assert every_kill("recover", "use", tmp_path, prepare, check) > 20


@pytest.mark.parametrize(("target", "moves"), [("../../elsewhere", False), ("train.out", True), ("/elsewhere", True)])
def test_a_link_that_would_lead_elsewhere_keeps_its_folder(tmp_path, target, moves):
    job = make_job(tmp_path / "here")
    (job / "model" / "link").symlink_to(f"../{target}" if target[0] != "/" else target)
    folder = FolderSettings(tmp_path / "there", FolderMode.MOVE)
    if moves:
        archive(job, [folder])
    else:
        with pytest.raises(CopyError, match="outside of the job"):
            archive(job, [folder])
    assert job.is_symlink() == moves
    assert holds(job)
    assert os.readlink(job / "model" / "link").endswith(target)


ANCESTORS = ".experimaestro/ancestors-word.jsonl"
WITH_ANCESTORS = {
    **CONTENT,
    "params.json": b'{"version":4}',
    ANCESTORS: b"one\n" * 9,
    ".experimaestro/identity.json": b"{}",
}


@contract("running 3: Folders")
@pytest.mark.parametrize("mode", [FolderMode.BACKUP, FolderMode.MOVE])
def test_a_job_whose_run_goes_on_is_copied_with_what_it_needs_of_its_ancestors(tmp_path, monkeypatch, mode):
    from experimaestro._run import verified_copy

    job = make_job(tmp_path / "here", WITH_ANCESTORS)
    plain = verified_copy._copy_entry

    def copy_while_the_run_goes_on(source, place):
        with (job / ANCESTORS).open("ab") as file:
            file.write(b"more\n")
        plain(source, place)

    monkeypatch.setattr(verified_copy, "_copy_entry", copy_while_the_run_goes_on)
    archive(job, [FolderSettings(tmp_path / "there", mode)])
    assert job.is_symlink() == (mode is FolderMode.MOVE)
    assert holds(tmp_path / "there" / "jobs" / job.parent.name / job.name, WITH_ANCESTORS)


def test_what_a_copy_lacks_of_its_ancestors_is_a_difference(tmp_path):
    job = make_job(tmp_path / "here", WITH_ANCESTORS)
    like = fingerprint(job)
    (job / ANCESTORS).write_bytes(WITH_ANCESTORS[ANCESTORS][:-1])
    assert fingerprint(job, like=like) != like
    (job / ANCESTORS).write_bytes(b"two\n" * 10)
    assert fingerprint(job, like=like) != like
    (job / ANCESTORS).write_bytes(WITH_ANCESTORS[ANCESTORS] + b"more\n")
    assert fingerprint(job, like=like) == like != fingerprint(job)


@contract("running 3: Folders")
def test_a_job_that_failed_here_is_brought_back_with_its_ancestors(tmp_path):
    make_job(tmp_path / "there", WITH_ANCESTORS)
    job = make_job(tmp_path / "here", {"train.failed": b"{}", ".experimaestro/identity.json": b"old"})
    assert bring_back(job, [FolderSettings(tmp_path / "there", "backup")]) is not None
    assert holds(job, WITH_ANCESTORS)


@contract("running 7: cost per task does not depend on how many ancestors it has")
def test_a_success_is_on_the_disk_with_what_its_parameters_refer_to(tmp_path):
    from experimaestro._core import Attempt
    from experimaestro.exceptions import WorkspaceError

    job = make_job(tmp_path, {"params.json": b"{}"})
    attempt = Attempt.begin(str(job))
    # No disk takes what is written there: whoever waits for it is told.
    (job / ANCESTORS).symlink_to("/dev/null")
    with pytest.raises(WorkspaceError, match="ancestors-word"):
        attempt.finish("done")
