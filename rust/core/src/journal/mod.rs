//! The journal of a run: what happened, line by line, as monitors and later drivers read it.
//!
//! It is a record, not the truth: whether a job is done is decided in the job's own folder (see [`crate::claim`]).

mod format;
mod reader;
mod writer;

use std::path::PathBuf;

pub use format::{Header, Record, StateLine, Status, VERSION};
pub use reader::{JobHistory, RunHistory, read};
pub use writer::JournalWriter;

use crate::fs::FsError;

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// There is no journal, or nothing in it yet.
    #[error("there is no journal {}, or nothing in it yet", .0.display())]
    Missing(PathBuf),
    /// A line in the middle makes no sense.
    #[error("the journal {} is damaged at line {line}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A newer version of this package wrote it.
    #[error("the journal {} is of version {version}; this version of experimaestro reads up to {VERSION}: install a newer one", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}
