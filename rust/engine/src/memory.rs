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
        let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self::in_files(control_groups(&groups).chain([PathBuf::from("/proc/vmstat")]))
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

/// Where the group of a process keeps that count: all controllers together (version 2), or memory by itself (version 1).
fn control_groups(groups: &str) -> impl Iterator<Item = PathBuf> + '_ {
    groups.lines().filter_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let path = path.trim_start_matches('/');
        let root = PathBuf::from("/sys/fs/cgroup");
        match controllers {
            "" => Some(root.join(path).join("memory.events")),
            _ if controllers.split(',').any(|controller| controller == "memory") => {
                Some(root.join("memory").join(path).join("memory.oom_control"))
            }
            _ => None,
        }
    })
}

fn read(path: &PathBuf) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_known() {
        let found: Vec<PathBuf> = control_groups("4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/d\n").collect();
        let wanted = ["/sys/fs/cgroup/memory/a/b/memory.oom_control", "/sys/fs/cgroup/d/memory.events"];
        assert_eq!(found, wanted.map(PathBuf::from));
    }

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
