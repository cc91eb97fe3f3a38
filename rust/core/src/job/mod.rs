//! Jobs: their states, what may happen to them, and progress.

mod event;
mod key;
mod origin;
pub mod progress;
mod retry;
mod state;
mod terms;
mod transient;
mod transition;

pub use event::JobEvent;
pub use key::{JobId, JobKey};
pub use origin::Origin;
pub use retry::{Interruption, RetryPolicy, Tally};
pub use state::{Failure, JobState, Place, Reason, Running, Success};
pub use terms::Terms;
pub use transient::TransientMode;
pub use transition::{InvalidTransition, transition};
