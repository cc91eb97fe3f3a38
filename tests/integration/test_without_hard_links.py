"""A file system without hard links is told at the start of an experiment, not by jobs that run twice."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experimaestro import experiment
from experimaestro.exceptions import WorkspaceError

SERVERS = [Path("/usr/lib/openssh/sftp-server"), Path("/usr/libexec/openssh/sftp-server")]


@pytest.fixture
def mount(tmp_path):
    """A folder served over a socket by an SFTP server that is asked for no hard links."""
    server = next((path for path in SERVERS if path.exists()), None)
    if not (server and shutil.which("sshfs") and os.access("/dev/fuse", os.R_OK | os.W_OK)):
        pytest.skip("needs sshfs, an SFTP server and /dev/fuse")
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        serving = subprocess.Popen([server], stdin=theirs, stdout=theirs)
        command = ["sshfs", "-f", "-o", "passive,disable_hardlink", f":{source}", target]
        mounted = subprocess.Popen(command, stdin=ours, stdout=ours, stderr=subprocess.DEVNULL)
    while not target.is_mount() and mounted.poll() is None:
        time.sleep(0.01)
    if mounted.poll() is not None:
        serving.wait()
        pytest.skip("sshfs cannot mount here")
    yield target
    mounted.terminate()
    mounted.wait()
    serving.wait()


def refused(workdir):
    """Enter an experiment there; the error."""
    with pytest.raises(WorkspaceError) as raised, experiment(workdir, "xp"):
        pass
    return str(raised.value)


def test_a_workspace_there_is_refused_with_the_command_that_tells_why(mount):
    error = refused(mount / "new")
    assert "hard links" in error
    assert "xpm doctor fs" in error
    assert not (mount / "new" / "experiments").exists()


def test_so_is_one_that_was_copied_there(mount, tmp_path):
    with experiment(tmp_path / "made", "xp"):
        pass
    (mount / "copied").mkdir()
    shutil.copy(tmp_path / "made" / ".__experimaestro__", mount / "copied")
    before = sorted((mount / "copied").rglob("*"))
    assert "xpm doctor fs" in refused(mount / "copied")
    assert sorted((mount / "copied").rglob("*")) == before


def test_the_doctor_says_what_is_missing(mount):
    command = [sys.executable, "-m", "experimaestro.cli", "doctor", "fs", str(mount)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "hard links: NO; EPERM" in done.stdout
    assert "it needs hard links" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert list(mount.iterdir()) == []
