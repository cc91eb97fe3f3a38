//! Claim a job, start its process.

use std::path::PathBuf;
use std::sync::Arc;

use experimaestro_core::claim::{ClaimResult, Evidence, ProcessIdentity, Taken, abandon, evidence_of, take};
use experimaestro_core::fs;
use experimaestro_core::job::{JobEvent, Place, Running, Success};
use experimaestro_core::layout::{AttemptFile, JobDirectory};

use crate::job::Job;
use crate::launch::Request;
use crate::lease::bind;
use crate::look::held;
use crate::needs::Devices;
use crate::prepare::Surroundings;
use crate::settle::{cannot_start, disk_failure, failure};
use crate::shared::Shared;
use crate::time::now;

/// Tells a process which devices are its own.
const DEVICES: &str = "CUDA_VISIBLE_DEVICES";

/// Start a job that was given its resources, unless its folder says that it is done or somebody else's.
///
/// `perishable` are those it depends on whose folders may have been removed since they were done.
pub(crate) fn start(shared: &Arc<Shared>, job: &Arc<Job>, perishable: &[Arc<Job>]) {
    let taken = take(job.directory(), &ProcessIdentity::current(), now());
    let event = match taken {
        Ok(Taken::Mine(number)) => match ended_meanwhile(job, number) {
            Ok(None) => match removed_of(perishable) {
                None => return start_attempt(shared, job, number),
                Some(message) => return cannot_start(shared, job, number, &message),
            },
            Ok(Some(event)) => event,
            Err(error) => return cannot_start(shared, job, number, &error.to_string()),
        },
        Ok(Taken::Done) => JobEvent::FoundDone(Success { reused: true, ..Success::default() }),
        Ok(Taken::Held(holder)) => held(&holder),
        Err(error) => JobEvent::Failed(disk_failure(&error)),
    };
    shared.tell(job.id(), event);
}

/// What to say when a job that was done for others only is not there any more.
fn removed_of(perishable: &[Arc<Job>]) -> Option<String> {
    let is_gone = |job: &&Arc<Job>| !matches!(fs::exists(&job.directory().done()), Ok(true));
    let key = perishable.iter().find(is_gone)?.key();
    Some(format!(
        "{}/{} that it depends on was removed when another run ended that did not need it any more (TransientMode.REMOVE): \
         submit both again",
        key.task_id, key.identifier
    ))
}

/// Another driver may have run the job while it waited here, and not well: then that is how it ended, as if it had been
/// followed. Otherwise each driver would run what fails once more, and have tries of its own where all have them together.
fn ended_meanwhile(job: &Job, number: u32) -> ClaimResult<Option<JobEvent>> {
    let directory = job.directory();
    for earlier in (job.known_attempts() + 1..number).rev() {
        let Evidence::Ended { end, .. } = evidence_of(directory, earlier)? else { continue };
        if fs::exists(&directory.attempt(earlier, AttemptFile::Void))? {
            continue;
        }
        abandon(directory, number, "another driver's attempt failed meanwhile", now())?;
        job.set_known_attempts(number);
        return Ok(Some(JobEvent::Failed(failure(directory, earlier, end.as_ref())?)));
    }
    Ok(None)
}

fn start_attempt(shared: &Arc<Shared>, job: &Arc<Job>, number: u32) {
    job.set_attempt(number);
    match bind(shared, job, number) {
        Ok(true) => {}
        // Others gave us up: what we have is theirs by now. The attempt goes, and the job is ready again.
        Ok(false) => return leases_are_gone(shared, job, number),
        Err(error) => return cannot_start(shared, job, number, &error.to_string()),
    }
    let python = &shared.launcher.settings().python;
    let prepared = job.preparation().start(job.directory(), python, &shared.surroundings).and_then(|surroundings| {
        shared.plan(job.id(), &surroundings);
        let devices = job.devices();
        if !devices.is_empty() {
            Devices::record(&devices, job.directory()).map_err(|error| error.to_string())?;
        }
        Ok(Request {
            job: Arc::clone(job),
            attempt: number,
            surroundings: with_devices(surroundings, &devices),
            refusals: 0,
        })
    });
    match prepared {
        Ok(request) => shared.launcher.launch(shared, request),
        Err(message) => cannot_start(shared, job, number, &message),
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

fn leases_are_gone(shared: &Arc<Shared>, job: &Arc<Job>, number: u32) {
    match abandon(job.directory(), number, "its leases were given to others", now()) {
        // Followed like the attempt of another driver, it is found to be over, and the job starts again from there.
        Ok(_) => {
            let elsewhere = Running { place: Place::Elsewhere, pid: None, started: None };
            shared.tell(job.id(), JobEvent::FoundRunning(elsewhere));
        }
        Err(error) => cannot_start(shared, job, number, &error.to_string()),
    }
}

fn with_devices(surroundings: Arc<Surroundings>, devices: &[String]) -> Arc<Surroundings> {
    if devices.is_empty() {
        return surroundings;
    }
    let mut own = Surroundings::clone(&surroundings);
    own.environment.retain(|(name, _)| name != DEVICES);
    own.environment.push((DEVICES.to_owned(), devices.join(",")));
    Arc::new(own)
}

/// Take the folder of a job out of the way, in one step: whoever looks for the job finds that it was never run.
pub(crate) fn set_aside(job: &JobDirectory) -> Option<PathBuf> {
    let (folder, name) = (job.path().parent()?, job.path().file_name()?.to_str()?);
    let aside = folder.join(format!(".{name}.{}.removed", fs::random_word()));
    std::fs::rename(job.path(), &aside).is_ok().then_some(aside)
}
