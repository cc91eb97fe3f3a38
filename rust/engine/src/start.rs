//! Claim a job, start its process.

use std::path::PathBuf;
use std::sync::Arc;

use experimaestro_core::claim::{ProcessIdentity, Taken, take};
use experimaestro_core::fs;
use experimaestro_core::job::{JobEvent, Success};
use experimaestro_core::layout::JobDirectory;

use crate::job::Job;
use crate::launch::Request;
use crate::look::held;
use crate::settle::{cannot_start, disk_failure};
use crate::shared::Shared;
use crate::time::now;

/// Start a job that was given its resources, unless its folder says that it is done or somebody else's.
pub(crate) fn start(shared: &Arc<Shared>, job: &Arc<Job>) {
    let taken = take(job.directory(), &ProcessIdentity::current(), now());
    let event = match taken {
        Ok(Taken::Mine(number)) => return start_attempt(shared, job, number),
        Ok(Taken::Done) => JobEvent::FoundDone(Success { reused: true, ..Success::default() }),
        Ok(Taken::Held(holder)) => held(&holder),
        Err(error) => JobEvent::Failed(disk_failure(&error)),
    };
    shared.tell(job.id(), event);
}

fn start_attempt(shared: &Arc<Shared>, job: &Arc<Job>, number: u32) {
    job.set_attempt(number);
    let python = &shared.launcher.settings().python;
    let started = job.preparation().start(job.directory(), python, &shared.surroundings).and_then(|surroundings| {
        shared.plan(job.id(), &surroundings);
        let request = Request {
            job: Arc::clone(job),
            attempt: number,
            environment: surroundings.whole_environment(),
            python_path: surroundings.python_path.clone(),
        };
        shared.launcher.launch(shared, request).map_err(|error| format!("cannot start its process: {error}"))
    });
    if let Err(message) = started {
        cannot_start(shared, job, number, &message);
    }
}

/// Write down how a job starts that may have to wait long: whoever comes after this driver can start it then.
pub(crate) fn plan(shared: &Arc<Shared>, job: &Arc<Job>) {
    let python = &shared.launcher.settings().python;
    // What goes wrong here goes wrong again when it starts, and is told then.
    if let Ok(Some(surroundings)) = job.preparation().plan(job.directory(), python, &shared.surroundings) {
        shared.plan(job.id(), &surroundings);
    }
}

/// Take the folder of a job out of the way, in one step: whoever looks for the job finds that it was never run.
pub(crate) fn set_aside(job: &JobDirectory) -> Option<PathBuf> {
    let (folder, name) = (job.path().parent()?, job.path().file_name()?.to_str()?);
    let aside = folder.join(format!(".{name}.{}.removed", fs::random_word()));
    std::fs::rename(job.path(), &aside).is_ok().then_some(aside)
}
