//! One seed: its drivers are started, and started again, until all is done; then everything is checked from outside.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use experimaestro_core::claim::{Evidence, evidence, evidence_of};
use experimaestro_core::journal;
use experimaestro_core::layout::Workspace;

use crate::driver::{ALL_DONE, START_AGAIN};
use crate::job::{output, record};
use crate::plan::{FAULTY_LIVES, Plan};

/// A life of a driver that takes longer is a hang. Lives of healthy drivers take a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(100);
/// Lives without faults that a driver may need: another one may have left an error of its last faulty life.
const HEALTHY_LIVES: u32 = 8;

/// What a seed showed.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) problems: Vec<String>,
    pub(crate) faults: usize,
    pub(crate) executions: usize,
    pub(crate) lives: u32,
}

struct Life {
    driver: u32,
    number: u32,
    process: Child,
    started: Instant,
}

struct Places {
    workspace: PathBuf,
    /// Where each driver sees the workspace: through mounts of its own, where there are several.
    seen: Vec<PathBuf>,
    records: PathBuf,
    log: PathBuf,
}

pub(crate) fn run(seed: u64, folder: &Path, mounts: &[PathBuf]) -> Findings {
    let plan = Plan::new(seed);
    let name = folder.file_name().unwrap();
    let roots: Vec<PathBuf> = match mounts {
        [] => vec![folder.join("workspace")],
        mounts => mounts.iter().map(|mount| mount.join(name)).collect(),
    };
    let (records, log) = (folder.join("records"), folder.join("faults"));
    let places = Places { workspace: roots[0].clone(), seen: roots, records, log };
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

fn start(plan: &Plan, places: &Places, driver: u32, life: u32) -> Life {
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

fn check(plan: &Plan, places: &Places, findings: &mut Findings) {
    let faults = std::fs::read_to_string(&places.log).unwrap_or_default();
    findings.faults = faults.lines().count();
    let struck: HashSet<&str> =
        faults.lines().filter(|line| !line.contains("Stall")).filter_map(|line| line.split(' ').next()).collect();
    for number in 0..plan.jobs.len() {
        check_job(places, &Plan::identifier(number), &struck, findings);
    }
    check_journals(places, findings);
}

fn check_job(places: &Places, identifier: &str, struck: &HashSet<&str>, findings: &mut Findings) {
    let mut problem = |text: String| findings.problems.push(format!("job {identifier}: {text}"));
    let job = Workspace::new(&places.workspace).job("t.job", identifier);
    if !job.done().exists() || !output(&job).exists() {
        problem("no marker, or no outputs".into());
    }
    if !matches!(evidence(&job), Ok(Evidence::Done { marked: true, .. })) {
        problem(format!("its folder says {:?}", evidence(&job)));
    }
    let text = std::fs::read_to_string(record(&places.records, identifier)).unwrap_or_default();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').collect()).collect();
    let starts: Vec<&Vec<&str>> = lines.iter().filter(|line| line[0] == "start").collect();
    findings.executions += starts.len();
    let mut problem = |text: String| findings.problems.push(format!("job {identifier}: {text}"));
    for line in &lines {
        if !matches!(line[0], "start" | "end") {
            problem(format!("{line:?}"));
        }
    }
    let Some((last, earlier)) = starts.split_last() else { return problem("it was never executed".into()) };
    for start in earlier {
        if !struck.contains(start[2]) {
            problem(format!("executed again although nothing happened to {start:?}"));
        }
    }
    let attempts: Vec<u32> = starts.iter().map(|start| start[1].parse().unwrap()).collect();
    if !attempts.is_sorted_by(|one, next| one < next) {
        problem(format!("attempts {attempts:?}"));
    }
    let last: u32 = last[1].parse().unwrap();
    let successes: Vec<u32> =
        (1..100).filter(|number| matches!(evidence_of(&job, *number), Ok(Evidence::Done { .. }))).collect();
    if successes != [last] {
        problem(format!("attempts {successes:?} are recorded as done, and {last} was executed last"));
    }
}

/// What the journal of any run tells as done is done (they all are, by now); and the last run of each driver tells so.
fn check_journals(places: &Places, findings: &mut Findings) {
    let experiments = places.workspace.join("experiments");
    for experiment in std::fs::read_dir(experiments).unwrap() {
        let folder = experiment.unwrap().path();
        let current = folder.join("current").join("journal.jsonl");
        match journal::read(&current) {
            Ok(history) => {
                for job in &history.jobs {
                    let state = job.last.as_ref().map(|last| last.state.as_str().to_owned());
                    if state.as_deref() != Some("done") {
                        findings.problems.push(format!("{} tells {state:?} of a job", current.display()));
                    }
                }
            }
            Err(error) => findings.problems.push(format!("{}: {error}", current.display())),
        }
    }
}
