"""Services and actions after their experiment: the page on them, killed drivers, commands without a terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from experimaestro import load_xp_info
from experimaestro.exceptions import LoadError

PAGE = Path(__file__).parents[2] / "docs" / "services.md"
SECONDS = 60  # only a broken test waits that long


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The example of the page, run; its folder and environment."""
    folder = tmp_path_factory.mktemp("page")
    text = PAGE.read_text(encoding="utf-8")
    for name, content in re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        (folder / name).write_text(content)
    xpm = folder / "bin" / "xpm"
    xpm.parent.mkdir()
    xpm.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m experimaestro.cli "$@"\n')
    xpm.chmod(0o755)
    (xpm.parent / "python").symlink_to(sys.executable)
    environment = {**os.environ, "PATH": f"{xpm.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment["HOME"] = str(folder)
    (commands,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    said = ""
    for command in commands.splitlines():
        python = command.replace("python ", f"{sys.executable} ", 1) if command.startswith("python ") else command
        done = subprocess.run(
            python, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        said += done.stdout
    return folder, environment, said


def call(ran, *arguments):
    folder, environment, _ = ran
    command = [str(folder / "bin" / "xpm"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@pytest.mark.contract("running 17: actions list, actions run")
def test_the_page_is_true(ran):
    folder, _, said = ran
    shown = re.search(r"^```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert shown
    assert all(line in said for line in shown[1].splitlines())
    assert (folder / "published.txt").read_text() == "a model learnt with 0.1"


@pytest.mark.contract("running 17: services list, services start")
def test_a_service_of_a_moved_run_is_started_until_ctrl_c(ran):
    folder, environment, _ = ran
    moved = folder / "moved"
    shutil.copytree(folder / "runs", moved, symlinks=True)
    command = [str(folder / "bin" / "xpm"), "services", "--workdir", str(moved), "start", "files"]
    process = subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        url = re.search(r"http://\S+", line)[0]
        (model,) = moved.glob("jobs/*/*/model.txt")
        # Its folder is that of the moved workspace: a file that is only there is served.
        (model.parent / "new.txt").write_text("new")
        with urllib.request.urlopen(
            f"{url}{model.parent.relative_to(moved / 'jobs')}/new.txt", timeout=SECONDS
        ) as read:
            assert read.read() == b"new"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def test_programs_read_json(ran):
    (service,) = json.loads(call(ran, "services", "--workdir", "runs", "list", "--json").stdout)
    assert (service["service_id"], service["state"], service["url"]) == ("files", "STOPPED", None)
    (action,) = json.loads(call(ran, "actions", "--workdir", "runs", "list", "digits", "--json").stdout)
    assert action["class"] == "__main__.Publish"
    assert "publish the model" in action["description"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["actions", "--workdir", "runs", "run"], "add --set to=VALUE"),
        (["actions", "--workdir", "runs", "run", "digits", "zz"], "there is no action 'zz'"),
        (["actions", "--workdir", "runs", "run", "other"], "there is no experiment 'other'"),
        (["services", "--workdir", "runs", "start", "other"], "files (of digits)"),
        (["services", "--workdir", "runs", "start", "files/part"], "has no part 'part'"),
        (["services", "--workdir", "runs", "list", "digits", "--run", "x"], "no run 'x'"),
    ],
)
def test_without_a_terminal_what_is_missing_is_told(ran, arguments, told):
    done = call(ran, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"module": "pathlib", "type": "Path"}, "is no action"),
        ({"module": "subprocess", "type": "Popen"}, "is no action"),
        ({"fields": {"x": {"type": "path", "base": "workspace", "value": "jobs/../../x"}}}, "leaves the workspace"),
        ({"module": None}, "actions.jsonl"),
    ],
)
def test_what_was_tampered_with_is_not_executed(ran, tmp_path, change, told):
    workspace = tmp_path / "runs"
    shutil.copytree(ran[0] / "runs", workspace, symlinks=True)
    (file,) = workspace.glob("experiments/digits/2*/actions.jsonl")
    record = json.loads(file.read_text())
    record["objects"][-1].update(change)
    file.write_text(json.dumps(record) + "\n")
    done = call(ran, "actions", "--workdir", str(workspace), "run", "digits", "--set", f"to={tmp_path / 'out'}")
    assert done.returncode == 1
    assert told in done.stderr
    assert not (tmp_path / "out").exists()
    with pytest.raises(LoadError):
        load_xp_info(file.parent)


DRIVER = """
import sys, threading
from experimaestro import experiment
from experimaestro.scheduler.services import ProcessWebService

class Program(ProcessWebService):
    id = "program"

    def __init__(self, fifo):
        self.fifo = fifo

    def _build_command(self):
        return [sys.executable, "-c", f"import os, time; out = open({self.fifo!r}, 'w'); os.fork(); "
                "print('ready', flush=True); time.sleep(1000)"]

    def _wait_for_ready(self):
        while not self.should_stop():
            if "ready" in self.stdout.read_text():
                return "http://program"
            threading.Event().wait(0.01)

with experiment(sys.argv[1], "xp") as xp:
    print(xp.add_service(Program(sys.argv[2])).get_url(), flush=True)
    threading.Event().wait()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.contract("running 15: `ProcessWebService`: killed at exit")
def test_a_program_does_not_outlive_a_driver_that_is_killed(tmp_path, number):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "driver.py").write_text(DRIVER)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    command = [sys.executable, str(tmp_path / "driver.py"), str(tmp_path / "ws"), str(fifo)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(tmp_path)})
    try:
        assert driver.stdout.readline() == "http://program\n"
        os.set_blocking(reader, True)
        driver.send_signal(number)
        driver.wait(SECONDS)
        assert os.read(reader, 1) == b""  # end of file: neither the program nor its child holds the other end
    finally:
        driver.kill()
        driver.communicate()
        os.close(reader)
