//! Decides which job starts when: events in, effects out. No clock, no disk, no threads.
//!
//! Each event costs time in proportion to the dependencies of the jobs that it changes, however many jobs there are.

mod effect;
mod event;
mod graph;
mod leasing;
mod queue;
mod resources;

pub use effect::Effect;
pub use event::{Event, Refused, Resubmission, Submission};
pub use graph::Scheduler;
pub use leasing::LeaseAnswer;
pub use resources::{GPUS, Pool, Request, ResourceId, SLOTS, SharedId};
