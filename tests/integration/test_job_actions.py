"""What is done to jobs from outside of their experiments: stopped, removed, found when nothing tells of them."""

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


def jobs(place, *arguments: str) -> subprocess.CompletedProcess[str]:
    return xpm(place, "jobs", "--workdir", str(place.workdir), *arguments)


def folders(place) -> list[Path]:
    return sorted(path for path in place.workdir.glob("jobs/*/*") if path.name[0] != ".")


@contract("running 17: jobs kill")
def test_a_job_is_stopped_from_outside_when_it_is_meant(one_place):
    driver = one_place.start("gated", "1")
    process = one_place.started()
    dry = jobs(one_place, "kill", "--experiment", "xp")
    assert dry.stdout.startswith("KILLING ")
    assert dry.stdout.rstrip().endswith("(dry run)")
    os.kill(process, 0)  # it lives
    # A filter that does not match kills nothing.
    assert jobs(one_place, "kill", "--filter", '@name ~ "nothing"', "--perform").stdout == "No running jobs.\n"
    os.kill(process, 0)
    killed = jobs(one_place, "kill", "--perform")
    assert killed.returncode == 0, killed.stderr
    assert killed.stdout.startswith("KILLED ")
    [job] = driver.finish()["jobs"].values()
    assert (job["state"], job["reason"]) == ("error", "CANCELLED")
    assert jobs(one_place, "kill", "--perform").stdout == "No running jobs.\n"


@contract("running 17: jobs clean")
def test_folders_of_jobs_that_ended_are_removed_when_it_is_meant(one_place):
    one_place.run("failure")
    before = folders(one_place)
    dry = jobs(one_place, "clean", "--state", "error")
    assert "Would clean" in dry.stdout
    assert folders(one_place) == before
    done = jobs(one_place, "clean", "--state", "done", "--perform")
    assert done.stdout.startswith("Cleaned ")
    [gone] = set(before) - set(folders(one_place))
    assert gone.name in done.stdout
    assert list(one_place.workdir.glob("jobs/*/.*")) == []
    # The run that made it says so, and nothing else has changed.
    rows = {Path(row["path"]): row for row in json.loads(jobs(one_place, "list", "--json").stdout)}
    assert (rows[gone]["state"], rows[gone]["reason"]) == ("error", "DELETED")
    assert all(row["reason"] != "DELETED" for path, row in rows.items() if path != gone)


@contract("running 7.1: DEF: cleaning up excludes a job that runs")
@contract("running 17: jobs clean")
def test_a_running_job_keeps_its_folder(one_place):
    driver = one_place.start("gated", "1")
    one_place.started()
    assert jobs(one_place, "clean", "--perform").stdout == "No jobs found.\n"
    assert len(folders(one_place)) == 1
    one_place.release(1)
    driver.finish()


@contract("running 17: orphans")
def test_orphans_are_shown_and_removed_when_it_is_meant(one_place):
    one_place.run("records", "2", name="kept")
    one_place.run("records", "3", name="dropped")
    assert xpm(one_place, "orphans", str(one_place.workdir)).stdout == "0 orphan jobs\n"
    shutil.rmtree(one_place.workdir / "experiments" / "dropped")
    shown = xpm(one_place, "orphans", str(one_place.workdir), "--size").stdout.splitlines()
    assert shown[0].startswith("1 orphan jobs")
    assert len(shown) == 2
    assert len(folders(one_place)) == 3
    cleaned = xpm(one_place, "orphans", str(one_place.workdir), "--clean")
    assert "removed" in cleaned.stdout
    assert len(folders(one_place)) == 2
    assert all(path.name not in cleaned.stdout for path in folders(one_place))


@contract("running 17: jobs list")
def test_a_damaged_journal_hides_its_own_jobs_only(one_place):
    one_place.run("records", "2", name="hurt")
    one_place.run("records", "3", name="whole")
    journal = next((one_place.workdir / "experiments" / "hurt" / "current").glob("journal.jsonl"))
    journal.write_bytes(b"\0" * 100 + b"\n")
    listed = jobs(one_place, "list")
    assert listed.stdout.count("DONE") == 3
    assert listed.returncode == 1
    assert f"the journal {journal.resolve()} is damaged" in " ".join(listed.stderr.split())
    # Its jobs are known to nobody that can be read: nothing is removed on such evidence.
    refused = xpm(one_place, "orphans", str(one_place.workdir), "--clean")
    assert refused.returncode == 1
    assert len(folders(one_place)) == 3


@contract("running 17: jobs list")
def test_a_run_whose_driver_was_killed_before_its_first_line_is_no_damage(one_place):
    one_place.run("records", "3", name="whole")
    one_place.run("records", "1", name="begun")
    run = (one_place.workdir / "experiments" / "begun" / "current").resolve()
    (run / "journal.jsonl").write_text('{"journal":1,"exp')
    listed = jobs(one_place, "list")
    assert (listed.returncode, listed.stdout.count("DONE")) == (0, 3), listed.stderr
    assert xpm(one_place, "orphans", str(one_place.workdir)).stdout == "0 orphan jobs\n"


@contract("running 17: orphans")
def test_jobs_that_older_runs_or_renamed_jobs_lead_to_are_no_orphans(one_place):
    one_place.run("records", "3", name="xp")
    first, second, third = folders(one_place)
    shutil.rmtree(one_place.workdir / "experiments" / "xp")
    # A run of an older package has links and no journal; the first version had another layout.
    for folder, job in (("experiments/old/20200101_000000/jobs", first), ("xp/older/jobs", second)):
        link = one_place.workdir / folder / job.parent.name / job.name
        link.parent.mkdir(parents=True)
        link.symlink_to(job)
    # The new name of a job is a link to where it is.
    renamed = first.with_name("f" * 32)
    renamed.symlink_to(third.name)
    link = one_place.workdir / "xp" / "older" / "jobs" / first.parent.name / renamed.name
    link.symlink_to(renamed)
    assert xpm(one_place, "orphans", str(one_place.workdir), "--clean").stdout == "0 orphan jobs\n"
    assert all(path.exists() for path in (first, second, third))


@contract("running 17: jobs stray")
def test_strays_are_stopped_and_orphans_removed_when_it_is_meant(one_place):
    driver = one_place.start("gated", "1", name="dropped")
    process = one_place.started()
    driver.process.kill()
    driver.process.wait()
    one_place.run("records", "1", name="dropped")
    shown = jobs(one_place, "stray", "--kill", "--delete")
    assert "(dry run)" in shown.stdout
    os.kill(process, 0)
    refused = jobs(one_place, "stray", "--kill", "--perform")
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    os.kill(process, 0)
    killed = jobs(one_place, "stray", "--kill", "--perform", "--force")
    assert killed.returncode == 0, killed.stderr
    assert "KILLED" in killed.stdout


@contract("running 17: workspaces list")
def test_workspaces_are_listed(one_place):
    file = one_place.home / ".config" / "experimaestro" / "settings.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "workspaces:\n"
        "- {id: main, path: /somewhere, triggers: [a*]}\n"
        "- {id: far, path: ~/there, ssh: {host: cluster}}\n"
    )
    assert xpm(one_place, "workspaces", "list").stdout == "- main: /somewhere\n- far: ~/there [remote: cluster]\n"
    assert "- a*" in xpm(one_place, "workspaces", "list", "-v").stdout
    rows = json.loads(xpm(one_place, "workspaces", "list", "--json").stdout)
    assert [(row["id"], row["triggers"]) for row in rows] == [("main", ["a*"]), ("far", [])]
    file.write_text("workspaces:\n- {id: main}\n")
    wrong = xpm(one_place, "workspaces", "list")
    assert wrong.returncode == 1
    assert "line 2" in wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("jobs", "--workdir", "{}", "list"),
        ("jobs", "list", "--workdir", "{}"),
        ("jobs", "--workdir", "/nowhere", "list", "--workdir", "{}"),
        ("experiments", "list", "--workdir", "{}"),
        ("experiments", "history", "--workdir", "{}", "xp"),
        ("services", "list", "--workdir", "{}"),
        ("actions", "list", "--workdir", "{}"),
    ],
)
def test_the_workspace_is_named_before_or_after_the_command(one_place, arguments):
    one_place.run("records", "1")
    done = xpm(one_place, *(argument.format(one_place.workdir) for argument in arguments))
    assert done.returncode == 0, done.stderr
    if "history" not in arguments:
        assert done.stdout == xpm(one_place, arguments[0], "--workdir", str(one_place.workdir), "list").stdout
