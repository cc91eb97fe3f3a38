//! Whether the system killed a process because there was no more memory.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Counts the processes around us that were killed for want of memory.
///
/// Jobs are in the control group of their driver, where the kernel keeps that count; without one, the count of the whole
/// machine has to do.
#[derive(Debug)]
pub(crate) struct MemoryKills {
    counter: Option<PathBuf>,
    seen: Mutex<u64>,
}

impl MemoryKills {
    /// Count from now on.
    pub(crate) fn watch() -> Self {
        let candidates = [control_group(), Some(PathBuf::from("/proc/vmstat"))];
        Self::in_files(candidates.into_iter().flatten())
    }

    fn in_files(candidates: impl Iterator<Item = PathBuf>) -> Self {
        let mut found = candidates.filter_map(|path| read(&path).map(|count| (path, count)));
        let (counter, seen) = found.next().map_or((None, 0), |(path, count)| (Some(path), count));
        Self { counter, seen: Mutex::new(seen) }
    }

    /// Whether there was such an end that nobody has asked for yet: it is the asker's.
    pub(crate) fn take_one(&self) -> bool {
        let Some(count) = self.counter.as_ref().and_then(read) else { return false };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = count > *seen;
        *seen += u64::from(is_new);
        is_new
    }
}

fn control_group() -> Option<PathBuf> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(PathBuf::from("/sys/fs/cgroup").join(own).join("memory.events"))
}

fn read(path: &PathBuf) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kill_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("memory.events");
        std::fs::write(&file, "low 0\noom 3\noom_kill 2\noom_group_kill 0\n").unwrap();
        let kills = MemoryKills::in_files([folder.path().join("missing"), file.clone()].into_iter());
        assert!(!kills.take_one(), "those before do not count");
        std::fs::write(&file, "low 0\noom 4\noom_kill 3\noom_group_kill 0\n").unwrap();
        assert!(kills.take_one());
        assert!(!kills.take_one());
    }
}
