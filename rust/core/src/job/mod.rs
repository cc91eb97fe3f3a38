//! Jobs: their states, what may happen to them, and progress.

mod event;
mod key;
pub mod progress;
mod state;
mod transition;

pub use event::JobEvent;
pub use key::{JobId, JobKey};
pub use state::{Failure, JobState, Place, Reason, Running, Success};
pub use transition::{InvalidTransition, transition};
