//! What became of a job: from the end of a process, and from its folder.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use experimaestro_core::claim::{
    ClaimError, ClaimResult, End, Ending, Evidence, Liveness, Outcome, ProcessIdentity, abandon, complete,
    count_timeouts, declare, declare_lost, evidence, evidence_of,
};
use experimaestro_core::fs;
use experimaestro_core::job::{Failure, Interruption, JobEvent, Reason, Success};
use experimaestro_core::layout::{AttemptFile, JobDirectory};
use rustix::process::Signal;

use crate::job::Job;
use crate::look::running;
use crate::shared::Shared;
use crate::time::now;

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
///
/// # Errors
/// When the attempts before it cannot be read.
pub(crate) fn failure(directory: &JobDirectory, number: u32, end: Option<&End>) -> ClaimResult<Failure> {
    let mut failure = ending(end);
    if failure.interruption == Some(Interruption::Timeout) {
        failure.timeouts = count_timeouts(directory, number)?;
    }
    Ok(failure)
}

/// What the end of an attempt means, without looking at those before.
pub(crate) fn ending(end: Option<&End>) -> Failure {
    let Some(end) = end else {
        return Failure::before_start(Reason::Failed, "how its attempt ended cannot be read", now());
    };
    let (reason, interruption) = match end.outcome {
        Outcome::Timeout => (Reason::Timeout, Some(Interruption::Timeout)),
        Outcome::Cancelled => (Reason::Cancelled, None),
        Outcome::Memory => (Reason::Memory, Some(Interruption::Memory)),
        Outcome::Preempted => (Reason::Failed, Some(Interruption::Preempted)),
        // Where somebody saw how its process ended, its code had a part in it, or a person.
        Outcome::Lost => (Reason::Failed, (end.code.is_none() && end.signal.is_none()).then_some(Interruption::Lost)),
        Outcome::Done | Outcome::Failed => (Reason::Failed, None),
    };
    Failure {
        message: end.message.clone(),
        interruption,
        origin: end.error.clone(),
        code: end.code,
        started: end.started,
        ..Failure::new(reason, end.time)
    }
}

/// How an attempt ended whose process said nothing.
fn unsaid(shared: &Shared, job: &Job, exit: Exit) -> Ending {
    let code = exit.code;
    if job.is_stop_requested() {
        return Ending::new(Outcome::Cancelled, code, Some(&format!("it was stopped: {}", exit.describe())));
    }
    let killed = exit.signal == Some(Signal::KILL.as_raw());
    if killed && shared.memory_kills.take_one() {
        let message = "its process was killed: there was no memory left for it";
        return Ending { signal: exit.signal, ..Ending::new(Outcome::Memory, code, Some(message)) };
    }
    Ending { signal: exit.signal, ..Ending::new(Outcome::Lost, code, Some(&exit.describe())) }
}

/// The disk refused something that a job cannot do without.
pub(crate) fn disk_failure(error: &ClaimError) -> Failure {
    Failure::before_start(Reason::Failed, error.to_string(), now())
}

/// An attempt of ours gets no process: say so, for everybody.
pub(crate) fn cannot_start(shared: &Arc<Shared>, job: &Arc<Job>, number: u32, message: &str) {
    match abandon(job.directory(), number, message, now()) {
        Ok(false) => return own_ended(shared, job, Exit::default()),
        Ok(true) => {}
        Err(_) => abandon_later(shared, job.directory().clone(), number, message.to_owned()),
    }
    shared.tell(job.id(), JobEvent::Failed(Failure::before_start(Reason::Failed, message, now())));
}

/// The disk is full, or far away. Until it is written that nobody runs the attempt, others wait for it, since its driver lives.
fn abandon_later(shared: &Arc<Shared>, directory: JobDirectory, number: u32, message: String) {
    let again = Arc::clone(shared);
    shared.watcher.after(LAST_DELAY, move || {
        let pool = again.pool.clone();
        pool.run(move || {
            if abandon(&directory, number, &message, now()).is_err() && !is_removed(&directory) {
                abandon_later(&again, directory, number, message);
            }
        });
    });
}

/// The process of an attempt of ours ended.
pub(crate) fn own_ended(shared: &Arc<Shared>, job: &Arc<Job>, exit: Exit) {
    match own_outcome(shared, job, exit) {
        Ok(Some(event)) => shared.tell(job.id(), event),
        Ok(None) => {}
        // The disk is not to blame: somebody took the folder away, or the job did.
        Err(_) if is_removed(job.directory()) => shared.tell(job.id(), JobEvent::Failed(removed())),
        Err(error) => shared.tell(job.id(), JobEvent::Failed(disk_failure(&error))),
    }
}

fn removed() -> Failure {
    Failure::before_start(Reason::Deleted, "its folder was removed", now())
}

fn is_removed(directory: &JobDirectory) -> bool {
    fs::exists(directory.path()).is_ok_and(|exists| !exists)
}

/// `None` when another process runs the attempt: it is watched from now on.
fn own_outcome(shared: &Arc<Shared>, job: &Arc<Job>, exit: Exit) -> ClaimResult<Option<JobEvent>> {
    let Some(number) = job.attempt() else { return Ok(None) };
    let mut found = evidence_of(job.directory(), number)?;
    if matches!(found, Evidence::Claimed { .. }) {
        let place = job.directory().stderr();
        let message = format!("{} before it could begin (see {})", exit.describe(), place.display());
        if abandon(job.directory(), number, &message, now())? {
            let reason = if job.is_stop_requested() { Reason::Cancelled } else { Reason::Failed };
            return Ok(Some(JobEvent::Failed(Failure {
                code: exit.code,
                ..Failure::before_start(reason, message, now())
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
        found = declare(job.directory(), number, &unsaid(shared, job, exit), now())?;
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
        Evidence::Ended { number, end } => {
            job.set_known_attempts(number);
            JobEvent::Failed(failure(job.directory(), number, end.as_ref())?)
        }
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
    let (directory, heartbeat) = (job.directory(), shared.launcher.settings().heartbeat);
    let found = evidence(directory)?;
    match &found {
        Evidence::Claimed { number, claim } => {
            let liveness = claim.as_ref().map_or(Liveness::Unknown, |claim| claim.owner.liveness());
            let patience = if liveness == Liveness::Alive { CLAIM_PATIENCE } else { heartbeat };
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
                    let found = declare(directory, *number, &unsaid(shared, job, Exit::default()), now())?;
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
                    if watch.unchanged_for((*number, true, beat)) <= heartbeat {
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
        Evidence::Nothing if !fs::exists(directory.path())? => Ok(Next::Tell(JobEvent::Failed(removed()))),
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
