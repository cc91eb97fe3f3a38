"""Two hosts with kernels of their own and a workspace on NFS; one of them is killed, or stopped and goes on.

python tests/hosts/hosts.py PROGRAM --rounds 4 --seeds 10     PROGRAM is the test `faults` of the engine, built

Each host is a User-Mode Linux: it has its own name, boot id, process numbers, page cache and NFS client; a third one is
the server. Needs root, and the Debian packages user-mode-linux, nfs-kernel-server, nfs-common, kmod, iproute2, gcc.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ADDRESSES = {"server": "10.99.0.1", "alpha": "10.99.0.2", "beta": "10.99.0.3"}
WITHIN = "XPM_HOSTS_WITHIN"
MOST = 900
"""Seconds that a round may take: a heartbeat is watched for a minute, once for each job in a row that was lost."""
PAUSE = 90
"""Seconds that a host stands still: longer than others wait for its heartbeat."""


def run(*command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True)


def missing() -> list[str]:
    """The programs that are needed and not there."""
    programs = ["linux.uml", "mount.nfs4", "exportfs", "rpc.nfsd", "modprobe", "ip", "gcc", "unshare"]
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [program for program in programs if shutil.which(program, path=path) is None]


def make_network() -> None:
    """A bridge with a plug for each host, in the network namespace of this process."""
    run("ip", "link", "add", "hosts", "type", "bridge")
    run("ip", "link", "set", "hosts", "up")
    for role in ADDRESSES:
        run("ip", "tuntap", "add", "dev", role, "mode", "tap")
        run("ip", "link", "set", role, "master", "hosts", "up")


class Round:
    """One start of all hosts."""

    def __init__(self, program: Path, number: int, first: int, seeds: int, mount_options: str) -> None:
        self.program, self.first, self.seeds, self.mount_options = program, first, seeds, mount_options
        self.work = Path(tempfile.mkdtemp(prefix=f"xpm-hosts-{number}-"))
        self.chance = random.Random(number)
        self.hosts: dict[str, subprocess.Popen[bytes]] = {}
        self.prepare()

    def prepare(self) -> None:
        """Lay out what the hosts read."""
        modules = self.work / "modules" / "lib"
        modules.mkdir(parents=True)
        (modules / "modules").symlink_to("/usr/lib/uml/modules")
        for role in ("alpha", "beta"):
            (self.work / "records" / role).mkdir(parents=True)
        library, source = str(self.work / "wide_ptrace.so"), str(HERE / "wide_ptrace.c")
        run("gcc", "-O2", "-shared", "-fPIC", "-o", library, source)

    def start(self, role: str) -> None:
        """Switch a host on."""
        settings = {
            "ROLE": role,
            "ADDRESS": ADDRESSES[role],
            "SERVER": ADDRESSES["server"],
            "WORK": str(self.work),
            "MODULES": str(self.work / "modules"),
            "MOUNT_OPTIONS": self.mount_options,
        }
        command = ["linux.uml", "mem=768M", "root=/dev/root", "rootfstype=hostfs", "hostfs=/", "rw", "quiet"]
        command += ["con=null", "con0=null,fd:1", "con1=null", f"init={HERE / 'guest.sh'}"]
        command += [f"vec0:transport=tap,ifname={role},depth=64,gro=0"]
        command += [f"{name}={value}" for name, value in settings.items()]
        environment = {**os.environ, "LD_PRELOAD": str(self.work / "wide_ptrace.so"), "TMPDIR": "/dev/shm"}
        with open(self.work / f"{role}.console", "wb") as console:
            self.hosts[role] = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, name: str, seconds: float) -> bool:
        """Wait for a file that a host makes."""
        end = time.monotonic() + seconds
        while not (self.work / name).exists():
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def write_environment(self) -> None:
        """What the drivers on the hosts find in their environment; each host adds its own name and place."""
        variables = {
            "PROGRAM": str(self.program),
            "XPM_TRIAL_HOSTS": "alpha,beta",
            "XPM_TRIAL_MOUNT": "/mnt/shared",
            "XPM_TRIAL_FIRST": str(self.first),
            "XPM_TRIAL_COUNT": str(self.seeds),
            "XPM_TRIAL_DRIVER": "$([ $ROLE = alpha ] && echo 0 || echo 1)",
        }
        text = "".join(f'{name}="{value}"\n' for name, value in variables.items())
        (self.work / "environment").write_text(text)

    def strike(self, deed: str) -> None:
        """Let something happen to a host while jobs run on it."""
        time.sleep(self.chance.uniform(3, 25))
        beta = self.hosts["beta"]
        if deed == "kill":
            os.killpg(beta.pid, signal.SIGKILL)
            beta.wait()
        else:
            os.kill(beta.pid, signal.SIGSTOP)
            time.sleep(PAUSE)
            os.kill(beta.pid, signal.SIGCONT)

    def go(self, deed: str) -> int:
        """Start everything, strike, and let the host that is left check what became of it."""
        self.write_environment()
        self.start("server")
        if not self.wait_for("server.ready", 120):
            return self.failed("the server does not start")
        for role in ("alpha", "beta"):
            self.start(role)
        for role in ("alpha", "beta"):
            if not self.wait_for(f"{role}.ready", 120):
                return self.failed(f"{role} does not start")
        self.strike(deed)
        if not self.wait_for("alpha.over", MOST):
            return self.failed("alpha does not finish")
        if deed != "kill" and not self.wait_for("beta.over", MOST):
            return self.failed("beta does not finish")
        (self.work / "check").write_text("beta")
        if not self.wait_for("code", 300):
            return self.failed("nobody checks")
        print((self.work / "result").read_text(), end="", flush=True)
        return int((self.work / "code").read_text())

    def failed(self, what: str) -> int:
        """Say so, with where to look."""
        print(f"{what}: see {self.work}", flush=True)
        return 1

    def stop(self) -> None:
        """Switch every host off."""
        for host in self.hosts.values():
            if host.poll() is None:
                os.killpg(host.pid, signal.SIGKILL)
                host.wait()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--deeds", default="kill,kill,kill,stop", help="what happens to a host, round by round")
    parser.add_argument("--mount-options", default="lookupcache=positive,actimeo=1")
    options = parser.parse_args()
    lacking = missing()
    if lacking or os.geteuid() != 0:
        print(f"cannot start hosts here: missing {', '.join(lacking) or 'root'}", file=sys.stderr)
        return 2
    if WITHIN not in os.environ:
        # A network of our own: nothing is left behind, and no address is taken.
        os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, WITHIN: "1"})
    make_network()
    worst = 0
    for number in range(options.rounds):
        first = options.first + number * options.seeds
        place = Round(options.program.resolve(), number, first, options.seeds, options.mount_options)
        deeds = options.deeds.split(",")
        deed = deeds[number % len(deeds)]
        print(f"round {number}: seeds {first} to {first + options.seeds - 1}, {deed}", flush=True)
        try:
            code = place.go(deed)
        finally:
            place.stop()
        worst = max(worst, code)
        if code == 0:
            shutil.rmtree(place.work, ignore_errors=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
