"""What the fork server rehearses for its children."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading

from experimaestro._run.rehearsal import ROUNDS, Rehearsal


def test_a_rehearsal_goes_through_and_leaves_nothing(tmp_path, monkeypatch):
    # The server goes on after an error, so that nobody would notice one.
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGCHLD)
    rehearsal = Rehearsal()
    rehearsal.go()
    modules, threads = set(sys.modules), threading.enumerate()
    while rehearsal.left:
        rehearsal.go()
    assert ROUNDS > 1
    assert signal.getsignal(signal.SIGCHLD) == handler
    assert os.listdir() == []
    assert set(sys.modules) == modules
    assert threading.enumerate() == threads
    gc.collect()
    assert not [
        each
        for each in gc.get_objects()
        if type(each) is type and each.__name__ == "Rehearsal" and each is not Rehearsal
    ]
