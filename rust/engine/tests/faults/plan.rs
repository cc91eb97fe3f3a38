//! What a seed stands for: the jobs, what they depend on and share, and how many drivers want them.

use std::path::Path;

use experimaestro_core::job::{RetryPolicy, TransientMode};
use experimaestro_core::layout::LeaseDirectory;

use crate::chance::Chance;

/// Drivers and attempts after these have no faults: everything must then finish.
pub(crate) const FAULTY_LIVES: u32 = 3;

/// One job.
pub(crate) struct PlannedJob {
    pub(crate) dependencies: Vec<usize>,
    /// How long it executes.
    pub(crate) milliseconds: u64,
    pub(crate) priority: i64,
    /// Which of the shared resources it needs, and how many units of each.
    pub(crate) units: Vec<(usize, u32)>,
    /// So many of its executions give their place to somebody else.
    pub(crate) preemptions: u32,
    /// So many come to their time limit.
    pub(crate) timeouts: u32,
    pub(crate) retries: RetryPolicy,
    pub(crate) transient: TransientMode,
}

impl PlannedJob {
    /// Its last execution that is allowed is one that comes to its time limit.
    fn is_used_up(&self) -> bool {
        let executions = if self.retries.resumable { self.retries.max_retries.max(1) } else { 1 };
        self.timeouts >= executions
    }
}

/// Something of which there are only so many units.
pub(crate) struct Resource {
    pub(crate) capacity: u32,
    /// A folder with one writer, rather than a token.
    is_folder: bool,
}

/// What must have become of a job when all is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    /// In error: its executions are used up, or those of one that it depends on.
    Error,
    /// It never ran: it is transient, and nobody needs it.
    Unneeded,
    /// It is done, or was not needed: it is transient, and who needs it may have failed before.
    DoneOrUnneeded,
    /// It is in error, or was not needed.
    ErrorOrUnneeded,
}

/// Everything that a seed decides.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) jobs: Vec<PlannedJob>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) drivers: u32,
    pub(crate) slots: u32,
    /// Whether the drivers run the same experiment, one after the other.
    pub(crate) one_experiment: bool,
    driver_faults: u64,
    job_faults: u64,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let count = chance.between(2, 7);
        let resources: Vec<Resource> = (0..chance.between(0, 3)).map(|_| resource(&mut chance)).collect();
        let jobs = (0..count).map(|number| job(number, &resources, &mut chance)).collect();
        Self {
            seed,
            jobs,
            resources,
            drivers: u32::try_from(chance.between(1, 4)).unwrap(),
            slots: u32::try_from(chance.between(1, 3)).unwrap(),
            one_experiment: chance.between(0, 7) == 0,
            driver_faults: chance.between(0, 1000),
            job_faults: chance.between(0, 600),
        }
    }

    /// The plan that a process was started for.
    pub(crate) fn of_environment() -> Self {
        let seed = std::env::var("XPM_TRIAL_SEED").unwrap().parse().unwrap();
        if std::env::var_os("XPM_TRIAL_HOSTS").is_some() { Self::across_hosts(seed) } else { Self::new(seed) }
    }

    /// The same jobs, but longer, for one driver on each of two hosts, one of which is all that anything happens to.
    pub(crate) fn across_hosts(seed: u64) -> Self {
        let mut plan = Self { drivers: 2, one_experiment: false, driver_faults: 0, job_faults: 0, ..Self::new(seed) };
        for job in &mut plan.jobs {
            job.milliseconds = 1_500 + 150 * job.milliseconds;
        }
        // One that lives longer than a heartbeat may stop.
        if seed.is_multiple_of(4) {
            plan.jobs[0].milliseconds = 80_000;
        }
        plan
    }

    pub(crate) fn identifier(number: usize) -> String {
        format!("{number:032x}")
    }

    /// Where the tickets of a resource are, in a workspace.
    pub(crate) fn lease(&self, root: &Path, resource: usize) -> LeaseDirectory {
        LeaseDirectory::new(if self.resources[resource].is_folder {
            root.join(format!("partials/t.job/shared/{resource:032x}/.experimaestro/locks"))
        } else {
            root.join(format!("tokens/{resource}"))
        })
    }

    /// What must have become of each job.
    pub(crate) fn fates(&self) -> Vec<Fate> {
        let mut fails: Vec<bool> = Vec::new();
        for job in &self.jobs {
            let below = job.dependencies.iter().any(|dependency| fails[*dependency]);
            fails.push(below || job.is_used_up());
        }
        (0..self.jobs.len()).map(|number| self.fate(number, &fails)).collect()
    }

    fn fate(&self, number: usize, fails: &[bool]) -> Fate {
        if !self.jobs[number].transient.is_transient() {
            return if fails[number] { Fate::Error } else { Fate::Done };
        }
        let fails_to_be_needed = |user: usize| fails[user];
        match (self.is_needed(number, &|_| false), self.is_needed(number, &fails_to_be_needed), fails[number]) {
            (false, _, _) => Fate::Unneeded,
            (true, _, true) => Fate::ErrorOrUnneeded,
            (true, true, false) if self.jobs[number].transient == TransientMode::Transient => Fate::Done,
            // Its folder may be gone, and with it what told that it was done.
            (true, _, false) => Fate::DoneOrUnneeded,
        }
    }

    /// Whether a job that must run depends on it, leaving out those that do not count.
    fn is_needed(&self, number: usize, is_out: &dyn Fn(usize) -> bool) -> bool {
        (number + 1..self.jobs.len()).any(|user| {
            let job = &self.jobs[user];
            let runs = || !job.transient.is_transient() || self.is_needed(user, is_out);
            job.dependencies.contains(&number) && !is_out(user) && runs()
        })
    }

    pub(crate) fn driver_fault(&self, driver: u32, life: u32) -> String {
        let per_mille = if life < FAULTY_LIVES { self.driver_faults } else { 0 };
        let leases: usize = self.jobs.iter().map(|job| job.units.len()).sum();
        let range = 30 + 20 * self.jobs.len() + 15 * leases;
        let seed = self.seed.wrapping_mul(1_000_003) ^ u64::from(driver * 100 + life);
        format!("seed:{seed}:{per_mille}:{range}")
    }

    pub(crate) fn job_fault(&self, attempt: u32) -> String {
        let per_mille = if attempt <= FAULTY_LIVES { self.job_faults } else { 0 };
        format!("seed:{}:{per_mille}:32", self.seed)
    }
}

fn resource(chance: &mut Chance) -> Resource {
    let is_folder = chance.between(0, 2) == 0;
    let capacity = if is_folder { 1 } else { u32::try_from(chance.between(1, 2)).unwrap() };
    Resource { capacity, is_folder }
}

fn job(number: u64, resources: &[Resource], chance: &mut Chance) -> PlannedJob {
    let dependencies = (0..usize::try_from(number).unwrap()).filter(|_| chance.between(0, 3) == 0).collect();
    let milliseconds = [0, 0, 1, 5, 20][usize::try_from(chance.between(0, 4)).unwrap()];
    let mut units = Vec::new();
    for (resource, kind) in resources.iter().enumerate() {
        if chance.between(0, 1) == 0 {
            units.push((resource, u32::try_from(chance.between(1, kind.capacity.into())).unwrap()));
        }
    }
    let one_in = |chance: &mut Chance, count: u64| chance.between(1, count) == 1;
    let timeouts = if one_in(chance, 5) { u32::try_from(chance.between(1, 3)).unwrap() } else { 0 };
    // One more than is needed; a few of them have one too few.
    let short = u32::from(one_in(chance, 6));
    let preemptions = if one_in(chance, 5) { u32::try_from(chance.between(1, 2)).unwrap() } else { 0 };
    let preempted = if one_in(chance, 4) { 0 } else { RetryPolicy::default().preempted };
    let retries = RetryPolicy {
        resumable: timeouts > 0,
        max_retries: (timeouts + 1).saturating_sub(short),
        preempted,
        ..RetryPolicy::default()
    };
    let transient = match chance.between(0, 7) {
        0 => TransientMode::Transient,
        1 => TransientMode::Remove,
        _ => TransientMode::None,
    };
    let priority = i64::try_from(chance.between(0, 2)).unwrap() - 1;
    PlannedJob { dependencies, milliseconds, priority, units, preemptions, timeouts, retries, transient }
}
