"""`xpm run-experiment`, `jobs` and `experiments` as people use them: real processes, a real workspace."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from project import Project, one_clear_error


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_from_yaml_to_finished_and_again(project: Project) -> None:
    first = project.run()
    assert first.returncode == 0, first.stderr
    assert first.stdout == "jobs: 4\n"
    assert len(re.findall(r" done    work/[0-9a-f]{8} x=[12] ", first.stderr)) == 2
    assert "trial finished after" in first.stderr
    assert "4 jobs (4 done)" in first.stderr
    assert project.executed == [1, 2]

    again = project.run()
    assert again.returncode == 0, again.stderr
    assert "4 jobs (4 reused)" in again.stderr
    assert project.executed == [1, 2]

    more = project.run("-c", "xs=[1, 2, 3]")
    assert more.returncode == 0, more.stderr
    assert "6 jobs (2 done, 4 reused)" in more.stderr
    assert project.executed == [1, 2, 3]


def test_a_failure_is_told_and_the_others_go_on(project: Project) -> None:
    done = project.run("-c", "xs=[1, -1, -2]")
    assert done.returncode == 1
    assert "6 jobs (2 done, 2 failed, 2 blocked)" in done.stderr
    assert "2 times ValueError: -1 is negative" in done.stderr or "2 times ValueError: -2 is negative" in done.stderr
    assert "tasks.py:" in done.stderr
    assert "2 jobs not run because" in done.stderr
    log = re.search(r"^    (/\S+/work\.err)$", done.stderr, re.MULTILINE)
    assert log
    assert "ValueError" in Path(log[1]).read_text()
    assert sorted(project.executed) == [-2, -1, 1]

    listed = project.jobs("list", "--tags", "--experiment", "trial").stdout.splitlines()
    assert [line[:9] for line in listed] == ["DONE     ", "DONE     ", *["FAIL     "] * 4]
    assert re.fullmatch(r"FAIL     tasks\.work/[0-9a-f]{32} x=-1", listed[2])
    assert len(project.jobs("list", "--filter", '@state = "ERROR" and x = -1').stdout.splitlines()) == 2
    assert project.jobs("list", "--state", "running").stdout == "No jobs found.\n"

    [failed] = project.identifiers("work.* x=-1$")
    printed = project.jobs("log", failed[:10])
    assert printed.returncode == 0
    assert "working on -1" in printed.stdout
    assert "ValueError: -1 is negative" in printed.stdout
    assert "ValueError" not in project.jobs("log", failed, "--std").stdout
    assert "working" not in project.jobs("log", failed, "--err").stdout
    path = project.jobs("path", f"tasks.work/{failed[:12]}").stdout
    assert Path(path.rstrip("\n")) == project.workspace / "jobs" / "tasks.work" / failed

    # corrected: only what failed runs again
    project.write("tasks.py", project.code.joinpath("tasks.py").read_text().replace("self.x < 0", "False"))
    corrected = project.run("-c", "xs=[1, -1, -2]")
    assert corrected.returncode == 0, corrected.stderr
    assert project.executed == [-2, -2, -1, -1, 1]


def test_failures_come_before_what_they_cause_in_the_experiment(project: Project) -> None:
    code = project.code.joinpath("experiment.py").read_text()
    project.write("experiment.py", code + "    print(work.out.read_text())\n")
    done = project.run("-c", "xs=[-1]")
    assert done.returncode == 1
    assert re.search(r"^Error: FileNotFoundError: .*\n  at .*experiment\.py:21 in run", done.stderr, re.MULTILINE)
    assert done.stderr.index("1 failed, 1 blocked") < done.stderr.index("FileNotFoundError")


def test_lists_for_people_and_programs(project: Project) -> None:
    project.run()
    jobs = json.loads(project.jobs("list", "--json").stdout)
    assert [(job["task_id"], job["state"], job["tags"]) for job in jobs] == [
        ("tasks.work", "done", {"x": 1}), ("tasks.use", "done", {"x": 1}),
        ("tasks.work", "done", {"x": 2}), ("tasks.use", "done", {"x": 2}),
    ]  # fmt: skip
    last = project.jobs("list", "-c", "1", "--fullpath").stdout
    assert last == f"DONE     {jobs[-1]['path']}\n"
    listed = project.xpm("experiments", "--workdir", str(project.workspace), "list")
    assert re.fullmatch(r"trial \[\S+\] \(4/4 jobs\)\n", listed.stdout)
    [experiment] = json.loads(project.xpm("experiments", "--workdir", "runs", "list", "--json").stdout)
    assert (experiment["experiment"], experiment["status"], experiment["done"]) == ("trial", "completed", 4)

    inside = subprocess.run(
        project.command("jobs", "list"), cwd=project.workspace / "jobs", env=project.environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(inside.stdout.splitlines()) == 4


def test_jobs_that_do_not_exist(project: Project) -> None:
    project.run()
    one_clear_error(project.jobs("path", "zzz"), "there is no job 'zzz'", "list")
    one_clear_error(project.jobs("log", "tasks.work/"), "2 jobs", "tasks.work/")
    one_clear_error(project.jobs("list", "--experiment", "other"), "no experiment 'other'", "trial")


@pytest.mark.contract("running 7.3: DEF: read commands never write")
def test_reading_writes_nothing(project: Project) -> None:
    project.run("-c", "xs=[1, -1]")

    def contents() -> dict[Path, float]:
        return {path: path.lstat().st_mtime for path in sorted(project.workspace.rglob("*"))}

    before = contents()
    [job] = project.identifiers("work.* x=1$")
    for command in (["list"], ["list", "--json"], ["log", job], ["path", job]):
        assert project.jobs(*command).returncode == 0
    assert project.xpm("experiments", "--workdir", "runs", "list").returncode == 0
    assert contents() == before


def test_dry_run_writes_nothing_and_says_what_would_run(project: Project) -> None:
    done = project.run("--run-mode", "DRY_RUN")
    assert done.returncode == 0, done.stderr
    assert "trial: 4 tasks: 4 to run, 0 done" in done.stderr
    assert not project.workspace.exists()
    project.run("-c", "xs=[1]")
    done = project.run("--run-mode", "dry-run")
    assert "trial: 4 tasks: 2 to run, 2 done" in done.stderr
    assert project.executed == [1]


@pytest.mark.parametrize("mode", ["generate_only", "generate"])
def test_generate_only_writes_job_folders_that_run_by_hand(project: Project, mode: str) -> None:
    done = project.run("--run-mode", mode, "-c", "use=false")
    assert done.returncode == 0, done.stderr
    assert project.executed == []
    scripts = sorted(project.workspace.glob("jobs/tasks.work/*/work.py"))
    assert len(scripts) == 2
    subprocess.run([sys.executable, str(scripts[0])], env=project.environment, check=True, capture_output=True)
    assert len(project.executed) == 1


def test_code_in_a_package_and_arguments_for_a_helper(project: Project) -> None:
    project.write("pack/__init__.py", "")
    project.write("pack/sub/__init__.py", "")
    project.write("pack/tasks.py", project.code.joinpath("tasks.py").read_text())
    project.write(
        "pack/sub/trial.py",
        "from experimaestro.experiments import *\nfrom ..tasks import Work\n"
        "class Loud(ExperimentHelper):\n"
        "    def run(self, args, configuration):\n"
        "        print('arguments', args)\n        super().run([], configuration)\n"
        "@configuration\nclass Plain:\n    x: int = 5\n"
        "@Loud.decorator\ndef run(helper: Loud, cfg: Plain):\n"
        "    Work.C(x=cfg.x).submit()\n    print(type(helper).__name__, helper.xp.name)\n",
    )
    project.write("pack/sub/trial.yaml", "id: packed\nmodule: pack.sub.trial\nadd_timestamp: true\n")
    done = project.run("code/pack/sub/trial.yaml", "one", "two")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"arguments \['one', 'two'\]\nLoud packed-\d{8}-\d{4}\n", done.stdout)
    assert project.executed == [5]
    one_clear_error(project.run("code/experiment.yaml", "extra"), "takes no further arguments", "extra")


def test_what_comes_before_the_code(project: Project) -> None:
    project.write("lib/shared.py", "VALUE = 7\n")
    project.write("before.py", "import builtins\nbuiltins.PREPARED = True\n")
    project.write(
        "experiment.py",
        "assert PREPARED\nimport shared\n"
        + project.code.joinpath("experiment.py").read_text().replace("tag(x)", "shared.VALUE"),
    )
    project.write("experiment.yaml", "id: trial\nxs: [1]\nuse: no\npythonpath: [lib]\npre_experiment: before.py\n")
    done = project.run()
    assert done.returncode == 0, done.stderr
    assert project.executed == [7]


def test_variables_for_the_tasks(project: Project) -> None:
    other = project.root / "other.txt"
    assert project.run("--env", "EXECUTED", str(other)).returncode == 0
    assert project.executed == []
    assert sorted(other.read_text().split()) == ["1", "2"]


BAD_CODE = {
    "unknown parameter": ("Work.C(y=1).submit()", ["'y'", "tasks.work", "experiment.py:16"]),
    "missing parameter": ("Work.C().submit()", ["'x'", "tasks.work", "experiment.py:16"]),
    "wrong type": ("Work.C(x='one').submit()", ["'x'", "tasks.work", "experiment.py:16"]),
    "unsubmitted task": ("Use.C(work=Work.C(x=1)).submit()", ["'work'", "submit", "experiment.py:16"]),
    "bug": ("{}['key']", ["KeyError", "experiment.py:16", "--traceback"]),
}


@pytest.mark.parametrize("name", BAD_CODE)
def test_mistakes_in_the_experiment(project: Project, name: str) -> None:
    code, words = BAD_CODE[name]
    text = project.code.joinpath("experiment.py").read_text()
    project.write("experiment.py", text.replace("work = Work.C(x=tag(x)).submit()", code))
    assert project.code.joinpath("experiment.py").read_text().splitlines()[15].strip() == code
    one_clear_error(project.run(), *words)
    assert project.executed == []
    assert not list(project.workspace.glob("jobs/*"))
    # corrected, the experiment runs: nothing is left behind that is in the way
    project.write("experiment.py", text)
    assert project.run().returncode == 0


def test_a_workspace_that_cannot_be_used(project: Project) -> None:
    project.workspace.write_text("this is a file")
    one_clear_error(project.run(), str(project.workspace))
    assert project.workspace.read_text() == "this is a file"
    below = project.xpm("run-experiment", "--workdir", str(project.workspace / "below"), "code/experiment.yaml")
    one_clear_error(below, str(project.workspace))
    assert project.executed == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not stop the superuser")
def test_a_workspace_that_is_read_only(project: Project) -> None:
    project.workspace.mkdir()
    project.workspace.chmod(0o555)
    one_clear_error(project.run(), str(project.workspace))
    assert list(project.workspace.iterdir()) == []


def test_parameters_cut_in_half_stop_their_job_only(project: Project) -> None:
    assert project.run("--run-mode", "generate_only", "-c", "use=false").returncode == 0
    script = min(project.workspace.glob("jobs/tasks.work/*/work.py"))
    params = script.parent / "params.json"
    params.write_bytes(params.read_bytes()[: params.stat().st_size // 2])
    done = subprocess.run(
        [sys.executable, str(script)], env=project.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "params.json" in done.stderr
    assert not (script.parent / "work.done").exists()
    # the experiment writes them again
    assert project.run("-c", "use=false").returncode == 0
    assert project.executed == [1, 2]


def test_a_class_that_is_gone_stops_its_job(project: Project) -> None:
    assert project.run("--run-mode", "generate_only", "-c", "use=false").returncode == 0
    script = min(project.workspace.glob("jobs/tasks.work/*/work.py"))
    tasks = project.code.joinpath("tasks.py").read_text()
    project.write("tasks.py", tasks.replace("class Work", "class Labour").replace("Param[Work]", "Param[Labour]"))
    done = subprocess.run(
        [sys.executable, str(script)], env=project.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "Work" in done.stderr
    assert "tasks" in done.stderr
    assert project.executed == []


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Lines of stderr up to the one with these words."""
    assert process.stderr is not None
    read = ""
    for line in process.stderr:
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} was never printed:\n{read}")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_jobs_running_and_the_next_start_finds_them(project: Project, stop: signal.Signals) -> None:
    command = project.command("run-experiment", "--workdir", "runs", "-c", "xs=[100]", "code/experiment.yaml")
    process = subprocess.Popen(
        command, cwd=project.root, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        read_until(process, "started work/")
        process.send_signal(stop)
        assert process.stderr is not None
        rest = process.stderr.read()
    assert process.returncode == (130 if stop is signal.SIGINT else -stop)
    assert "Traceback" not in rest
    assert "1 job goes on running" in rest

    second = subprocess.Popen(
        command, cwd=project.root, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with second:
        read_until(second, "started work/")
        project.gate.write_text("open")
        assert second.stderr is not None
        rest = second.stderr.read()
    assert second.returncode == 0, rest
    assert "2 jobs (2 done)" in rest
    assert project.executed == [100]


def test_following_a_log_until_the_job_ends(project: Project) -> None:
    command = project.command("run-experiment", "--workdir", "runs", "-c", "xs=[100]", "code/experiment.yaml")
    driver = subprocess.Popen(
        command, cwd=project.root, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with driver:
        read_until(driver, "started work/")
        [job] = project.identifiers("tasks.work")
        follower = subprocess.Popen(
            project.command("jobs", "--workdir", "runs", "log", "-f", "--std", job[:8]),
            cwd=project.root, env=project.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with follower:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "working on 100\n"
            project.gate.write_text("opened")
            assert follower.stdout.read() == "gate: opened\n"
        assert follower.returncode == 0
        driver.communicate()
    assert driver.returncode == 0


def in_terminal(project: Project, *arguments: str, columns: int = 100) -> tuple[int, str]:
    """Run a command in a pseudo-terminal; its exit code, and all that was written."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.root)
        environment = {**project.environment, "COLUMNS": str(columns), "LINES": "30"}
        os.execve(sys.executable, project.command(*arguments), environment)
    written = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        written += chunk
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), written.decode()


def test_in_a_terminal_there_are_bars_and_tables(project: Project) -> None:
    code, written = in_terminal(
        project, "run-experiment", "--workdir", "runs", "-c", "xs=[1,-1]", "code/experiment.yaml"
    )
    assert code == 1
    assert "\x1b[" in written
    assert "━" in written
    assert "jobs: 4" in written
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert "4 jobs (2 done, 1 failed, 1 blocked)" in plain
    assert plain.count("ValueError: -1 is negative") >= 2  # when it happened, and in the summary

    code, written = in_terminal(project, "jobs", "--workdir", "runs", "list")
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert "✓ done" in plain
    assert "✗ fail" in plain
    assert "4 jobs: 2 done, 1 fail, 1 blocked" in plain
    code, written = in_terminal(project, "experiments", "--workdir", "runs", "list")
    assert code == 0
    assert "2/4" in written


def test_quiet_tells_failures_only(project: Project) -> None:
    done = project.xpm("--quiet", "run-experiment", "--workdir", "runs", "code/experiment.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    done = project.xpm("--quiet", "run-experiment", "--workdir", "runs", "-c", "xs=[-1]", "code/experiment.yaml")
    assert done.returncode == 1
    assert "ValueError: -1 is negative" in done.stderr
