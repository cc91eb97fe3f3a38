//! What a job takes while it runs, and which devices it was given.

use std::collections::HashMap;

use experimaestro_core::fs::{self, Durability, FsResult};
use experimaestro_core::job::{JobId, Terms};
use experimaestro_core::layout::{JobDirectory, LeaseDirectory};
use experimaestro_core::scheduler::{GPUS, Request, SLOTS};

use crate::lease::{Keeper, Wanted};

/// What a job takes while it runs: all of it, or it does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Slots of this machine.
    pub slots: u32,
    /// Devices of this machine.
    pub gpus: u32,
    /// Units of tokens, and of whatever else jobs of other drivers share.
    pub leases: Vec<(LeaseDirectory, u32)>,
}

impl Default for Needs {
    fn default() -> Self {
        Self { slots: 1, gpus: 0, leases: Vec::new() }
    }
}

impl Needs {
    /// What was written down of them.
    pub(crate) fn of_terms(terms: &Terms) -> Self {
        let leases = terms.leases.iter().map(|(folder, units)| (LeaseDirectory::new(folder), *units)).collect();
        Self { slots: terms.slots, gpus: terms.gpus, leases }
    }

    /// The same, as the keeper and the scheduler know it.
    pub(crate) fn resolve(self, keeper: &Keeper) -> (Vec<Wanted>, Request) {
        let wanted = keeper.wanted(self.leases);
        let shared = wanted.iter().map(|wanted| wanted.token.id());
        let request = Request::new([(SLOTS, self.slots), (GPUS, self.gpus)]).sharing(shared);
        (wanted, request)
    }
}

/// The devices of this machine, and who has which.
#[derive(Debug)]
pub(crate) struct Devices {
    names: Vec<String>,
    taken: HashMap<JobId, Vec<usize>>,
}

impl Devices {
    pub(crate) fn new(names: Vec<String>) -> Self {
        Self { names, taken: HashMap::new() }
    }

    /// Give a job the first devices that nobody has; their names.
    pub(crate) fn give(&mut self, job: JobId, count: u32) -> Vec<String> {
        let is_free = |index: &usize| !self.taken.values().any(|taken| taken.contains(index));
        let given: Vec<usize> = (0..self.names.len()).filter(is_free).take(count as usize).collect();
        let names = given.iter().map(|index| self.names[*index].clone()).collect();
        if !given.is_empty() {
            self.taken.insert(job, given);
        }
        names
    }

    /// A job that was found running keeps the devices that the driver that is gone gave it.
    pub(crate) fn leave_to(&mut self, job: JobId, directory: &JobDirectory) {
        let bytes = fs::read(&directory.devices()).ok().flatten().unwrap_or_default();
        let names: Vec<String> = serde_json::from_slice(&bytes).unwrap_or_default();
        let is_its_own = |index: &usize| names.contains(&self.names[*index]);
        let kept: Vec<usize> = (0..self.names.len()).filter(is_its_own).collect();
        self.taken.insert(job, kept);
    }

    /// Write down which devices a job was given, for the driver that finds it running.
    pub(crate) fn record(names: &[String], directory: &JobDirectory) -> FsResult<()> {
        let text = serde_json::to_vec(names).unwrap_or_default();
        fs::replace(&directory.devices(), &text, Durability::Process)
    }

    /// A job has ended, or did not start.
    pub(crate) fn take_back(&mut self, job: JobId) {
        self.taken.remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_device_is_given_to_two_jobs() {
        let mut devices = Devices::new(["0", "3", "GPU-ab"].map(str::to_owned).into());
        assert_eq!(devices.give(JobId(1), 1), ["0"]);
        assert_eq!(devices.give(JobId(2), 2), ["3", "GPU-ab"]);
        devices.take_back(JobId(1));
        assert_eq!(devices.give(JobId(3), 1), ["0"]);
        assert_eq!(devices.give(JobId(4), 0), [] as [&str; 0]);
    }

    #[test]
    fn a_job_that_was_found_running_keeps_its_devices() {
        let folder = tempfile::tempdir().unwrap();
        let job = JobDirectory::new(folder.path().join("t.learn/ab12"));
        fs::create_folders(&job.private()).unwrap();
        Devices::record(&["0".to_owned()], &job).unwrap();
        let mut devices = Devices::new(["0", "1"].map(str::to_owned).into());
        devices.leave_to(JobId(1), &job);
        assert_eq!(devices.give(JobId(2), 1), ["1"]);
    }
}
