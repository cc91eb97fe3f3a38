//! Files that are replaced whole: a reader sees the old content or the new one.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::unique::temporary_beside;
use super::{FsResult, fault, operate, sync_folder};

/// What a write must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the process: readers never see half a file.
    Process,
    /// A loss of power too, where the name is made durable by what follows: the content is on the disk before the name.
    Content,
    /// A loss of power too, once the call has returned: content and name are on the disk.
    Power,
}

/// Write a file through a temporary one in the same folder.
///
/// # Errors
/// When it cannot be written; the old content is then untouched and no temporary file remains.
pub fn replace(path: &Path, content: &[u8], durability: Durability) -> FsResult<()> {
    write(path, content, 0o666, durability)
}

/// As [`replace`], for a file that can be executed (as far as the umask allows).
///
/// # Errors
/// As [`replace`].
pub fn replace_executable(path: &Path, content: &[u8], durability: Durability) -> FsResult<()> {
    write(path, content, 0o777, durability)
}

fn write(path: &Path, content: &[u8], mode: u32, durability: Durability) -> FsResult<()> {
    let temporary = temporary_beside(path);
    let written = write_new(&temporary, content, mode, durability)
        .and_then(|()| operate("replace", path, || fs::rename(&temporary, path)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    match (durability, path.parent()) {
        (Durability::Power, Some(folder)) => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Write a file that does not exist yet.
pub(super) fn write_new(path: &Path, content: &[u8], mode: u32, durability: Durability) -> FsResult<()> {
    operate("write", path, || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        fault::write_all(&mut file, content, path)?;
        match durability {
            Durability::Process => Ok(()),
            Durability::Content | Durability::Power => file.sync_data(),
        }
    })
}

/// Point a symbolic link somewhere else, atomically.
///
/// # Errors
/// When the link cannot be made.
pub fn replace_symlink(target: &Path, link: &Path) -> FsResult<()> {
    let temporary = temporary_beside(link);
    let made = operate("replace the link", link, || {
        std::os::unix::fs::symlink(target, &temporary)?;
        fault::point("rename the link", link)?;
        fs::rename(&temporary, link)
    });
    if made.is_err() {
        let _: io::Result<()> = fs::remove_file(&temporary);
    }
    made
}
