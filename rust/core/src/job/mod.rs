//! Jobs: progress, states, and what may follow what.

pub mod progress;
