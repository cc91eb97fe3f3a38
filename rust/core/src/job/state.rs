//! The states of a job. Each carries what is only true in it.

use serde::{Deserialize, Serialize};

use super::key::JobId;
use super::origin::Origin;
use super::retry::Interruption;

/// Why a job is in error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// A job that it depends on is in error.
    Dependency,
    /// Its code failed, or its process vanished.
    Failed,
    /// It took more memory than it was given.
    Memory,
    /// It took more time than it was given.
    Timeout,
    /// Somebody stopped it.
    Cancelled,
    /// The launcher cannot give it the time that it asks for.
    RejectedTimelimit,
    /// The launcher refused it.
    RejectedOther,
    /// It was done, and its outputs are gone.
    MissingOutputs,
    /// Its folder was removed.
    Deleted,
}

impl Reason {
    /// The word in files and in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dependency => "DEPENDENCY",
            Self::Failed => "FAILED",
            Self::Memory => "MEMORY",
            Self::Timeout => "TIMEOUT",
            Self::Cancelled => "CANCELLED",
            Self::RejectedTimelimit => "REJECTED_TIMELIMIT",
            Self::RejectedOther => "REJECTED_OTHER",
            Self::MissingOutputs => "MISSING_OUTPUTS",
            Self::Deleted => "DELETED",
        }
    }

    /// The reason of this name in any case; what is unknown is a plain failure.
    pub fn from_name(name: &str) -> Self {
        let known = [
            Self::Dependency,
            Self::Memory,
            Self::Timeout,
            Self::Cancelled,
            Self::RejectedTimelimit,
            Self::RejectedOther,
            Self::MissingOutputs,
            Self::Deleted,
        ];
        known.into_iter().find(|reason| reason.name().eq_ignore_ascii_case(name)).unwrap_or(Self::Failed)
    }
}

/// Who looks after a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// This driver started it.
    Own,
    /// A driver that is gone started it, on this host: this driver looks after it now.
    Adopted,
    /// Another driver, which may be alive, started it or is about to.
    Elsewhere,
}

/// A job whose process runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Who looks after it.
    pub place: Place,
    /// The process, if it is of this host.
    pub pid: Option<u32>,
    /// When it started, in seconds since 1970.
    pub started: Option<f64>,
}

/// A job that is done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Success {
    /// It was found done: nothing had to run.
    pub reused: bool,
    /// When its process started, in seconds since 1970; none if it is not known.
    pub started: Option<f64>,
    /// When it ended, in seconds since 1970; none if it is not known.
    pub ended: Option<f64>,
}

/// A job in error.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The kind of cause.
    pub reason: Reason,
    /// The cause, in one line.
    pub message: Option<String>,
    /// For [`Reason::Dependency`]: the job that failed in the first place.
    pub cause: Option<JobId>,
    /// What ended it, if the code had no part in it: the job may be tried again.
    pub interruption: Option<Interruption>,
    /// Attempts that ended at their time limit, by any driver, this one included; 0 if they were not counted.
    pub timeouts: u32,
    /// The exception that ended it, if one did.
    pub origin: Option<Origin>,
    /// The exit code, if there was a process and somebody saw it end.
    pub code: Option<i32>,
    /// When its process started, in seconds since 1970.
    pub started: Option<f64>,
    /// When it ended, in seconds since 1970.
    pub ended: Option<f64>,
}

impl Failure {
    /// A failure of which nothing more is known.
    pub fn new(reason: Reason, now: f64) -> Self {
        Self {
            reason,
            message: None,
            cause: None,
            interruption: None,
            timeouts: 0,
            origin: None,
            code: None,
            started: None,
            ended: Some(now),
        }
    }

    /// A failure without a process.
    pub fn before_start(reason: Reason, message: impl Into<String>, now: f64) -> Self {
        Self { message: Some(message.into()), ..Self::new(reason, now) }
    }

    /// The failure of a job whose dependency `job` failed in this way.
    pub fn of_dependency(job: JobId, failure: &Self, now: f64) -> Self {
        let cause = Some(failure.cause.unwrap_or(job));
        Self { cause, ..Self::new(Reason::Dependency, now) }
    }
}

/// The state of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// Handed over; its folder has not been looked at yet.
    Unscheduled,
    /// Wanted by others only, and no job that runs needs it.
    Transient,
    /// Must run; waits for jobs that it depends on.
    Waiting,
    /// Could run; waits for resources.
    Ready,
    /// Has resources; is being claimed and started.
    Scheduled,
    /// Its process runs.
    Running(Running),
    /// Done, for ever.
    Done(Success),
    /// Did not succeed.
    Error(Failure),
}

impl JobState {
    /// The word in journals and in Python.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unscheduled => "unscheduled",
            Self::Transient => "transient",
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::Running(_) => "running",
            Self::Done(_) => "done",
            Self::Error(_) => "error",
        }
    }

    /// Whether it has ended, well or badly.
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Error(_))
    }

    /// Whether nothing more will happen by itself: it has ended, or nobody needs it.
    pub fn is_settled(&self) -> bool {
        self.is_finished() || *self == Self::Transient
    }

    /// Whether the job takes resources of this driver.
    pub fn holds_resources(&self) -> bool {
        match self {
            Self::Scheduled => true,
            Self::Running(running) => running.place != Place::Elsewhere,
            Self::Unscheduled | Self::Transient | Self::Waiting | Self::Ready | Self::Done(_) | Self::Error(_) => false,
        }
    }
}
