//! Which failures are tried again without anybody asking: those that the user's code has no part in.

use serde::{Deserialize, Serialize};

use super::state::Failure;

/// What ended an attempt through no fault of the code that it ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interruption {
    /// Its time was over.
    Timeout,
    /// Its place was given to somebody else.
    Preempted,
    /// Its process, or the whole host, vanished.
    Lost,
    /// There was no more memory for it.
    Memory,
}

/// How often a job is tried again, with a budget of its own for each cause.
///
/// ```
/// use experimaestro_core::job::{Interruption, RetryPolicy, Tally};
///
/// let policy = RetryPolicy { resumable: true, max_retries: 2, ..RetryPolicy::default() };
/// let mut tally = Tally::default();
/// tally.add(Some(Interruption::Timeout), 0);
/// assert!(policy.allows(&tally, Interruption::Timeout), "two executions in all");
/// tally.add(Some(Interruption::Timeout), 0);
/// assert!(!policy.allows(&tally, Interruption::Timeout));
/// assert_eq!(policy.retry_count(&tally), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// The task goes on where an earlier attempt stopped: only then has it a use to run again after its time was over.
    pub resumable: bool,
    /// Executions of a resumable task in all (at least one), as far as its time limit is what ends them.
    pub max_retries: u32,
    /// Times that it starts again after its place was given to somebody else.
    pub preempted: u32,
    /// Times that it starts again after it was lost.
    pub lost: u32,
    /// Times that it starts again after there was no more memory.
    pub memory: u32,
    /// The memory of the next attempt over that of the one that had too little.
    pub memory_growth: f64,
}

impl Default for RetryPolicy {
    /// Preemption and lost hosts are the weather; the same task in the same memory fails the same way.
    fn default() -> Self {
        Self { resumable: false, max_retries: 3, preempted: 10, lost: 2, memory: 0, memory_growth: 1.0 }
    }
}

impl RetryPolicy {
    /// Whether there is another attempt after these failures, the last of which had this cause.
    pub fn allows(&self, tally: &Tally, last: Interruption) -> bool {
        match last {
            Interruption::Timeout => self.resumable && tally.timeout < self.max_retries.max(1),
            Interruption::Preempted => tally.preempted <= self.preempted,
            Interruption::Lost => tally.lost <= self.lost,
            Interruption::Memory => tally.memory <= self.memory,
        }
    }

    /// What people are told: all failures of a resumable task, else those that may be tried again.
    pub fn retry_count(&self, tally: &Tally) -> u32 {
        let interrupted = [tally.timeout, tally.preempted, tally.lost, tally.memory].into_iter().sum();
        if self.resumable { tally.other.saturating_add(interrupted) } else { interrupted }
    }

    /// The memory that the next attempt asks for, over what the task asks for.
    pub fn memory_factor(&self, tally: &Tally) -> f64 {
        self.memory_growth.max(1.0).powi(i32::try_from(tally.memory).unwrap_or(i32::MAX))
    }

    /// Two people want the same job: the more patient one wins, cause by cause.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        Self {
            resumable: self.resumable || other.resumable,
            max_retries: self.max_retries.max(other.max_retries),
            preempted: self.preempted.max(other.preempted),
            lost: self.lost.max(other.lost),
            memory: self.memory.max(other.memory),
            memory_growth: self.memory_growth.max(other.memory_growth),
        }
    }
}

/// The failures of a job so far, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Its time was over.
    pub timeout: u32,
    /// Its place was given to somebody else.
    pub preempted: u32,
    /// It was lost.
    pub lost: u32,
    /// There was no more memory.
    pub memory: u32,
    /// Everything else: never tried again by itself.
    pub other: u32,
}

impl Tally {
    /// Count one failure. `timeouts` is what the folder of the job tells of all attempts at their time limit, by any driver.
    pub fn add(&mut self, cause: Option<Interruption>, timeouts: u32) {
        let count = match cause {
            Some(Interruption::Timeout) => &mut self.timeout,
            Some(Interruption::Preempted) => &mut self.preempted,
            Some(Interruption::Lost) => &mut self.lost,
            Some(Interruption::Memory) => &mut self.memory,
            None => &mut self.other,
        };
        *count = count.saturating_add(1);
        self.timeout = self.timeout.max(timeouts);
    }

    /// Count the failure of one attempt.
    pub fn count(&mut self, failure: &Failure) {
        self.add(failure.interruption, failure.timeouts);
    }

    /// Start anew, as a person wants who submits the job again; the attempts at their time limit stay counted.
    pub fn found(failure: &Failure) -> Self {
        Self { timeout: failure.timeouts, ..Self::default() }
    }
}
