//! The progress of a running job, level by level: appended by its process, read by whoever watches.

use serde::{Deserialize, Serialize};

use crate::fs::{self, FsResult};
use crate::layout::JobDirectory;

/// How far one level of a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 is the job as a whole; deeper levels are parts of the level above.
    pub level: u32,
    /// Between 0 and 1.
    pub value: f64,
    /// What is being done.
    pub description: Option<String>,
}

/// Add a line to the job's progress.
///
/// # Errors
/// When it cannot be written.
pub fn report(job: &JobDirectory, progress: &Progress) -> FsResult<()> {
    let mut line = serde_json::to_vec(progress).unwrap_or_default();
    line.push(b'\n');
    fs::append(&job.progress(), &line)
}

/// The levels as they are now, from level 0 on. A line cut by a crash is passed over.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read(job: &JobDirectory) -> FsResult<Vec<Progress>> {
    let bytes = fs::read(&job.progress())?.unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(fold(lines.filter_map(|line| serde_json::from_slice(line).ok())))
}

/// A change of one level ends all deeper ones.
fn fold(lines: impl Iterator<Item = Progress>) -> Vec<Progress> {
    let mut levels: Vec<Progress> = Vec::new();
    for line in lines {
        levels.retain(|known| known.level < line.level);
        levels.push(line);
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(level: u32, value: f64) -> Progress {
        Progress { level, value, description: None }
    }

    #[test]
    fn a_shallow_change_drops_deeper_levels() {
        let lines = [at(0, 0.1), at(1, 0.5), at(2, 0.9), at(1, 0.6)];
        assert_eq!(fold(lines.into_iter()), [at(0, 0.1), at(1, 0.6)]);
    }

    #[test]
    fn a_cut_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let job = JobDirectory::new(folder.path().join("t.learn/ab"));
        fs::create_folders(&job.private()).unwrap();
        report(&job, &at(0, 0.25)).unwrap();
        fs::append(&job.progress(), b"{\"level\":0,\"val").unwrap();
        assert_eq!(read(&job).unwrap(), [at(0, 0.25)]);
    }
}
