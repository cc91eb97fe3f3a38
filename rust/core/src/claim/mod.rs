//! How a job runs once: attempts, owned through files that only one of many can create.
//!
//! Each attempt has at most three files, each created once by a hard link, never changed, never replaced:
//! `claim` (whose attempt it is), `run` (which process runs it, or that none will) and `end` (how it ended). Everything
//! else in a job folder, the markers included, is written by whoever won one of them, or by a helper that found one.
//! `docs/architecture.md` has the rules.

mod attempt;
mod evidence;
mod marker;
mod process;
mod record;
mod settle;
mod take;

use std::path::PathBuf;
use std::time::Duration;

pub use attempt::Attempt;
pub use evidence::{Evidence, count_timeouts, evidence, evidence_of, last_attempt, last_ended};
pub use marker::Failure;
pub use process::{Liveness, ProcessIdentity};
pub use record::{Claim, End, Ending, Outcome, Run};
pub use settle::{abandon, complete, declare, declare_lost, revoke};
pub use take::{Taken, take};

use crate::fs::FsError;

/// A process of another host beats every ten seconds; it is given up when it missed six of them, by an observer's own clock.
pub const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(60);

/// What can go wrong with a claim.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The attempt is not, or no longer, ours.
    #[error("{0}")]
    Lost(String),
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The job's folder is not there.
    #[error("there is no job folder {}", .0.display())]
    Missing(PathBuf),
}

/// The result of an operation on claims.
pub type ClaimResult<T> = Result<T, ClaimError>;
