//! Files that only one of many can create, on local file systems and on NFS.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::replace::{Durability, write_new};
use super::unique::temporary_beside;
use super::{FsError, FsResult, operate};

/// Who created the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// We did: the file holds our content.
    Won,
    /// Somebody else had, before us.
    Lost,
}

/// Create a file with its whole content, if and only if nobody has.
///
/// The content is written (and, as `durability` says, synchronised) under a temporary name, then given its name by a hard link. It must be unique
/// to the caller (carry a random word): over NFS the answer to a link that succeeded may be lost, and the repeated
/// request then says "exists". The link count, or else the content, tells whose it is.
///
/// # Errors
/// When the file can be neither created nor found.
pub fn create_exclusive(path: &Path, content: &[u8], durability: Durability) -> FsResult<Creation> {
    let temporary = temporary_beside(path);
    let linked = write_new(&temporary, content, 0o666, durability).and_then(|()| link(&temporary, path, content));
    // A temporary file that stays is swept by the next attempt; the outcome of the link is what matters.
    let _ = fs::remove_file(&temporary);
    linked
}

/// As [`create_exclusive`], where a missing folder means that the file cannot be ours: `Lost`.
///
/// # Errors
/// As [`create_exclusive`].
pub fn try_create_exclusive(path: &Path, content: &[u8], durability: Durability) -> FsResult<Creation> {
    match create_exclusive(path, content, durability) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Creation::Lost),
        other => other,
    }
}

/// Give a file a second name. No error when that name is taken, or when there is no such file any more.
///
/// # Errors
/// When the name cannot be made.
pub fn second_name(path: &Path, name: &Path) -> FsResult<()> {
    match operate("create", name, || fs::hard_link(path, name)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => Ok(()),
        other => other.map_err(explain),
    }
}

fn link(temporary: &Path, path: &Path, content: &[u8]) -> FsResult<Creation> {
    let error = match operate("create", path, || fs::hard_link(temporary, path)) {
        Ok(()) => return Ok(Creation::Won),
        Err(error) => error,
    };
    if fs::metadata(temporary).is_ok_and(|metadata| metadata.nlink() == 2) {
        return Ok(Creation::Won);
    }
    match fs::read(path) {
        Ok(found) if found == content => Ok(Creation::Won),
        Ok(_) => Ok(Creation::Lost),
        Err(_) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Creation::Lost),
        Err(_) => Err(explain(error)),
    }
}

/// Make sure that files beside this one can have two names: nothing runs once where they cannot.
///
/// # Errors
/// When they cannot, or the folder may not be written.
pub fn require_links(path: &Path) -> FsResult<()> {
    let name = temporary_beside(path);
    operate("create", &name, || fs::hard_link(path, &name)).map_err(explain)?;
    operate("remove", &name, || fs::remove_file(&name))
}

fn explain(error: FsError) -> FsError {
    match error.source.kind() {
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied => FsError {
            source: io::Error::new(
                error.source.kind(),
                format!(
                    "{} (a workspace needs a file system with hard links, where you may write; \
                     `xpm doctor fs FOLDER` tells what is missing)",
                    error.source
                ),
            ),
            ..error
        },
        _ => error,
    }
}
