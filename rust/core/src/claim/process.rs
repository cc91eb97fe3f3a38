//! Processes that can be told apart from any other: on this host, over reboots, when numbers are used again.

use std::fs;
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

/// A process, named so that no other one is ever taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The name of the host.
    pub host: String,
    /// Changes at each start of the machine; empty where the system has none.
    pub boot_id: String,
    /// The space of process numbers (containers have their own); empty where the system has none.
    pub pid_namespace: String,
    /// The process number.
    pub pid: u32,
    /// When it started, in the system's own words; empty if unknown.
    pub start: String,
}

/// Whether a process lives, as far as can be known from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It is over for certain.
    Dead,
    /// It is on another host, or was before a reboot: only its heartbeat can tell.
    Unknown,
}

struct Machine {
    host: String,
    boot_id: String,
    pid_namespace: String,
}

/// What all processes of this machine have in common: kept, since a fork does not change it.
fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| Machine {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        boot_id: system::boot_id().unwrap_or_default(),
        pid_namespace: fs::read_link("/proc/self/ns/pid")
            .map(|link| link.to_string_lossy().into_owned())
            .unwrap_or_default(),
    })
}

/// The name of this host.
pub(super) fn host() -> &'static str {
    &machine().host
}

impl ProcessIdentity {
    /// This process.
    pub fn current() -> Self {
        Self::of(std::process::id())
    }

    /// A process of this host, as it is now.
    pub fn of(pid: u32) -> Self {
        let machine = machine();
        Self {
            host: machine.host.clone(),
            boot_id: machine.boot_id.clone(),
            pid_namespace: machine.pid_namespace.clone(),
            pid,
            start: system::status(pid).map(|status| status.start).unwrap_or_default(),
        }
    }

    /// Whether the number means something here: same host, same start of the machine, same container.
    pub fn is_here(&self) -> bool {
        let machine = machine();
        self.host == machine.host && self.boot_id == machine.boot_id && self.pid_namespace == machine.pid_namespace
    }

    /// Whether the process lives. A process that cannot be examined is assumed to.
    pub fn liveness(&self) -> Liveness {
        if !self.is_here() {
            return Liveness::Unknown;
        }
        match system::status(self.pid) {
            Some(status) if status.over || (!self.start.is_empty() && status.start != self.start) => Liveness::Dead,
            Some(_) => Liveness::Alive,
            None if can_be_signalled(self.pid) => Liveness::Alive,
            None => Liveness::Dead,
        }
    }
}

/// Processes of other users may be hidden, but the system still tells "not permitted" from "no such process".
fn can_be_signalled(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .is_some_and(|pid| !matches!(test_kill_process(pid), Err(Errno::SRCH)))
}

struct Status {
    start: String,
    over: bool,
}

#[cfg(target_os = "linux")]
mod system {
    use super::Status;

    pub(super) fn boot_id() -> Option<String> {
        Some(std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
    }

    /// Fields are counted after the command in parentheses, which may itself hold spaces and parentheses.
    pub(super) fn status(pid: u32) -> Option<Status> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let (state, threads, start) = (fields.first()?, fields.get(17)?, fields.get(19)?);
        // A main thread that ended while others go on looks like a zombie too.
        let over = matches!(*state, "Z" | "X" | "x") && matches!(*threads, "0" | "1");
        Some(Status { start: (*start).to_owned(), over })
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::Status;
    use std::process::Command;

    fn answer(command: &mut Command) -> Option<String> {
        let output = command.env("LC_ALL", "C").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    }

    pub(super) fn boot_id() -> Option<String> {
        answer(Command::new("sysctl").args(["-n", "kern.bootsessionuuid"]))
    }

    pub(super) fn status(pid: u32) -> Option<Status> {
        let text = answer(Command::new("ps").args(["-o", "state=,lstart=", "-p", &pid.to_string()]))?;
        let (state, start) = text.split_once(char::is_whitespace)?;
        Some(Status { start: start.trim().to_owned(), over: state.starts_with('Z') })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives() {
        assert_eq!(ProcessIdentity::current().liveness(), Liveness::Alive);
    }

    #[test]
    fn a_number_used_again_is_another_process() {
        let mut earlier = ProcessIdentity::current();
        earlier.start.push('0');
        assert_eq!(earlier.liveness(), Liveness::Dead);
    }

    #[test]
    fn another_host_is_not_judged_by_numbers_of_this_one() {
        let mut elsewhere = ProcessIdentity::current();
        elsewhere.host.push('x');
        assert_eq!(elsewhere.liveness(), Liveness::Unknown);
    }

    #[test]
    fn a_child_that_ended_is_dead_even_before_it_is_reaped() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let identity = ProcessIdentity::of(child.id());
        assert_eq!(identity.liveness(), Liveness::Alive);
        drop(child.stdin.take());
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let options = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), options).unwrap();
        assert_eq!(identity.liveness(), Liveness::Dead);
        child.wait().unwrap();
        assert_eq!(identity.liveness(), Liveness::Dead);
    }
}
