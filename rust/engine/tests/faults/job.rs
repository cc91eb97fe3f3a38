//! The process of a job: what the runner does in Python, with the same claims, and a task that can be checked from outside.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::exit;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use experimaestro_core::claim::{Attempt, ClaimError, ClaimResult, Outcome};
use experimaestro_core::fs::{self, Durability, fault};
use experimaestro_core::layout::JobDirectory;
use rustix::fs::{FlockOperation, flock};

use crate::plan::Plan;

pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

pub(crate) fn output(job: &JobDirectory) -> PathBuf {
    job.path().join("output")
}

/// Where each execution of a job is written down, away from the workspace.
pub(crate) fn record(records: &Path, identifier: &str) -> PathBuf {
    records.join(identifier)
}

pub(crate) fn main(script: &str) -> ! {
    let folder = Path::new(script).parent().unwrap();
    let seed: u64 = std::env::var("XPM_TRIAL_SEED").unwrap().parse().unwrap();
    let records = PathBuf::from(std::env::var_os("XPM_TRIAL_RECORDS").unwrap());
    let attempt: u32 = std::env::var("XPM_ATTEMPT").unwrap().parse().unwrap();
    let plan = Plan::new(seed);
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
    let outcome = execute(plan, &attempt, records);
    if !attempt.is_mine()? {
        return Err(ClaimError::Lost("declared lost".into()));
    }
    match outcome {
        Ok(()) => attempt.finish(Outcome::Done, 0, None, now()),
        Err(error) => attempt.finish(Outcome::Failed, 1, Some(&error.to_string()), now()),
    }
}

fn execute(plan: &Plan, attempt: &Attempt, records: &Path) -> ClaimResult<()> {
    let job = attempt.job();
    let identifier = job.path().file_name().unwrap().to_str().unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(record(records, identifier)).unwrap();
    let mut tell = |what: &str| {
        let line = format!("{what} {} {}\n", attempt.number(), std::process::id());
        file.write_all(line.as_bytes()).unwrap();
    };
    // Held while the task executes, and given up by the system at the very end of a process, before anybody sees it end.
    let lock = File::create(record(records, identifier).with_extension("lock")).unwrap();
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        tell("overlap");
    }
    if job.done().exists() {
        tell("after-done");
    }
    let number = usize::from_str_radix(identifier, 16).unwrap();
    for dependency in &plan.jobs[number].dependencies {
        let needed = JobDirectory::new(job.path().with_file_name(Plan::identifier(*dependency)));
        if !output(&needed).exists() || !needed.done().exists() {
            tell("too-early");
        }
    }
    tell("start");
    let disk = |operation: &'static str| {
        let path = output(job);
        fault::point(operation, &path).map_err(|source| fs::FsError { operation, path, source })
    };
    disk("execute")?;
    std::thread::sleep(Duration::from_millis(plan.jobs[number].milliseconds));
    fs::replace(&output(job), identifier.as_bytes(), Durability::Process)?;
    disk("end of execute")?;
    tell("end");
    Ok(())
}
