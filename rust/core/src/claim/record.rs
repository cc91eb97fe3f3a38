//! What the three files of an attempt say.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::process::ProcessIdentity;
use crate::fs::random_word;
use crate::job::Origin;

const VERSION: u32 = 1;

/// `n.claim`: whose attempt it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    version: u32,
    /// Unique, so that an owner knows its own claim again.
    pub attempt_id: String,
    /// The driver (or, by hand, the process itself).
    pub owner: ProcessIdentity,
    /// Seconds since 1970.
    pub time: f64,
}

impl Claim {
    pub(super) fn new(owner: &ProcessIdentity, time: f64) -> Self {
        Self { version: VERSION, attempt_id: random_word(), owner: owner.clone(), time }
    }
}

/// `n.run`: which process runs the attempt, or that none will.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    version: u32,
    nonce: String,
    /// The process that executes; none in a tombstone.
    pub process: Option<ProcessIdentity>,
    /// Why there is no process.
    pub message: Option<String>,
    /// Seconds since 1970.
    pub time: f64,
}

/// `n.run` as it is written: while the process runs, the same file is `.pid`, in the words that older packages read.
#[derive(Serialize)]
struct RunFile<'a> {
    #[serde(flatten)]
    pid: Option<PidFile<'a>>,
    #[serde(flatten)]
    run: &'a Run,
}

/// What `.pid` says.
#[derive(Serialize)]
struct PidFile<'a> {
    r#type: &'static str,
    pid: u32,
    host: &'a str,
}

impl Run {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let pid =
            self.process.as_ref().map(|process| PidFile { r#type: "local", pid: process.pid, host: &process.host });
        to_bytes(&RunFile { pid, run: self })
    }

    pub(super) fn by(process: &ProcessIdentity, time: f64) -> Self {
        Self { version: VERSION, nonce: random_word(), process: Some(process.clone()), message: None, time }
    }

    pub(super) fn tombstone(message: &str, time: f64) -> Self {
        Self { version: VERSION, nonce: random_word(), process: None, message: Some(message.to_owned()), time }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// `execute` returned: the job is done, for ever.
    Done,
    /// It raised, or left in another way than by returning.
    Failed,
    /// It stopped itself before its time was over.
    Timeout,
    /// It was told to stop.
    Cancelled,
    /// There was no more memory for it.
    Memory,
    /// Its place was given to somebody else.
    Preempted,
    /// It vanished without a word: somebody else, with evidence, says so.
    Lost,
}

impl Outcome {
    /// The word in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Memory => "memory",
            Self::Preempted => "preempted",
            Self::Lost => "lost",
        }
    }
}

/// What there is to say about the end of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// What became of it.
    pub outcome: Outcome,
    /// The exit code, if there is one.
    pub code: Option<i32>,
    /// The signal that killed its process, if one did and somebody saw it.
    pub signal: Option<i32>,
    /// Why, in one line.
    pub message: Option<String>,
    /// The exception that ended it.
    pub error: Option<Origin>,
}

impl Ending {
    /// An end of which only this is known.
    pub fn new(outcome: Outcome, code: Option<i32>, message: Option<&str>) -> Self {
        Self { outcome, code, signal: None, message: message.map(str::to_owned), error: None }
    }
}

/// `n.end`: how the attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    version: u32,
    nonce: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The exit code; none if the process was killed or nobody saw its end.
    pub code: Option<i32>,
    /// The signal that killed the process, if one did and somebody saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why, in one line.
    pub message: Option<String>,
    /// The exception that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Origin>,
    /// When the process started, in seconds since 1970.
    pub started: Option<f64>,
    /// Seconds since 1970.
    pub time: f64,
}

impl End {
    pub(super) fn new(ending: &Ending, started: Option<f64>, time: f64) -> Self {
        let Ending { outcome, code, signal, message, error } = ending.clone();
        Self { version: VERSION, nonce: random_word(), outcome, code, signal, message, error, started, time }
    }
}

/// `n.void`: the success of the attempt counts no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Void {
    version: u32,
    nonce: String,
    /// Why, in one line.
    pub(super) message: String,
    /// Seconds since 1970.
    time: f64,
}

impl Void {
    pub(super) fn new(message: &str, time: f64) -> Self {
        Self { version: VERSION, nonce: random_word(), message: message.to_owned(), time }
    }
}

pub(super) fn to_bytes(record: &impl Serialize) -> Vec<u8> {
    // These records hold strings and numbers only: there is nothing that JSON could not express.
    serde_json::to_vec(record).unwrap_or_default()
}

/// `None` for what a loss of power, or somebody's editor, left unreadable.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
