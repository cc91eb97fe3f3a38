//! Ending the process of a job: first asked to, then, after a grace, made to.

use std::sync::Arc;

use experimaestro_core::claim::{ClaimResult, Evidence, Liveness, ProcessIdentity, evidence};
use experimaestro_core::layout::JobDirectory;
use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};

use crate::job::Job;
use crate::shared::Shared;

/// Ask the process of a job to stop; kill it if it still lives after the grace. A process of another host cannot be reached.
pub(crate) fn stop(shared: &Arc<Shared>, job: &Arc<Job>) {
    job.request_stop();
    let Some(process) = process_of(job) else { return };
    if process.liveness() != Liveness::Alive {
        return;
    }
    signal(&process, Signal::TERM);
    let pool = shared.pool.clone();
    shared.watcher.after(shared.launcher.settings().grace, move || {
        // Its number may be that of another process by now.
        pool.run(move || {
            if process.liveness() == Liveness::Alive {
                signal(&process, Signal::KILL);
            }
        });
    });
}

/// Ask the process of a job to stop, whoever started it; false when no process of this host is known to run it.
///
/// # Errors
/// When the folder of the job cannot be read.
pub fn kill(job: &JobDirectory) -> ClaimResult<bool> {
    let process = match evidence(job)? {
        Evidence::Running { run: Some(run), .. } => run.process,
        Evidence::Foreign { process } => Some(process),
        _ => None,
    };
    // Only a process that is surely the one that was recorded: numbers are used again.
    let alive = process.filter(|process| process.liveness() == Liveness::Alive);
    Ok(alive.is_some_and(|process| signal(&process, Signal::TERM)))
}

fn process_of(job: &Job) -> Option<ProcessIdentity> {
    if let Ok(Evidence::Running { run: Some(run), .. }) = evidence(job.directory()) {
        return run.process;
    }
    // It has not begun: a process that was started for us can be stopped all the same.
    job.observed().pid.map(ProcessIdentity::of)
}

/// Whether the signal was sent.
fn signal(process: &ProcessIdentity, signal: Signal) -> bool {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return false };
    // Jobs lead a group of their own: what they started stops with them. It may be gone already.
    let leads = getpgid(Some(pid)).is_ok_and(|group| group == pid);
    let sent = if leads { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
    sent.is_ok()
}
