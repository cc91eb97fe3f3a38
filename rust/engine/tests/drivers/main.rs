//! Drivers that meet at the same job: what one finds of another's attempts, when it was looking elsewhere.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

mod adopted;
mod heartbeat;
mod leases;
mod meanwhile;
mod place;
