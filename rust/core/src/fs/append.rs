//! Files that only grow.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{FsResult, operate};

fn open(path: &Path) -> FsResult<File> {
    operate("open", path, || OpenOptions::new().append(true).create(true).open(path))
}

/// Add bytes at the end of a file, in one write, creating the file when missing.
///
/// # Errors
/// When the file cannot be opened or written.
pub fn append(path: &Path, content: &[u8]) -> FsResult<()> {
    let mut file = open(path)?;
    operate("append to", path, || file.write_all(content))
}

/// A file kept open for appending.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
}

impl AppendFile {
    /// Open a file at its end, creating it when missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> FsResult<Self> {
        Ok(Self { file: open(path)?, path: path.to_path_buf() })
    }

    /// Add bytes at the end, in one write.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append(&mut self, content: &[u8]) -> FsResult<()> {
        operate("append to", &self.path, || self.file.write_all(content))
    }

    /// Wait until what was written is on the disk.
    ///
    /// # Errors
    /// When the system cannot promise it.
    pub fn sync(&self) -> FsResult<()> {
        operate("synchronise", &self.path, || self.file.sync_data())
    }
}
