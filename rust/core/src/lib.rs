//! Values, identifiers, layout, claims, leases, job states, journal and scheduler.
//!
//! The ground floor: no Python, no threads, no clock of its own. See `docs/architecture.md`.
#![warn(missing_docs)]

pub mod claim;
pub mod fs;
pub mod identifier;
pub mod job;
pub mod journal;
pub mod layout;
pub mod lease;
pub mod scheduler;
pub mod value;
