//! Adds lines to a journal.

use std::path::Path;

use serde::Serialize;

use super::format::{Header, Record};
use super::{JournalError, reader};
use crate::fs::{self, AppendFile, FsResult};

/// An open journal. Lines are kept until [`JournalWriter::flush`]: one write for many of them.
#[derive(Debug)]
pub struct JournalWriter {
    file: AppendFile,
    buffer: Vec<u8>,
}

impl JournalWriter {
    /// Start a journal.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path, header: &Header) -> FsResult<Self> {
        let mut writer = Self { file: AppendFile::open(path)?, buffer: Vec::new() };
        writer.add(header);
        writer.flush()?;
        Ok(writer)
    }

    /// Go on with a journal; a last line that a crash cut short is removed first.
    ///
    /// # Errors
    /// When it is not a journal, or cannot be written.
    pub fn resume(path: &Path) -> Result<Self, JournalError> {
        let bytes = fs::read(path)?.ok_or_else(|| JournalError::Missing(path.to_path_buf()))?;
        let whole = reader::whole_lines(&bytes).len() as u64;
        let mut file = AppendFile::open(path)?;
        if whole < file.length() {
            file.cut(whole)?;
        }
        Ok(Self { file, buffer: Vec::new() })
    }

    /// Add a line, at the next flush.
    pub fn record(&mut self, record: &Record) {
        self.add(record);
    }

    fn add(&mut self, line: &impl Serialize) {
        let start = self.buffer.len();
        match serde_json::to_writer(&mut self.buffer, line) {
            Ok(()) => self.buffer.push(b'\n'),
            // Half a line would hide the rest.
            Err(_) => self.buffer.truncate(start),
        }
    }

    /// Write the lines that were added. After an error they are kept, and go with the next flush.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn flush(&mut self) -> FsResult<()> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Write the lines that were added, and wait until they are on the disk.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn sync(&mut self) -> FsResult<()> {
        self.flush()?;
        self.file.sync()
    }
}
