//! Ending the process of a job: first asked to, then, after a grace, made to.

use std::sync::Arc;

use experimaestro_core::claim::{Evidence, Liveness, ProcessIdentity, evidence};
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

fn process_of(job: &Job) -> Option<ProcessIdentity> {
    if let Ok(Evidence::Running { run: Some(run), .. }) = evidence(job.directory()) {
        return run.process;
    }
    // It has not begun: a process that was started for us can be stopped all the same.
    job.observed().pid.map(ProcessIdentity::of)
}

fn signal(process: &ProcessIdentity, signal: Signal) {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { return };
    // Jobs lead a group of their own: what they started stops with them. It may be gone already.
    let leads = getpgid(Some(pid)).is_ok_and(|group| group == pid);
    let _ = if leads { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
}
