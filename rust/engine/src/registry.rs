//! The jobs of an engine: one per workspace, task and identifier.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use experimaestro_core::job::{JobId, JobKey, TransientMode};

use crate::job::{Job, JudgeFn};
use crate::launch::LaunchFn;
use crate::lease::Wanted;
use crate::shared::Message;

/// What a submission met.
pub(crate) enum Known {
    /// Nobody had submitted it.
    New(Arc<Job>),
    /// It is known; `restarted` if it was in error, or not needed, and goes again.
    Before { job: Arc<Job>, restarted: bool },
}

/// How a job starts, and whether it has to.
pub(crate) struct Start {
    pub(crate) launch: LaunchFn,
    pub(crate) leases: Vec<Wanted>,
    pub(crate) judge: Option<JudgeFn>,
    pub(crate) transient: TransientMode,
}

#[derive(Default)]
pub(crate) struct Registry {
    jobs: HashMap<JobKey, Arc<Job>>,
}

impl Registry {
    pub(crate) fn submit(&mut self, key: JobKey, start: Start, driver: &Sender<Message>) -> Known {
        if let Some(job) = self.jobs.get(&key) {
            let restarted = job.restart(start);
            return Known::Before { job: Arc::clone(job), restarted };
        }
        // Four thousand million jobs do not fit into a process.
        let id = JobId(u32::try_from(self.jobs.len()).unwrap_or(u32::MAX));
        let job = Arc::new(Job::new(id, key.clone(), start, driver.clone()));
        self.jobs.insert(key, Arc::clone(&job));
        Known::New(job)
    }
}
