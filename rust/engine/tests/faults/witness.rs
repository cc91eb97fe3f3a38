//! What an execution leaves outside of the workspace, and what it sees of others that execute.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::time::{ClockId, clock_gettime};

/// The host's name, where there are several.
fn host() -> Option<String> {
    std::env::var("XPM_TRIAL_HOST").ok()
}

/// Nanoseconds on a clock that all processes share.
fn moment() -> i128 {
    let time = clock_gettime(if host().is_some() { ClockId::Realtime } else { ClockId::Monotonic });
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// This process, so that nobody takes it for another one.
fn process() -> String {
    let pid = std::process::id();
    host().map_or_else(|| pid.to_string(), |host| format!("{host}/{pid}"))
}

/// Where each execution of a job is written down.
pub(crate) fn record(records: &Path, identifier: &str) -> PathBuf {
    records.join(identifier)
}

/// Where each use of a shared resource is written down.
pub(crate) fn uses(records: &Path, resource: usize) -> PathBuf {
    records.join(format!("shared-{resource}.uses"))
}

fn append(path: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(line.as_bytes()).unwrap();
    if host().is_some() {
        // The host may be killed at any time, with all that it has not written yet.
        file.sync_all().unwrap();
    }
}

/// One execution of one job.
pub(crate) struct Witness {
    records: PathBuf,
    record: PathBuf,
    attempt: u32,
    /// Held while the task executes, and given up by the system at the very end of a process, before anybody sees it end.
    locks: Vec<File>,
}

impl Witness {
    /// An execution begins: nobody else may be in one of the same job.
    pub(crate) fn begin(records: &Path, identifier: &str, attempt: u32) -> Self {
        let record = record(records, identifier);
        let lock = File::create(record.with_extension("lock")).unwrap();
        let overlaps = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err();
        let witness = Self { records: records.to_path_buf(), record, attempt, locks: vec![lock] };
        if overlaps {
            witness.tell("overlap");
        }
        witness
    }

    /// Write a word down.
    pub(crate) fn tell(&self, what: &str) {
        append(&self.record, &format!("{what} {} {}\n", self.attempt, process()));
    }

    /// Use units of a shared resource from now on: each unit is a lock, which cannot be had twice.
    pub(crate) fn take(&mut self, resource: usize, units: u32, capacity: u32) {
        // One counts at a time: otherwise a unit that was counted as taken may be given back before the next is tried.
        let gate = File::create(self.records.join(format!("shared-{resource}.gate"))).unwrap();
        flock(&gate, FlockOperation::LockExclusive).unwrap();
        let mut missing = units;
        for unit in 0..capacity {
            let lock = File::create(self.records.join(format!("shared-{resource}.{unit}"))).unwrap();
            if missing > 0 && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                missing -= 1;
                self.locks.push(lock);
            }
        }
        if missing > 0 {
            self.tell(&format!("{missing}-units-of-{resource}-too-many"));
        }
        self.note(resource, '+', units);
    }

    /// The units are about to be given back.
    pub(crate) fn note(&self, resource: usize, sign: char, units: u32) {
        let line = format!("{sign} {} {units} {}\n", moment(), process());
        append(&uses(&self.records, resource), &line);
    }
}

/// The most units that were in use at once, as the moments tell; of a process that was killed only its first is known.
pub(crate) fn most_at_once(records: &Path, resource: usize) -> u32 {
    let text = std::fs::read_to_string(uses(records, resource)).unwrap_or_default();
    let lines: Vec<(char, i128, u32, &str)> = text.lines().map(parse).collect();
    let mut changes: Vec<(i128, i64)> = Vec::new();
    for (sign, start, units, process) in &lines {
        let end = lines.iter().find(|(other, end, _, by)| *other == '-' && by == process && end >= start);
        if *sign == '+' {
            changes.push((*start, i64::from(*units)));
            changes.push((end.map_or(*start, |(_, end, ..)| *end), -i64::from(*units)));
        }
    }
    // At the same moment, what is given back goes first.
    changes.sort_unstable();
    let mut now = 0;
    let most = changes.into_iter().map(|(_, change)| {
        now += change;
        now
    });
    u32::try_from(most.max().unwrap_or(0)).unwrap()
}

fn parse(line: &str) -> (char, i128, u32, &str) {
    let mut words = line.split(' ');
    let mut next = || words.next().unwrap();
    (next().parse().unwrap(), next().parse().unwrap(), next().parse().unwrap(), next())
}
