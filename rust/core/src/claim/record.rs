//! What the three files of an attempt say.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::process::ProcessIdentity;
use crate::fs::random_word;

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

impl Run {
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
            Self::Lost => "lost",
        }
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
    /// Why, in one line.
    pub message: Option<String>,
    /// When the process started, in seconds since 1970.
    pub started: Option<f64>,
    /// Seconds since 1970.
    pub time: f64,
}

impl End {
    pub(super) fn new(
        outcome: Outcome,
        code: Option<i32>,
        message: Option<&str>,
        started: Option<f64>,
        time: f64,
    ) -> Self {
        Self {
            version: VERSION,
            nonce: random_word(),
            outcome,
            code,
            message: message.map(str::to_owned),
            started,
            time,
        }
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
