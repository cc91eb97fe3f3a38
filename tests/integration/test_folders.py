"""Other folders of a workspace, through real experiments and the command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

contract = pytest.mark.contract


def xpm(place, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experimaestro.cli", *arguments],
        env={**os.environ, "HOME": str(place.home), "RECORDS": str(place.records)},
        cwd=place.home, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def configure(place, *folders: tuple[Path, str]) -> None:
    file = place.home / ".config" / "experimaestro" / "settings.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    told = [{"path": str(path), "mode": mode} for path, mode in folders]
    file.write_text(json.dumps({"workspaces": [{"id": "here", "path": str(place.workdir), "folders": told}]}))


def jobs(root: Path) -> dict[str, Path]:
    return {f"{path.parent.name}/{path.name}": path for path in root.glob("jobs/*/*") if path.name[0] != "."}


@contract("running 3: Folders")
def test_what_is_done_is_copied_and_what_failed_is_not(one_place, tmp_path):
    configure(one_place, (tmp_path / "copies", "backup"))
    one_place.run("failure")
    done = {name: path for name, path in jobs(one_place.workdir).items() if list(path.glob("*.done"))}
    assert len(done) == 1
    assert jobs(tmp_path / "copies").keys() == done.keys()
    [copy] = jobs(tmp_path / "copies").values()
    [job] = done.values()
    assert (copy / "params.json").read_bytes() == (job / "params.json").read_bytes()


@contract("running 3: Folders")
@pytest.mark.parametrize("mode", ["use", "backup", "move"])
def test_a_workspace_that_lost_its_jobs_finds_them_in_a_folder(one_place, tmp_path, mode):
    folder = tmp_path / "copies"
    configure(one_place, (folder, "move" if mode == "move" else "backup"))
    one_place.run("chain", "3")
    before = one_place.executions()
    if mode == "move":
        assert all(path.is_symlink() for path in jobs(one_place.workdir).values())
        assert {job["state"] for job in one_place.run("chain", "3")["jobs"].values()} == {"done"}
    configure(one_place, (folder, mode))
    os.rename(one_place.workdir, tmp_path / "gone")
    simulated = one_place.run("chain", "--mode=dry-run", "3")
    assert simulated["stderr"].count(f"a copy is in {folder}") == 3
    assert not one_place.workdir.exists()
    result = one_place.run("chain", "3")
    assert {job["state"] for job in result["jobs"].values()} == {"done"}
    assert one_place.executions() == before, "nothing runs again"
    assert len(jobs(one_place.workdir)) == 3
    linked = [path.is_symlink() for path in jobs(one_place.workdir).values()]
    assert linked == [mode != "backup"] * 3
    if mode == "backup":
        return
    name, path = next(iter(jobs(one_place.workdir).items()))
    assert xpm(one_place, "jobs", "--workdir", str(one_place.workdir), "recover", name).returncode == 0
    assert not path.is_symlink()
    assert list(path.glob("*.done"))
    again = xpm(one_place, "jobs", "--workdir", str(one_place.workdir), "recover", name)
    assert (again.returncode, "nothing to do" in again.stdout + again.stderr) == (0, True)
    missing = xpm(one_place, "jobs", "--workdir", str(one_place.workdir), "recover", "ffff")
    assert missing.returncode == 1
    assert "Traceback" not in missing.stderr


@contract("running 3: Folders")
def test_a_copy_fills_the_folder_of_a_failed_job_and_a_running_one_is_left(one_place, tmp_path):
    folder = tmp_path / "copies"
    configure(one_place, (folder, "backup"))
    one_place.run("records", "1")
    before = one_place.executions()
    [job] = jobs(one_place.workdir).values()
    marker = next(job.glob("*.done"))
    marker.unlink()
    for attempt in (job / ".experimaestro").glob("*.end"):
        record = json.loads(attempt.read_bytes())
        attempt.write_text(json.dumps({**record, "outcome": "failed", "code": 1}))
    (job / "unfinished").touch()
    result = one_place.run("records", "1")
    assert {one["state"] for one in result["jobs"].values()} == {"done"}
    assert one_place.executions() == before
    assert marker.exists()


@contract("running 3: DEF: submit(backup=False) is accepted")
@contract("running 3: Folders")
def test_what_must_not_be_copied_is_not(one_place, tmp_path):
    configure(one_place, (tmp_path / "copies", "backup"))
    one_place.run("unkept")
    assert len(jobs(tmp_path / "copies")) == 1


@contract("running 3: .lock_mode")
@pytest.mark.parametrize(
    ("mode", "variable", "permissions"),
    [("inherit", "", 0o664), ("umask", "", 0o600), ("'0660'", "", 0o660), ("umask", "0640", 0o640)],
)
def test_who_may_use_the_workspace_may_take_its_locks(one_place, mode, variable, permissions):
    file = one_place.home / ".config" / "experimaestro" / "settings.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"workspaces: [{{id: here, path: '{one_place.workdir}', lock_mode: {mode}}}]\n")
    one_place.workdir.mkdir()
    one_place.workdir.chmod(0o775)
    before = os.umask(0o077)
    try:
        one_place.run("records", "1", XPM_LOCK_MODE=variable)
    finally:
        os.umask(before)
    assert (one_place.workdir / "experiments" / "xp" / "lock").stat().st_mode & 0o777 == permissions


@contract("running 3: Folders")
def test_a_resumed_run_copies_what_it_does_and_finds_what_was_done(one_place, tmp_path):
    folder = tmp_path / "copies"
    configure(one_place, (folder, "backup"))
    driver = one_place.start("gated_chain", "2", slots=1)
    one_place.started()
    driver.process.kill()
    driver.process.wait()
    one_place.release(1)
    assert xpm(one_place, "resume", "--workdir", str(one_place.workdir), "xp").returncode == 0
    assert jobs(folder).keys() == jobs(one_place.workdir).keys()
    assert len(jobs(folder)) == 2
    # The jobs are lost, the run is not: what the folder has is not run again.
    before = one_place.executions()
    shutil.rmtree(one_place.workdir / "jobs")
    resumed = xpm(one_place, "resume", "--workdir", str(one_place.workdir), "xp")
    assert resumed.returncode == 0, resumed.stderr
    assert one_place.executions() == before
    assert jobs(one_place.workdir).keys() == jobs(folder).keys()


@contract("running 5: submit(backup=False)")
def test_a_resumed_run_copies_nothing_that_was_not_to_be_copied(one_place, tmp_path):
    folder = tmp_path / "copies"
    configure(one_place, (folder, "backup"))
    driver = one_place.start("unkept_gated", slots=1)
    one_place.started()
    driver.process.kill()
    driver.process.wait()
    one_place.release(1)
    assert xpm(one_place, "resume", "--workdir", str(one_place.workdir), "xp").returncode == 0
    assert one_place.executions() == {"gated-0": 1, "record-1": 1}
    assert jobs(folder) == {}


def test_a_workspace_of_a_scheme_that_is_not_known_is_not_resumed(one_place):
    one_place.run("records", "1")
    marker = one_place.workdir / ".__experimaestro__"
    marker.write_text('{"scheme": "sha1024", "version": 1}')
    resumed = xpm(one_place, "resume", "--workdir", str(one_place.workdir), "xp")
    assert resumed.returncode == 1
    assert "sha1024" in resumed.stderr
    assert "Traceback" not in resumed.stderr
    assert marker.read_text() == '{"scheme": "sha1024", "version": 1}'
