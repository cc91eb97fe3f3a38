//! What the files of a ticket say.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::claim::ProcessIdentity;
use crate::fs::{self, FsResult, random_word};

const VERSION: u32 = 1;

/// `n.ticket`: a request for units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    version: u32,
    nonce: String,
    /// How many units.
    pub units: u32,
    /// Who asks.
    pub driver: ProcessIdentity,
    /// The folder of the job that they are for, for people.
    pub job: Option<String>,
    /// Seconds since 1970.
    pub time: f64,
}

impl Ticket {
    /// A request of a driver for one of its jobs.
    pub fn new(units: u32, driver: &ProcessIdentity, job: Option<String>, time: f64) -> Self {
        Self { version: VERSION, nonce: random_word(), units, driver: driver.clone(), job, time }
    }
}

/// `n.job`: which attempt of a job holds a ticket, or that none will.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Binding {
    version: u32,
    nonce: String,
    /// The folder of the job; none in a tombstone.
    pub(super) directory: Option<String>,
    pub(super) attempt: u32,
    /// Why there is no attempt.
    pub(super) message: Option<String>,
    pub(super) time: f64,
}

impl Binding {
    pub(super) fn to(directory: String, attempt: u32, time: f64) -> Self {
        let nonce = random_word();
        Self { version: VERSION, nonce, directory: Some(directory), attempt, message: None, time }
    }

    pub(super) fn tombstone(message: &str, time: f64) -> Self {
        let (nonce, message) = (random_word(), Some(message.to_owned()));
        Self { version: VERSION, nonce, directory: None, attempt: 0, message, time }
    }
}

pub(super) fn to_bytes(record: &impl Serialize) -> Vec<u8> {
    // These records hold strings and numbers only: there is nothing that JSON could not express.
    serde_json::to_vec(record).unwrap_or_default()
}

/// A file that never changes, as far as it was read.
#[derive(Debug, Default)]
pub(super) enum Stored<T> {
    /// There is none yet.
    #[default]
    Absent,
    /// A loss of power, or somebody's editor, left it like this.
    Unreadable,
    Record(T),
}

impl<T: DeserializeOwned> Stored<T> {
    pub(super) fn read(path: &Path) -> FsResult<Self> {
        let bytes = fs::read(path)?;
        Ok(bytes.map_or(Self::Absent, |bytes| serde_json::from_slice(&bytes).map_or(Self::Unreadable, Self::Record)))
    }
}

impl<T> Stored<T> {
    pub(super) fn record(&self) -> Option<&T> {
        if let Self::Record(record) = self { Some(record) } else { None }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}
