//! The files of experiments and their runs.

use std::path::{Path, PathBuf};

/// The folder of one experiment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExperimentDirectory {
    path: PathBuf,
}

impl ExperimentDirectory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Held by the driver of the current run.
    pub fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// Leads to the current run.
    pub fn current(&self) -> PathBuf {
        self.path.join("current")
    }

    /// The folder of one run.
    pub fn run(&self, run_id: &str) -> RunDirectory {
        RunDirectory { path: self.path.join(run_id) }
    }
}

/// The folder of one run of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunDirectory {
    path: PathBuf,
}

impl RunDirectory {
    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run, event by event.
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Where it ran, with which code and packages.
    pub fn environment(&self) -> PathBuf {
        self.path.join("environment.json")
    }

    /// The state of the run as a whole.
    pub fn status(&self) -> PathBuf {
        self.path.join("status.json")
    }

    /// Holds links to the jobs of the run.
    pub fn jobs(&self) -> PathBuf {
        self.path.join("jobs")
    }

    /// Holds the links to the jobs of one task.
    pub fn task(&self, task_id: &str) -> PathBuf {
        self.jobs().join(task_id)
    }

    /// What the tasks of the run are made of, for those with many ancestors.
    pub fn ancestors(&self, word: &str) -> PathBuf {
        self.path.join(super::job::ancestors(word))
    }

    /// For what the experiment itself writes.
    pub fn results(&self) -> PathBuf {
        self.path.join("results")
    }
}
