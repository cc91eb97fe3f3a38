//! File operations: every one names its path and what it was doing when it fails.
//!
//! All that claims, markers and journals do on a disk passes through `operate`, so that there is one place where a
//! test can make an operation fail, stop, or kill the process.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

mod append;
mod exclusive;
pub mod fault;
mod replace;
mod unique;

pub use append::{AppendFile, append};
pub use exclusive::{Creation, create_exclusive, require_links, second_name, try_create_exclusive};
pub use replace::{Durability, replace, replace_executable, replace_symlink};
pub use unique::{is_temporary, random_word};

/// A file operation that failed: what, where, and the system's reason.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", .path.display())]
pub struct FsError {
    /// The operation, as a verb.
    pub operation: &'static str,
    /// What it was applied to.
    pub path: PathBuf,
    /// What the system answered.
    pub source: io::Error,
}

impl FsError {
    /// The system's kind of error.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

/// The result of a file operation.
pub type FsResult<T> = Result<T, FsError>;

/// Run one file operation and put its name and path into its error.
pub(crate) fn operate<T>(operation: &'static str, path: &Path, action: impl FnOnce() -> io::Result<T>) -> FsResult<T> {
    fault::point(operation, path).and_then(|()| action()).map_err(|source| FsError {
        operation,
        path: path.to_path_buf(),
        source,
    })
}

fn absent<T>(result: FsResult<T>) -> FsResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The content of a file; `None` if there is no such file.
///
/// # Errors
/// When the file exists and cannot be read.
pub fn read(path: &Path) -> FsResult<Option<Vec<u8>>> {
    absent(operate("read", path, || fs::read(path)))
}

/// Whether something is there (links are followed).
///
/// # Errors
/// When the system cannot tell, which is not the same as "no".
pub fn exists(path: &Path) -> FsResult<bool> {
    Ok(absent(operate("look for", path, || fs::metadata(path)))?.is_some())
}

/// When a file was last changed, by the clock of the file system; `None` if there is no such file.
///
/// # Errors
/// When the system cannot tell.
pub fn modified(path: &Path) -> FsResult<Option<SystemTime>> {
    absent(operate("look at", path, || fs::metadata(path)?.modified()))
}

/// The number that the file system gives to a file: another one after it was replaced. `None` if there is no such file.
///
/// # Errors
/// When the system cannot tell.
pub fn number(path: &Path) -> FsResult<Option<u64>> {
    use std::os::unix::fs::MetadataExt as _;
    absent(operate("look at", path, || Ok(fs::metadata(path)?.ino())))
}

/// The names in a folder, in no order; `None` if there is no such folder.
///
/// # Errors
/// When the folder exists and cannot be listed.
pub fn names(folder: &Path) -> FsResult<Option<Vec<String>>> {
    absent(operate("list", folder, || {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            if let Ok(name) = entry?.file_name().into_string() {
                found.push(name);
            }
        }
        Ok(found)
    }))
}

/// Make a folder and those above it; no error if it is there.
///
/// # Errors
/// When it cannot be made.
pub fn create_folders(folder: &Path) -> FsResult<()> {
    operate("create the folder", folder, || fs::create_dir_all(folder))
}

/// Make one folder; `false` if it was there already.
///
/// # Errors
/// When it cannot be made.
pub fn create_folder(folder: &Path) -> FsResult<bool> {
    match operate("create the folder", folder, || fs::create_dir(folder)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Remove a file; `false` if there was none.
///
/// # Errors
/// When it exists and cannot be removed.
pub fn remove(path: &Path) -> FsResult<bool> {
    Ok(absent(operate("remove", path, || fs::remove_file(path)))?.is_some())
}

/// Let two names change places, at one moment: there is no time at which one of them is missing.
///
/// # Errors
/// When one of them does not exist, or the system or file system cannot do this (Linux can, on most local disks).
pub fn exchange(path: &Path, other: &Path) -> FsResult<()> {
    operate("exchange", path, || swap(path, other))
}

#[cfg(target_os = "linux")]
fn swap(path: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, path, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn swap(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Make sure that names created in a folder survive a loss of power.
///
/// # Errors
/// When the folder cannot be opened or synchronised.
pub fn sync_folder(folder: &Path) -> FsResult<()> {
    operate("synchronise the folder", folder, || match File::open(folder)?.sync_all() {
        // Some network file systems have no such operation: their renames and links are synchronous already.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    })
}

/// Make sure that the content of a file survives a loss of power; no error if there is no such file.
///
/// # Errors
/// When the file cannot be opened or synchronised.
pub fn sync_content(path: &Path) -> FsResult<()> {
    absent(operate("synchronise", path, || File::open(path)?.sync_data()))?;
    Ok(())
}

/// Make an empty file; no error if there is one, whatever it holds.
///
/// # Errors
/// When it cannot be made.
pub fn create_empty(path: &Path) -> FsResult<()> {
    operate("create", path, || File::options().create(true).append(true).open(path)).map(drop)
}

/// Change the modification time of a file to now, creating it when missing.
///
/// # Errors
/// When it can be neither created nor changed.
pub fn touch(path: &Path) -> FsResult<()> {
    operate("touch", path, || {
        let file = File::options().create(true).append(true).open(path)?;
        file.set_modified(SystemTime::now())
    })
}

/// Make a symbolic link; no error if one with the same target is there.
///
/// # Errors
/// When something else is there, or it cannot be made.
pub fn create_symlink(target: &Path, link: &Path) -> FsResult<()> {
    operate("create the link", link, || match std::os::unix::fs::symlink(target, link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && fs::read_link(link)? == target => Ok(()),
        other => other,
    })
}

/// [`create_symlink`], as a second name of another symbolic link if that leads to the same place: no file is made then.
///
/// # Errors
/// As there.
pub fn share_symlink(other: &Path, target: &Path, link: &Path) -> FsResult<()> {
    let is_same = fs::read_link(other).is_ok_and(|found| found == target);
    // Not every system or file system can do this; the names of one link are limited too.
    if is_same && operate("create the link", link, || fs::hard_link(other, link)).is_ok() {
        return Ok(());
    }
    create_symlink(target, link)
}

/// Where a symbolic link leads; `None` if there is none.
///
/// # Errors
/// When what is there is not a link.
pub fn read_symlink(link: &Path) -> FsResult<Option<PathBuf>> {
    absent(operate("read the link", link, || fs::read_link(link)))
}
