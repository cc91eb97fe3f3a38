//! Does what the scheduler decides: processes, file and process watching, timers.
//!
//! One thread feeds events to the pure scheduler and hands its effects to a small pool; one thread watches processes.
#![warn(missing_docs)]

mod driver;
mod engine;
mod job;
mod launch;
mod lease;
mod look;
mod memory;
mod needs;
mod pool;
mod prepare;
mod query;
mod registry;
mod run;
mod settle;
mod shared;
mod start;
mod stop;
mod time;
mod watch;

pub use engine::{Engine, EngineError, Interrupt, NewJob, Resumed};
pub use job::JudgeFn;
pub use job::{Job, Observed};
pub use launch::{Launch, LaunchFn, LauncherKind, Settings};
pub use needs::Needs;
pub use query::{JobRow, QueryError, RunRow, find_jobs, inspect, list_jobs, list_runs};
pub use run::{Run, RunError, mark};
pub use stop::kill;
