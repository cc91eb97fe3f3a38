//! What makes two submissions the same job.

use std::sync::Arc;

use crate::layout::{JobDirectory, Workspace};

/// A job of one driver, by the order of its submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u32);

impl JobId {
    /// The position in a table of jobs.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A job of a workspace. The same task and identifier in another workspace is another job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobKey {
    /// The root of the workspace.
    pub workspace: Arc<str>,
    /// The type identifier of the task.
    pub task_id: Arc<str>,
    /// The identifier of the configuration.
    pub identifier: Arc<str>,
}

impl JobKey {
    /// The folder of the job.
    pub fn directory(&self) -> JobDirectory {
        Workspace::new(&*self.workspace).job(&self.task_id, &self.identifier)
    }
}
