//! The files of one job.

use std::path::{Path, PathBuf};

/// The three files of one attempt, and its heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptFile {
    /// Who owns the attempt.
    Claim,
    /// Which process runs it, or that none will.
    Run,
    /// How it ended.
    End,
    /// Touched by the process while it lives.
    Beat,
    /// Its success counts no longer.
    Void,
}

impl AttemptFile {
    /// The extension of the file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Run => "run",
            Self::End => "end",
            Self::Beat => "beat",
            Self::Void => "void",
        }
    }
}

/// The folder of one job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobDirectory {
    path: PathBuf,
    name: String,
}

impl JobDirectory {
    /// The job in a folder `.../<task id>/<identifier>`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let task_id =
            path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or("job").to_owned();
        Self::named(path, &task_id)
    }

    pub(super) fn named(path: PathBuf, task_id: &str) -> Self {
        let name = task_id.rsplit('.').next().unwrap_or(task_id).to_owned();
        Self { path, name }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last component of the task identifier: files that people look at start with it.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn with_extension(&self, extension: &str) -> PathBuf {
        self.path.join(format!("{}.{extension}", self.name))
    }

    /// What the task is.
    pub fn params(&self) -> PathBuf {
        self.path.join("params.json")
    }

    /// Runs or debugs the job by hand.
    pub fn script(&self) -> PathBuf {
        self.with_extension("py")
    }

    /// Standard output of the job.
    pub fn stdout(&self) -> PathBuf {
        self.with_extension("out")
    }

    /// Standard error of the job.
    pub fn stderr(&self) -> PathBuf {
        self.with_extension("err")
    }

    /// Which process runs, for people and for older packages.
    pub fn pid(&self) -> PathBuf {
        self.with_extension("pid")
    }

    /// The marker of success.
    pub fn done(&self) -> PathBuf {
        self.with_extension("done")
    }

    /// The marker of failure.
    pub fn failed(&self) -> PathBuf {
        self.with_extension("failed")
    }

    /// Holds what only this package reads, the files of the claim protocol among it.
    pub fn private(&self) -> PathBuf {
        self.path.join(".experimaestro")
    }

    /// The GPUs that the job was given.
    pub fn devices(&self) -> PathBuf {
        self.private().join("devices.json")
    }

    /// One file of one attempt.
    pub fn attempt(&self, number: u32, file: AttemptFile) -> PathBuf {
        self.private().join(format!("{number:05}.{}", file.extension()))
    }

    /// Progress, appended by the process.
    pub fn progress(&self) -> PathBuf {
        self.private().join("progress.jsonl")
    }

    /// What its ancestors are made of, shared by the jobs of a run.
    pub fn ancestors(&self, word: &str) -> PathBuf {
        self.private().join(ancestors(word))
    }

    /// The same from the folder itself, as `params.json` names it.
    pub fn relative_ancestors(word: &str) -> String {
        format!(".experimaestro/{}", ancestors(word))
    }

    /// Whether a name in [`JobDirectory::private`] is that of a file of ancestors.
    pub fn is_ancestors(name: &str) -> bool {
        name.starts_with(ANCESTORS) && name.ends_with(LINES)
    }

    /// What was hashed, readable.
    pub fn identity(&self) -> PathBuf {
        self.private().join("identity.json")
    }
}

const ANCESTORS: &str = "ancestors-";
const LINES: &str = ".jsonl";

/// The name of a file of ancestors; each has a word of its own.
pub(super) fn ancestors(word: &str) -> String {
    format!("{ANCESTORS}{word}{LINES}")
}
