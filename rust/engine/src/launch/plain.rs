//! A job as a new interpreter that runs `<name>.py`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use experimaestro_core::fs::fault;
use experimaestro_core::job::{JobEvent, Place, Running};

use super::{Request, ended};
use crate::shared::Shared;
use crate::time::now;

pub(super) fn start(shared: &Arc<Shared>, request: &Request) -> io::Result<()> {
    let Request { job, attempt, surroundings, .. } = request;
    let directory = job.directory();
    let mut command = Command::new(&shared.launcher.settings().python);
    command.arg(directory.script()).current_dir(&*job.key().workspace);
    command.env_clear().envs(surroundings.whole_environment()).env("XPM_ATTEMPT", attempt.to_string());
    command.stdin(Stdio::null()).stdout(log(&directory.stdout())?).stderr(log(&directory.stderr())?);
    // SAFETY: between fork and exec only this system call is made; it allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            // A session of its own: the job survives the driver and its terminal.
            rustix::process::setsid()?;
            Ok(())
        });
    }
    fault::point("launch", directory.path())?;
    let child = command.spawn()?;
    // The process is there: whatever happens to this one now, it goes on.
    drop(fault::point("watch", directory.path()));
    let running = Running { place: Place::Own, pid: Some(child.id()), started: Some(now()) };
    shared.tell(job.id(), JobEvent::Started(running));
    let (again, job) = (Arc::clone(shared), Arc::clone(job));
    shared.watcher.child(child, move |exit| ended(&again, &job, exit));
    Ok(())
}

/// Appended to: the runner empties the logs once it knows that the attempt is its own.
fn log(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
