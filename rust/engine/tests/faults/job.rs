//! The process of a job: what the runner does in Python, with the same claims, and a task that can be checked from outside.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use experimaestro_core::claim::{Attempt, ClaimError, ClaimResult, Evidence, Outcome, evidence_of};
use experimaestro_core::fs::{self, Durability, fault};
use experimaestro_core::job::TransientMode;
use experimaestro_core::layout::JobDirectory;

use crate::plan::Plan;
use crate::witness::Witness;

const BEAT_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

pub(crate) fn output(job: &JobDirectory) -> PathBuf {
    job.path().join("output")
}

/// How many attempts of a job, up to this one, ended in this way.
pub(crate) fn count(job: &JobDirectory, last: u32, outcome: Outcome) -> ClaimResult<u32> {
    let mut count = 0;
    for number in 1..=last {
        let found = evidence_of(job, number)?;
        count += u32::from(matches!(found, Evidence::Ended { end: Some(end), .. } if end.outcome == outcome));
    }
    Ok(count)
}

pub(crate) fn main(script: &str) -> ! {
    let folder = Path::new(script).parent().unwrap();
    let records = PathBuf::from(std::env::var_os("XPM_TRIAL_RECORDS").unwrap());
    let attempt: u32 = std::env::var("XPM_ATTEMPT").unwrap().parse().unwrap();
    let plan = Plan::of_environment();
    // SAFETY: this process has no other thread yet.
    unsafe { std::env::set_var("XPM_FAULT", plan.job_fault(attempt)) };
    match run(&plan, folder, attempt, &records) {
        Ok(()) => exit(0),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            exit(1)
        }
    }
}

fn run(plan: &Plan, folder: &Path, number: u32, records: &Path) -> ClaimResult<()> {
    let attempt = Attempt::begin(JobDirectory::new(folder), Some(number), now())?;
    let attempt = Arc::new(attempt);
    beat(&attempt);
    let executed = execute(plan, &attempt, records);
    if !attempt.is_mine()? {
        return Err(ClaimError::Lost("declared lost".into()));
    }
    match executed {
        Ok(outcome) => attempt.finish(outcome, i32::from(outcome != Outcome::Done), None, now()),
        Err(error) => attempt.finish(Outcome::Failed, 1, Some(&error.to_string()), now()),
    }
}

/// As the runner does: tell other hosts that this process lives, and end it when they have given it up.
fn beat(attempt: &Arc<Attempt>) {
    let attempt = Arc::clone(attempt);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(BEAT_INTERVAL);
            if matches!(attempt.is_mine(), Ok(false)) {
                exit(1);
            }
            // A missed beat is one of six.
            let _ = attempt.beat();
        }
    });
}

fn execute(plan: &Plan, attempt: &Attempt, records: &Path) -> ClaimResult<Outcome> {
    let job = attempt.job();
    let identifier = job.path().file_name().unwrap().to_str().unwrap();
    let planned = &plan.jobs[usize::from_str_radix(identifier, 16).unwrap()];
    let mut witness = Witness::begin(records, identifier, attempt.number());
    if job.done().exists() {
        witness.tell("after-done");
    }
    for dependency in &planned.dependencies {
        let needed = JobDirectory::new(job.path().with_file_name(Plan::identifier(*dependency)));
        if output(&needed).exists() && needed.done().exists() {
            continue;
        }
        // The driver of another run removes what is not kept as soon as it needs it no more itself.
        if plan.drivers > 1 && plan.jobs[*dependency].transient == TransientMode::Remove {
            witness.tell("gone");
            return Ok(Outcome::Failed);
        }
        witness.tell("too-early");
    }
    witness.tell("start");
    for (resource, units) in &planned.units {
        witness.take(*resource, *units, plan.resources[*resource].capacity);
    }
    let disk = |operation: &'static str| {
        let path = output(job);
        fault::point(operation, &path).map_err(|source| fs::FsError { operation, path, source })
    };
    disk("execute")?;
    std::thread::sleep(Duration::from_millis(planned.milliseconds));
    let before = attempt.number() - 1;
    let outcome = if count(job, before, Outcome::Preempted)? < planned.preemptions {
        Outcome::Preempted
    } else if count(job, before, Outcome::Timeout)? < planned.timeouts {
        Outcome::Timeout
    } else {
        fs::replace(&output(job), identifier.as_bytes(), Durability::Process)?;
        Outcome::Done
    };
    disk("end of execute")?;
    for (resource, units) in &planned.units {
        witness.note(*resource, '-', *units);
    }
    witness.tell(if outcome == Outcome::Done { "end" } else { "interrupted" });
    Ok(outcome)
}
