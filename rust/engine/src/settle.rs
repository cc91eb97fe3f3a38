//! What became of a job: from the end of a process, and from its folder.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use experimaestro_core::claim::{
    ClaimError, ClaimResult, End, Evidence, Liveness, Outcome, ProcessIdentity, abandon, complete, declare_lost,
    evidence, evidence_of,
};
use experimaestro_core::fs;
use experimaestro_core::job::{Failure, JobEvent, Reason, Success};
use experimaestro_core::layout::AttemptFile;
use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};

use crate::job::Job;
use crate::look::running;
use crate::shared::Shared;
use crate::time::now;

/// A process of another host beats every ten seconds; it is given up when it missed this many.
const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(60);
/// A driver that lives may take long to start a process, but not for ever.
const CLAIM_PATIENCE: Duration = Duration::from_secs(300);
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LAST_DELAY: Duration = Duration::from_secs(1);

/// How a process ended; both unknown if it was not our child.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exit {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
}

impl Exit {
    fn describe(self) -> String {
        match (self.code, self.signal) {
            (_, Some(signal)) => match signal_name(signal) {
                Some(name) => format!("its process was killed by signal {signal} ({name})"),
                None => format!("its process was killed by signal {signal}"),
            },
            (Some(code), None) => format!("its process ended with exit code {code} without recording an outcome"),
            (None, None) => "its process vanished without recording an outcome".to_owned(),
        }
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    let known = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
    ];
    known.into_iter().find(|(signal, _)| signal.as_raw() == number).map(|(_, name)| name)
}

/// The success that an attempt recorded.
pub(crate) fn success(end: Option<&End>) -> Success {
    Success { reused: false, started: end.and_then(|end| end.started), ended: end.map(|end| end.time) }
}

/// The failure that an attempt recorded.
pub(crate) fn failure(end: Option<&End>) -> Failure {
    let Some(end) = end else {
        return Failure::before_start(Reason::Failed, "how its attempt ended cannot be read", now());
    };
    let reason = match end.outcome {
        Outcome::Timeout => Reason::Timeout,
        Outcome::Cancelled => Reason::Cancelled,
        Outcome::Done | Outcome::Failed | Outcome::Lost => Reason::Failed,
    };
    let (message, code) = (end.message.clone(), end.code);
    Failure { message, code, started: end.started, ..Failure::new(reason, end.time) }
}

/// The disk refused something that a job cannot do without.
pub(crate) fn disk_failure(error: &ClaimError) -> Failure {
    Failure::before_start(Reason::Failed, error.to_string(), now())
}

/// An attempt of ours gets no process: say so, for everybody.
pub(crate) fn cannot_start(shared: &Arc<Shared>, job: &Arc<Job>, number: u32, message: &str) {
    match abandon(job.directory(), number, message, now()) {
        Ok(false) => own_ended(shared, job, Exit::default()),
        // When even that cannot be written, the claim is given up by whoever looks at it for long enough.
        Ok(true) | Err(_) => {
            shared.tell(job.id(), JobEvent::Failed(Failure::before_start(Reason::Failed, message, now())));
        }
    }
}

/// The process of an attempt of ours ended.
pub(crate) fn own_ended(shared: &Arc<Shared>, job: &Arc<Job>, exit: Exit) {
    match own_outcome(shared, job, exit) {
        Ok(Some(event)) => shared.tell(job.id(), event),
        Ok(None) => {}
        Err(error) => shared.tell(job.id(), JobEvent::Failed(disk_failure(&error))),
    }
}

/// `None` when another process runs the attempt: it is watched from now on.
fn own_outcome(shared: &Arc<Shared>, job: &Arc<Job>, exit: Exit) -> ClaimResult<Option<JobEvent>> {
    let Some(number) = job.attempt() else { return Ok(None) };
    let mut found = evidence_of(job.directory(), number)?;
    if matches!(found, Evidence::Claimed { .. }) {
        let place = job.directory().stderr();
        let message = format!("{} before it could begin (see {})", exit.describe(), place.display());
        if abandon(job.directory(), number, &message, now())? {
            return Ok(Some(JobEvent::Failed(Failure {
                code: exit.code,
                ..Failure::before_start(Reason::Failed, message, now())
            })));
        }
        found = evidence_of(job.directory(), number)?;
    }
    if let Evidence::Running { run, .. } = &found {
        let process = run.as_ref().and_then(|run| run.process.clone());
        if let Some(process) = process.filter(|process| process.liveness() == Liveness::Alive) {
            let (again, job) = (Arc::clone(shared), Arc::clone(job));
            shared.watcher.process(process, move || {
                let pool = again.pool.clone();
                pool.run(move || own_ended(&again, &job, Exit::default()));
            });
            return Ok(None);
        }
        found = declare_lost(job.directory(), number, exit.code, &exit.describe(), now())?;
    }
    Ok(Some(outcome(job, found)?))
}

/// The event of an attempt that is over.
fn outcome(job: &Job, found: Evidence) -> ClaimResult<JobEvent> {
    Ok(match found {
        Evidence::Done { end, .. } => {
            if !fs::exists(&job.directory().done())? {
                complete(job.directory())?;
            }
            JobEvent::Succeeded(success(end.as_ref()))
        }
        Evidence::Ended { end, .. } => JobEvent::Failed(failure(end.as_ref())),
        Evidence::Abandoned { run, .. } => {
            let message = run.message.unwrap_or_default();
            JobEvent::Failed(Failure::before_start(Reason::Failed, message, now()))
        }
        Evidence::ForeignFailure { failure } => {
            let reason = Reason::from_name(&failure.reason);
            let (message, code) = (failure.message, failure.code);
            JobEvent::Failed(Failure { message, code, ..Failure::new(reason, now()) })
        }
        Evidence::Nothing | Evidence::Claimed { .. } | Evidence::Running { .. } | Evidence::Foreign { .. } => {
            JobEvent::Failed(Failure::before_start(Reason::Failed, Exit::default().describe(), now()))
        }
    })
}

/// Follow a job that runs without our having started it, to its end.
pub(crate) fn follow(shared: &Arc<Shared>, job: &Arc<Job>) {
    let watch = Watch { seen: None, since: Instant::now(), delay: FIRST_DELAY };
    look_again(shared, job, watch);
}

/// What was seen of a job on another host, and since when it has not changed.
#[derive(Clone, Copy)]
struct Watch {
    seen: Option<(u32, bool, Option<SystemTime>)>,
    since: Instant,
    delay: Duration,
}

fn look_again(shared: &Arc<Shared>, job: &Arc<Job>, mut watch: Watch) {
    match next(shared, job, &mut watch) {
        Ok(Next::Tell(event)) => shared.tell(job.id(), event),
        Ok(Next::Watched) => {}
        Ok(Next::Later) => later(shared, job, watch),
        // A network disk that does not answer is no reason to give up a job that may well be running.
        Err(_) => later(shared, job, Watch { delay: LAST_DELAY, ..watch }),
    }
}

fn later(shared: &Arc<Shared>, job: &Arc<Job>, watch: Watch) {
    let (again, job, delay) = (Arc::clone(shared), Arc::clone(job), watch.delay);
    let watch = Watch { delay: (delay * 3 / 2).min(LAST_DELAY), ..watch };
    shared.watcher.after(delay, move || {
        let pool = again.pool.clone();
        pool.run(move || look_again(&again, &job, watch));
    });
}

enum Next {
    Tell(JobEvent),
    /// The end of a process will wake us.
    Watched,
    Later,
}

fn next(shared: &Arc<Shared>, job: &Arc<Job>, watch: &mut Watch) -> ClaimResult<Next> {
    let directory = job.directory();
    let found = evidence(directory)?;
    match &found {
        Evidence::Claimed { number, claim } => {
            let liveness = claim.as_ref().map_or(Liveness::Unknown, |claim| claim.owner.liveness());
            let patience = if liveness == Liveness::Alive { CLAIM_PATIENCE } else { HEARTBEAT_PATIENCE };
            let unchanged = watch.unchanged_for((*number, false, None));
            if liveness == Liveness::Dead || unchanged > patience {
                let won = abandon(directory, *number, "its driver did not start it", now())?;
                return Ok(if won { Next::Tell(JobEvent::Vacated) } else { Next::Later });
            }
            Ok(Next::Later)
        }
        Evidence::Running { number, run, claim } => {
            let process = run.as_ref().and_then(|run| run.process.clone());
            let liveness = process.as_ref().map_or(Liveness::Unknown, ProcessIdentity::liveness);
            let known = job.observed().pid;
            match (liveness, process) {
                (Liveness::Dead, _) => {
                    let found = declare_lost(directory, *number, None, &Exit::default().describe(), now())?;
                    Ok(Next::Tell(outcome(job, found)?))
                }
                (Liveness::Alive, Some(process)) if known == Some(process.pid) => {
                    watch_process(shared, job, process);
                    Ok(Next::Watched)
                }
                (Liveness::Alive, _) => {
                    // The driver's answer to this is to follow once more, with the process known.
                    Ok(running(run.as_ref(), claim.as_ref())
                        .map_or(Next::Later, |running| Next::Tell(JobEvent::Started(running))))
                }
                (Liveness::Unknown, _) => {
                    let beat = fs::modified(&directory.attempt(*number, AttemptFile::Beat))?;
                    if watch.unchanged_for((*number, true, beat)) <= HEARTBEAT_PATIENCE {
                        return Ok(Next::Later);
                    }
                    let found = declare_lost(directory, *number, None, "its heartbeat stopped", now())?;
                    Ok(Next::Tell(outcome(job, found)?))
                }
            }
        }
        Evidence::Foreign { process } => {
            watch_process(shared, job, process.clone());
            Ok(Next::Watched)
        }
        Evidence::Abandoned { .. } => Ok(Next::Tell(JobEvent::Vacated)),
        Evidence::Nothing if !fs::exists(directory.path())? => {
            let failure = Failure::before_start(Reason::Deleted, "its folder was removed", now());
            Ok(Next::Tell(JobEvent::Failed(failure)))
        }
        Evidence::Nothing | Evidence::Done { .. } | Evidence::Ended { .. } | Evidence::ForeignFailure { .. } => {
            Ok(Next::Tell(outcome(job, found)?))
        }
    }
}

fn watch_process(shared: &Arc<Shared>, job: &Arc<Job>, process: ProcessIdentity) {
    let (again, job) = (Arc::clone(shared), Arc::clone(job));
    shared.watcher.process(process, move || {
        let pool = again.pool.clone();
        pool.run(move || follow(&again, &job));
    });
}

impl Watch {
    fn unchanged_for(&mut self, seen: (u32, bool, Option<SystemTime>)) -> Duration {
        if self.seen != Some(seen) {
            *self = Self { seen: Some(seen), since: Instant::now(), delay: self.delay };
        }
        self.since.elapsed()
    }
}

/// Ask the process of a job to stop. A process of another host cannot be asked.
pub(crate) fn stop(job: &Job) {
    let Ok(Evidence::Running { run: Some(run), .. }) = evidence(job.directory()) else {
        // It has not begun: a process that was started for us can be stopped all the same.
        return signal(job.observed().pid);
    };
    let alive = run.process.filter(|process| process.liveness() == Liveness::Alive);
    signal(alive.map(|process| process.pid));
}

fn signal(pid: Option<u32>) {
    let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) else { return };
    // Jobs lead a group of their own: what they started stops with them. It may be gone already.
    let leads = getpgid(Some(pid)).is_ok_and(|group| group == pid);
    let _ = if leads { kill_process_group(pid, Signal::TERM) } else { kill_process(pid, Signal::TERM) };
}
