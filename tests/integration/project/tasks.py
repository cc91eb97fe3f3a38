"""Tasks of the integration tests; each `execute` leaves a line in a file of its own, seen from outside."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from experimaestro import GracefulTimeout, Meta, Param, ResumableTask, SubmitHook, Task, TaskCancelled, progress


def record(kind: str, x: int) -> None:
    """Append the process to `$RECORDS/<kind>-<x>`: one line per execution."""
    with open(Path(os.environ["RECORDS"]) / f"{kind}-{x}", "a") as file:
        file.write(f"{os.getpid()}\n")


class Record(Task):
    x: Param[int]

    def execute(self):
        record("record", self.x)
        print("out", self.x)
        print("err", self.x, file=sys.stderr)
        progress(1.0, desc="all")


class After(Task):
    """Waits for another task."""

    x: Param[int]
    before: Param[Task]

    def execute(self):
        record("after", self.x)


class Gated(Task):
    """Says that it has started, then waits to be released."""

    x: Param[int]

    def execute(self):
        record("gated", self.x)
        folder = Path(os.environ["RECORDS"])
        with open(folder / "started.fifo", "w") as started:
            started.write(f"{os.getpid()}\n")
        with open(folder / "gate.fifo", "rb", buffering=0) as gate:
            gate.read(1)


class MemoryBudget(SubmitHook):
    """Tries again after a lack of memory, as often as the task says."""

    def process(self, job, launcher):
        job.retries = {"memory": job.config.budget, "memory_growth": 2.0}


@MemoryBudget()
class Eats(Task):
    """Takes memory, and touches it."""

    x: Param[int]
    megabytes: Meta[int]
    budget: Meta[int] = 0

    def execute(self):
        record("eats", self.x)
        taken = [bytearray(os.urandom(1 << 10) * (1 << 10)) for _ in range(self.megabytes)]
        print(len(taken))


class Resumable(ResumableTask):
    """Stops as if its time was over, until it was started so often before."""

    x: Param[int]
    stops: Meta[int]

    def execute(self):
        record("resumable", self.x)
        count = Path("count.txt")
        before = int(count.read_text()) if count.exists() else 0
        count.write_text(str(before + 1))
        print("attempt", before + 1)
        if before < self.stops:
            raise GracefulTimeout("no time left")


class Stubborn(Task):
    """Says that it has started, and does not stop when it is asked to."""

    x: Param[int]

    def execute(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with open(Path(os.environ["RECORDS"]) / "started.fifo", "w") as started:
            started.write(f"{os.getpid()}\n")
        while True:
            signal.pause()


class Judged(Task):
    """Says of its outputs what `$VALID` says."""

    x: Param[int]

    def execute(self):
        record("judged", self.x)

    def __xpm_output_valid__(self):
        return {"True": True, "False": False, "None": None}[os.environ["VALID"]]


class Raises(Task):
    x: Param[int]

    def execute(self):
        record("raises", self.x)
        if "MENDED" not in os.environ:
            raise ValueError("bad value")


class Ends(Task):
    """Ends in one of the many ways there are."""

    how: Param[str]

    def execute(self):
        record(self.how, 0)
        getattr(self, "_" + self.how)()

    def _os_exit(self):
        os._exit(0)

    def _killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def _removes_its_folder(self):
        shutil.rmtree(os.getcwd())

    def _exit_zero(self):
        sys.exit(0)

    def _exit_bare(self):
        sys.exit()

    def _exit_text(self):
        sys.exit("no data")

    def _exit_three(self):
        sys.exit(3)

    def _no_unicode(self):
        raise FileNotFoundError("no file \udc80")

    def _keyboard(self):
        raise KeyboardInterrupt

    def _memory(self):
        raise MemoryError

    def _cuda_memory(self):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")

    def _timeout(self):
        raise GracefulTimeout("saved at epoch 3")

    def _cancelled(self):
        os.kill(os.getpid(), signal.SIGTERM)

    def _cancelled_swallowed(self):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except TaskCancelled:
            pass

    def _child_returns(self):
        child = os.fork()
        if child != 0:
            os.waitpid(child, 0)

    def _child_raises(self):
        child = os.fork()
        if child == 0:
            raise ValueError("only in the child")
        os.waitpid(child, 0)

    def _child_terminated(self):
        child = os.fork()
        if child == 0:
            signal.pause()
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != -signal.SIGTERM:
            raise AssertionError(f"the child ended with {os.waitstatus_to_exitcode(status)}")

    def _thread_writes_late(self):
        import threading

        def late():
            threading.main_thread().join()
            Path("late.txt").write_text("written before the marker")

        threading.Thread(target=late).start()

    def _surroundings(self):
        from experimaestro.taskglobals import Env

        env = Env.instance()
        if Path.cwd() != self.__taskdir__ or env.taskpath != Path.cwd() or env.slave:
            raise AssertionError((Path.cwd(), self.__taskdir__, env.taskpath))
        if Path.cwd().parents[2] != env.wspath:
            raise AssertionError(env.wspath)
        if os.environ["FOR_TASKS"] != "set by the experiment" or "PATH" not in os.environ:
            raise AssertionError("the variables of the job are wrong")
        if any(Path(entry).resolve() == Path.cwd() for entry in sys.path):
            raise AssertionError("the job folder is on sys.path")


class Uses(Task):
    """Proves that no more units are used at once than there are: one lock per unit, kept by the kernel."""

    x: Param[int]
    needs: Param[dict[str, int]]

    def execute(self):
        import time

        for name, units in self.needs.items():
            self.take(Path(os.environ["UNITS"]) / name, units)
        record("uses", self.x)
        time.sleep(0.03)  # the work
        # What is shared is in use while a task executes; its process ends a little later.
        for file in self.__dict__.get("files", ()):
            file.close()

    def take(self, folder: Path, units: int) -> None:
        """Lock as many files of the folder, which has one for each unit; they are free again when it is killed."""
        import fcntl

        taken: set[Path] = set()
        for _ in range(20):
            for path in sorted(folder.iterdir()):
                if path in taken or len(taken) == units:
                    continue
                file = open(path)  # noqa: SIM115 - open to the end of the process
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    file.close()
                    continue
                taken.add(path)
                self.__dict__.setdefault("files", []).append(file)
            if len(taken) == units:
                return
        record("too-many", self.x)
        raise AssertionError(f"more than there are of {folder.name} are in use")


class OnDevice(Task):
    """Locks the devices that it was given."""

    x: Param[int]

    def execute(self):
        import time

        devices = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
        for device in devices:
            Uses.XPMValue.take(self, Path(os.environ["UNITS"]) / f"gpu-{device}", 1)
        record("device", self.x)
        print(len(devices))
        time.sleep(0.03)  # the work
