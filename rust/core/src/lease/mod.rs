//! Resources that jobs of any number of drivers and hosts share: units are leased, first come, first served.
//!
//! A request is a numbered ticket that only one of many can create; the line of tickets tells who has units. Nothing is
//! locked, and a holder that died is found out by evidence. `docs/architecture.md` has the rules.

mod holder;
mod line;
mod number;
mod observer;
mod ticket;
mod total;

pub use line::{Line, Place};
pub use number::{beat, bind, give_back, request};
pub use observer::{Holder, Observer};
pub use ticket::Ticket;
pub use total::{Total, set_total, total};

use crate::claim::ClaimError;
use crate::fs::FsError;

/// What can go wrong with a lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The disk refused.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The job that holds a lease cannot be asked.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The file with the total cannot be understood.
    #[error("{path}: {message}", path = .path.display())]
    Information {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// The result of an operation on leases.
pub type LeaseResult<T> = Result<T, LeaseError>;
