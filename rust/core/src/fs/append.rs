//! Files that only grow.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::{FsResult, absent, fault, operate};

fn open(path: &Path) -> FsResult<File> {
    operate("open", path, || OpenOptions::new().append(true).create(true).open(path))
}

fn open_readable(path: &Path) -> FsResult<File> {
    operate("open", path, || OpenOptions::new().read(true).append(true).create(true).open(path))
}

/// Add bytes at the end of a file, in one write, creating the file when missing.
///
/// # Errors
/// When the file cannot be opened or written.
pub fn append(path: &Path, content: &[u8]) -> FsResult<()> {
    let mut file = open(path)?;
    operate("append to", path, || fault::write_all(&mut file, content, path))
}

/// A file kept open for appending.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
    length: u64,
}

impl AppendFile {
    /// Open a file at its end, creating it when missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> FsResult<Self> {
        let file = open_readable(path)?;
        let length = operate("look at", path, || file.metadata())?.len();
        Ok(Self { file, path: path.to_path_buf(), length })
    }

    /// Add bytes at the end, all of them or none: what a full disk let through is cut off again.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn append(&mut self, content: &[u8]) -> FsResult<()> {
        let written = operate("append to", &self.path, || fault::write_all(&mut self.file, content, &self.path));
        match &written {
            Ok(()) => self.length += content.len() as u64,
            // Should this fail too, readers cut the last line themselves.
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }

    /// Cut the file to a length.
    ///
    /// # Errors
    /// When it cannot be changed.
    pub fn cut(&mut self, length: u64) -> FsResult<()> {
        operate("cut", &self.path, || self.file.set_len(length))?;
        self.length = length;
        Ok(())
    }

    /// How long the file is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What it holds, also when its name is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn content(&self) -> FsResult<Vec<u8>> {
        let mut content = vec![0; usize::try_from(self.length).unwrap_or(usize::MAX)];
        operate("read", &self.path, || self.file.read_exact_at(&mut content, 0))?;
        Ok(content)
    }

    /// Whether a path is a name of this very file.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn is_named(&self, path: &Path) -> FsResult<bool> {
        let own = operate("look at", &self.path, || self.file.metadata())?;
        let found = absent(operate("look at", path, || std::fs::metadata(path)))?;
        Ok(found.is_some_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino())))
    }

    /// Let other hosts see what was written: network file systems send it when a descriptor of the file is closed.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn publish(&self) -> FsResult<()> {
        operate("publish", &self.path, || self.file.try_clone().map(drop))
    }

    /// Wait until what was written is on the disk.
    ///
    /// # Errors
    /// When the system cannot promise it.
    pub fn sync(&self) -> FsResult<()> {
        operate("synchronise", &self.path, || self.file.sync_data())
    }
}
