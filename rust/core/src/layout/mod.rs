//! Every path of a workspace, spelled here and nowhere else.

mod job;
mod lease;
mod run;

use std::path::{Path, PathBuf};

pub use job::{AttemptFile, JobDirectory};
pub use lease::{LeaseDirectory, TicketFile};
pub use run::{ExperimentDirectory, RunDirectory};

/// The root of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace in a folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that marks a workspace and records its identifier scheme.
    pub fn marker(&self) -> PathBuf {
        self.root.join(".__experimaestro__")
    }

    /// Holds one folder per task identifier.
    pub fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }

    /// The folder of one job.
    ///
    /// ```
    /// use experimaestro_core::layout::Workspace;
    /// let job = Workspace::new("/w").job("vision.learn", "ab12");
    /// assert_eq!(job.done().to_str(), Some("/w/jobs/vision.learn/ab12/learn.done"));
    /// ```
    pub fn job(&self, task_id: &str, identifier: &str) -> JobDirectory {
        JobDirectory::named(self.jobs().join(task_id).join(identifier), task_id)
    }

    /// Holds one folder per experiment.
    pub fn experiments(&self) -> PathBuf {
        self.root.join("experiments")
    }

    /// The folder of one experiment.
    pub fn experiment(&self, name: &str) -> ExperimentDirectory {
        ExperimentDirectory::new(self.experiments().join(name))
    }
}
