//! The lock of an experiment: one driver at a time writes its runs. Running a job once does not depend on it.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use experimaestro_core::claim::ProcessIdentity;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::RunError;

const RETRY: Duration = Duration::from_millis(100);

static HELD: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// A lock that is held; given back when dropped.
pub(super) struct ExperimentLock {
    path: PathBuf,
    // Closing it gives the lock back.
    _file: File,
}

impl Drop for ExperimentLock {
    fn drop(&mut self) {
        if let Some(held) = HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            held.remove(&self.path);
        }
    }
}

impl ExperimentLock {
    /// Take the lock; while somebody else has it, `on_wait` is told once who, and `go_on` asked again and again.
    pub(super) fn take(
        path: &Path,
        on_wait: &mut dyn FnMut(&str),
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Self, RunError> {
        let cannot = |error: std::io::Error| RunError::Workspace(format!("cannot use {}: {error}", path.display()));
        if HELD.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|held| held.contains(path)) {
            let text = "this process is in the middle of the same experiment already: leave it, or choose another name";
            return Err(RunError::Workspace(format!("{text} ({})", path.display())));
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(cannot)?;
        let mut told = false;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => {
                    if !std::mem::replace(&mut told, true) {
                        on_wait(&holder(&mut file));
                    }
                    if !go_on() {
                        return Err(RunError::Interrupted);
                    }
                    std::thread::sleep(RETRY);
                }
                Err(Errno::INTR) => {}
                // A file system without locks is as good: jobs run once all the same.
                Ok(()) | Err(_) => break,
            }
        }
        let _ = write_holder(&mut file);
        let held = &mut *HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_default().insert(path.to_path_buf());
        Ok(Self { path: path.to_path_buf(), _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    serde_json::from_str::<ProcessIdentity>(&text).map_or_else(|_| "an unknown host".to_owned(), |holder| holder.host)
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec(&ProcessIdentity::current())?)
}
