//! The lines of a journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::claim::ProcessIdentity;
use crate::job::{Failure, Interruption, JobState, Origin, Place, Reason, Running, Success, Terms};

/// The version that is written, and the highest that is understood.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub journal: u32,
    /// The name of the experiment.
    pub experiment: String,
    /// The run.
    pub run_id: String,
    /// Who writes.
    pub driver: ProcessIdentity,
    /// Seconds since 1970.
    pub time: f64,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Its driver is at work.
    Running,
    /// All its jobs are done.
    Completed,
    /// It was given up, or some of its jobs are in error.
    Failed,
    /// Its driver left the jobs alone.
    Detached,
}

impl Status {
    /// The word in files and in Python.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Detached => "detached",
        }
    }
}

/// Every other line. Jobs are numbered within the run, in the order of their submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Record {
    /// A job joined the run.
    Job {
        /// Its number.
        job: u32,
        /// The task.
        task_id: String,
        /// The configuration.
        identifier: String,
        /// The numbers of the jobs that it depends on, as far as they are in this run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        dependencies: Vec<u32>,
        /// The tags of the configuration.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        tags: Map<String, Value>,
        /// On what terms it was submitted.
        #[serde(default, skip_serializing_if = "Terms::are_usual")]
        terms: Terms,
        /// Seconds since 1970.
        time: f64,
    },
    /// The state of a job changed.
    State(StateLine),
    /// What the processes of jobs find around them; numbered in the order of their lines.
    Surroundings {
        /// What their environment has beyond that of the driver.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        environment: BTreeMap<String, String>,
        /// Put in front of `sys.path`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        python_path: Vec<String>,
    },
    /// How a job starts is written down in its folder.
    Planned {
        /// Its number.
        job: u32,
        /// The number of its surroundings.
        surroundings: u32,
    },
    /// Another driver goes on with the run.
    Resumed {
        /// Who.
        driver: ProcessIdentity,
        /// Seconds since 1970.
        time: f64,
    },
    /// An attempt of a job failed, as the line (of state `error`) says, and the job is tried again.
    Retry(StateLine),
    /// The driver left.
    Closed {
        /// How the run stands now.
        status: Status,
        /// Seconds since 1970.
        time: f64,
    },
    /// Written by a later release of the same version: nothing that this one needs.
    #[serde(other)]
    Unknown,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateLine {
    /// The number of the job.
    pub job: u32,
    /// The word of [`JobState::name`].
    pub state: String,
    /// Who looks after a running job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The process of a running job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// It was found done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// Why it is in error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Why it is in error, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What ended it, if the code had no part in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interruption: Option<Interruption>,
    /// The exception that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Origin>,
    /// The exit code of a job in error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// When its process started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<f64>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<f64>,
    /// Seconds since 1970.
    pub time: f64,
}

impl StateLine {
    /// The state that the line tells; `None` if its word is not known.
    pub fn to_state(&self) -> Option<JobState> {
        let (started, ended) = (self.started, self.ended);
        Some(match self.state.as_str() {
            "unscheduled" => JobState::Unscheduled,
            "transient" => JobState::Transient,
            "waiting" => JobState::Waiting,
            "ready" => JobState::Ready,
            "scheduled" => JobState::Scheduled,
            "running" => {
                JobState::Running(Running { place: self.place.unwrap_or(Place::Elsewhere), pid: self.pid, started })
            }
            "done" => JobState::Done(Success { reused: self.reused, started, ended }),
            "error" => JobState::Error(Failure {
                message: self.message.clone(),
                interruption: self.interruption,
                origin: self.error.clone(),
                code: self.code,
                started,
                ended,
                ..Failure::new(self.reason.unwrap_or(Reason::Failed), self.time)
            }),
            _ => return None,
        })
    }
}

impl Record {
    /// The line for an attempt that failed, and is followed by another.
    pub fn retry(job: u32, failure: Failure, time: f64) -> Self {
        match Self::state(job, &JobState::Error(failure), time) {
            Self::State(line) => Self::Retry(line),
            other => other,
        }
    }

    /// The line for a state of a job.
    pub fn state(job: u32, state: &JobState, time: f64) -> Self {
        let mut line = StateLine {
            job,
            state: state.name().to_owned(),
            place: None,
            pid: None,
            reused: false,
            reason: None,
            message: None,
            interruption: None,
            error: None,
            code: None,
            started: None,
            ended: None,
            time,
        };
        match state {
            JobState::Unscheduled | JobState::Transient | JobState::Waiting | JobState::Ready | JobState::Scheduled => {
            }
            JobState::Running(running) => {
                (line.place, line.pid, line.started) = (Some(running.place), running.pid, running.started);
            }
            JobState::Done(success) => {
                (line.reused, line.started, line.ended) = (success.reused, success.started, success.ended);
            }
            JobState::Error(failure) => {
                (line.reason, line.message, line.code) = (Some(failure.reason), failure.message.clone(), failure.code);
                (line.interruption, line.error) = (failure.interruption, failure.origin.clone());
                (line.started, line.ended) = (failure.started, failure.ended);
            }
        }
        Self::State(line)
    }
}
