//! What a seed stands for: the jobs, what they depend on, and how many drivers want them.

use crate::chance::Chance;

/// Drivers and attempts after these have no faults: everything must then finish.
pub(crate) const FAULTY_LIVES: u32 = 3;

/// One job.
pub(crate) struct PlannedJob {
    pub(crate) dependencies: Vec<usize>,
    /// How long it executes.
    pub(crate) milliseconds: u64,
}

/// Everything that a seed decides.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) jobs: Vec<PlannedJob>,
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
        let count = usize::try_from(chance.between(2, 7)).unwrap();
        let jobs = (0..count).map(|number| PlannedJob {
            dependencies: (0..number).filter(|_| chance.between(0, 3) == 0).collect(),
            milliseconds: [0, 0, 1, 5, 20][usize::try_from(chance.between(0, 4)).unwrap()],
        });
        Self {
            seed,
            jobs: jobs.collect(),
            drivers: u32::try_from(chance.between(1, 4)).unwrap(),
            slots: u32::try_from(chance.between(1, 3)).unwrap(),
            one_experiment: chance.between(0, 7) == 0,
            driver_faults: chance.between(0, 1000),
            job_faults: chance.between(0, 600),
        }
    }

    pub(crate) fn identifier(number: usize) -> String {
        format!("{number:032x}")
    }

    pub(crate) fn driver_fault(&self, driver: u32, life: u32) -> String {
        let per_mille = if life < FAULTY_LIVES { self.driver_faults } else { 0 };
        let range = 30 + 20 * self.jobs.len();
        let seed = self.seed.wrapping_mul(1_000_003) ^ u64::from(driver * 100 + life);
        format!("seed:{seed}:{per_mille}:{range}")
    }

    pub(crate) fn job_fault(&self, attempt: u32) -> String {
        let per_mille = if attempt <= FAULTY_LIVES { self.job_faults } else { 0 };
        format!("seed:{}:{per_mille}:28", self.seed)
    }
}
