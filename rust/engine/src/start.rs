//! Claim a job, write its folder, start its process.

use std::path::Path;
use std::sync::Arc;

use experimaestro_core::claim::{ProcessIdentity, Taken, take};
use experimaestro_core::fs::{self, Durability, FsResult};
use experimaestro_core::job::{JobEvent, Success};
use experimaestro_core::layout::JobDirectory;

use crate::job::Job;
use crate::launch::{Launch, Request, script};
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
    let started = prepare(shared, job).and_then(|launch| {
        let request = request(job, number, launch);
        shared.launcher.launch(shared, request).map_err(|error| format!("cannot start its process: {error}"))
    });
    if let Err(message) = started {
        cannot_start(shared, job, number, &message);
    }
}

fn prepare(shared: &Shared, job: &Job) -> Result<Launch, String> {
    let launch = job.take_launch().ok_or("nobody knows how to start it")?;
    let wanted = launch()?;
    write_files(job.directory(), &shared.launcher.settings().python, &wanted).map_err(|error| error.to_string())?;
    Ok(wanted)
}

/// Write what a job's folder holds before it runs. A reader never sees half of a file.
pub(crate) fn write_files(job: &JobDirectory, python: &Path, launch: &Launch) -> FsResult<()> {
    fs::replace(&job.params(), &launch.params, Durability::Content)?;
    fs::replace(&job.identity(), &launch.identity, Durability::Process)?;
    fs::replace_executable(&job.script(), &script(python, launch), Durability::Process)
}

fn request(job: &Arc<Job>, attempt: u32, launch: Launch) -> Request {
    let Launch { inherited, environment, python_path, .. } = launch;
    let is_overlaid = |name: &str| environment.iter().any(|(other, _)| other == name);
    let mut whole: Vec<(String, String)> = inherited.into_iter().filter(|(name, _)| !is_overlaid(name)).collect();
    whole.extend(environment);
    Request { job: Arc::clone(job), attempt, environment: whole, python_path }
}
