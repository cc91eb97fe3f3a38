//! One seed: its drivers are started, and started again, until all is done; then everything is checked from outside.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::check::check;
use crate::driver::{ALL_DONE, START_AGAIN};
use crate::plan::{FAULTY_LIVES, Plan};

/// A life of a driver that takes longer is a hang. Lives of healthy drivers take a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(100);
/// Lives without faults that a driver may need: another one may have left an error of its last faulty life.
const HEALTHY_LIVES: u32 = 10;

/// What a seed showed.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<String>,
    pub(crate) faults: usize,
    pub(crate) executions: usize,
    /// Executions that came to their time limit, or gave their place to somebody else.
    pub(crate) interruptions: usize,
    pub(crate) lives: u32,
    /// Shared resources all of whose units were in use at once.
    pub(crate) contended: usize,
    /// Executions that another host began.
    pub(crate) taken_over: usize,
}

/// One process of a driver.
pub(crate) struct Life {
    driver: u32,
    number: u32,
    pub(crate) process: Child,
    started: Instant,
}

/// Where everything is.
pub(crate) struct Places {
    pub(crate) workspace: PathBuf,
    /// Where each driver sees the workspace: through mounts of its own, where there are several.
    pub(crate) seen: Vec<PathBuf>,
    pub(crate) records: PathBuf,
    pub(crate) log: PathBuf,
    /// A driver whose host is gone: what it held is free once its heartbeat was watched, and its journal ends anywhere.
    pub(crate) gone: Option<u32>,
}

pub(crate) fn run(seed: u64, folder: &Path, mounts: &[PathBuf]) -> Findings {
    let plan = Plan::new(seed);
    let name = folder.file_name().unwrap();
    let roots: Vec<PathBuf> = match mounts {
        [] => vec![folder.join("workspace")],
        mounts => mounts.iter().map(|mount| mount.join(name)).collect(),
    };
    let (records, log) = (folder.join("records"), folder.join("faults"));
    let places = Places { workspace: roots[0].clone(), seen: roots, records, log, gone: None };
    std::fs::create_dir_all(&places.records).unwrap();
    let mut findings = Findings::default();
    let mut lives: Vec<Life> = (0..plan.drivers).map(|driver| start(&plan, &places, driver, 0)).collect();
    while !lives.is_empty() && findings.problems.is_empty() {
        let mut next = Vec::new();
        for mut life in lives {
            match life.process.try_wait().unwrap() {
                None if life.started.elapsed() > PATIENCE => {
                    findings.problems.push(format!("driver {} hangs in life {}", life.driver, life.number));
                    next.push(life);
                }
                None => next.push(life),
                Some(status) => {
                    findings.lives += 1;
                    next.extend(another(&plan, &places, &life, status, &mut findings));
                }
            }
        }
        lives = next;
        std::thread::sleep(Duration::from_millis(2));
    }
    for life in &mut lives {
        let _ = life.process.kill();
        let _ = life.process.wait();
    }
    if findings.problems.is_empty() {
        check(&plan, &places, &mut findings);
    }
    findings
}

fn another(plan: &Plan, places: &Places, life: &Life, status: ExitStatus, findings: &mut Findings) -> Option<Life> {
    let next = life.number + 1;
    match status.code() {
        Some(ALL_DONE) => return None,
        // Killed, or told to start again.
        None | Some(START_AGAIN) if next < FAULTY_LIVES + HEALTHY_LIVES => {
            return Some(start(plan, places, life.driver, next));
        }
        None | Some(START_AGAIN) => {
            findings.problems.push(format!("driver {} does not finish without faults: {status}", life.driver));
        }
        _ => findings.problems.push(format!("driver {} ended with {status} in life {}", life.driver, life.number)),
    }
    None
}

pub(crate) fn start(plan: &Plan, places: &Places, driver: u32, life: u32) -> Life {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("XPM_TRIAL", "driver").env("XPM_TRIAL_SEED", plan.seed.to_string());
    command
        .env("XPM_TRIAL_ROOT", &places.seen[driver as usize % places.seen.len()])
        .env("XPM_TRIAL_RECORDS", &places.records);
    command.env("XPM_TRIAL_DRIVER", driver.to_string());
    command.env("XPM_FAULT", plan.driver_fault(driver, life)).env("XPM_FAULT_LOG", &places.log);
    let process = command.stdin(Stdio::null()).spawn().unwrap();
    Life { driver, number: life, process, started: Instant::now() }
}
