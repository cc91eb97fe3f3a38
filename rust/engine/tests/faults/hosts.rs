//! Drivers on several hosts, each with a kernel and a mount of its own: one of them is killed, or stopped, from outside.
//!
//! `tests/hosts/hosts.py` starts the hosts; this is what runs on them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::check::check;
use crate::driver::{ALL_DONE, START_AGAIN};
use crate::plan::Plan;
use crate::trial::{Findings, Places, start};

/// At once, on each host.
const SEEDS_AT_ONCE: usize = 12;
/// Lives of a driver, each of which may end with what the other host left.
const LIVES: u32 = 12;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn seeds() -> Vec<u64> {
    let (first, count) =
        (variable("XPM_TRIAL_FIRST").parse().unwrap(), variable("XPM_TRIAL_COUNT").parse::<u64>().unwrap());
    (first..first + count).collect()
}

/// The places of a seed, as this host sees them: what it records is on the disk of the machine that runs the hosts.
fn places(seed: u64, records: &Path) -> Places {
    let workspace = PathBuf::from(variable("XPM_TRIAL_MOUNT")).join(seed.to_string());
    let log = records.join("faults");
    Places { seen: vec![workspace.clone()], workspace, records: records.join(seed.to_string()), log, gone: None }
}

/// Drive every seed to its end on this host; a file for each tells that it has come there.
pub(crate) fn drive() -> i32 {
    let records = PathBuf::from(variable("XPM_TRIAL_RECORDS"));
    let driver: u32 = variable("XPM_TRIAL_DRIVER").parse().unwrap();
    let (seeds, next) = (seeds(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..SEEDS_AT_ONCE {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let places = places(*seed, &records);
                    std::fs::create_dir_all(&places.records).unwrap();
                    let told = live(&Plan::across_hosts(*seed), &places, driver);
                    std::fs::write(places.records.with_extension("over"), told).unwrap();
                }
            });
        }
    });
    0
}

fn live(plan: &Plan, places: &Places, driver: u32) -> String {
    let mut last: Option<ExitStatus> = None;
    for life in 0..LIVES {
        let status = start(plan, places, driver, life).process.wait().unwrap();
        match status.code() {
            Some(ALL_DONE) => return "done".into(),
            Some(START_AGAIN) => last = Some(status),
            _ => return format!("driver {driver} ended with {status} in life {life}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    format!("driver {driver} does not finish: {last:?}")
}

/// After all: put together what the hosts have recorded, and check it. `struck` is the host that something happened to.
pub(crate) fn check_all() -> i32 {
    let all = PathBuf::from(variable("XPM_TRIAL_RECORDS"));
    let (hosts, struck) = (variable("XPM_TRIAL_HOSTS"), variable("XPM_TRIAL_STRUCK"));
    let mut total = Findings::default();
    for seed in seeds() {
        let is_over = |host: &str| all.join(host).join(seed.to_string()).with_extension("over").exists();
        let gone = hosts.split(',').position(|host| host == struck && !is_over(host));
        let places =
            Places { gone: gone.map(|driver| u32::try_from(driver).unwrap()), ..places(seed, &all.join("together")) };
        gather(&all, &hosts, seed, &places.records);
        write_struck(&places, &struck);
        let mut found = Findings::default();
        for host in hosts.split(',') {
            match std::fs::read_to_string(all.join(host).join(seed.to_string()).with_extension("over")) {
                Ok(told) if told == "done" => {}
                Ok(told) => found.problems.push(format!("on {host}: {told}")),
                Err(_) if host == struck => {}
                Err(_) => found.problems.push(format!("{host} did not finish")),
            }
        }
        check(&Plan::across_hosts(seed), &places, &mut found);
        for problem in &found.problems {
            println!("seed {seed}: {problem}");
        }
        total.executions += found.executions;
        total.taken_over += taken_over(&places.records, &struck);
        total.contended += found.contended;
        total.problems.extend(found.problems);
    }
    println!(
        "{} seeds: {} executions, {} of them after one that {struck} did not bring to its end, {} resources used to the last unit, \
         {} problems",
        seeds().len(),
        total.executions,
        total.taken_over,
        total.contended,
        total.problems.len()
    );
    i32::from(!total.problems.is_empty())
}

/// One file for each job and resource, from those of all hosts, in the order of the attempts.
fn gather(all: &Path, hosts: &str, seed: u64, together: &Path) {
    std::fs::create_dir_all(together).unwrap();
    for host in hosts.split(',') {
        for entry in std::fs::read_dir(all.join(host).join(seed.to_string())).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            let target = together.join(name);
            let mut lines: Vec<String> = Vec::new();
            for file in [&target, &path] {
                lines.extend(std::fs::read_to_string(file).unwrap_or_default().lines().map(|line| format!("{line}\n")));
            }
            if path.extension().is_none() {
                lines.sort_by_key(|line| line.split(' ').nth(1).and_then(|number| number.parse::<u32>().ok()));
            }
            std::fs::write(target, lines.concat()).unwrap();
        }
    }
}

/// Every process of the host that was struck may have been in the middle of anything.
fn write_struck(places: &Places, struck: &str) {
    let mut lines = String::new();
    for entry in std::fs::read_dir(&places.records).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        let processes = text.lines().filter_map(|line| line.split(' ').nth(2));
        for process in processes.filter(|process| process.starts_with(&format!("{struck}/"))) {
            let _ = writeln!(lines, "{process} Host");
        }
    }
    std::fs::write(&places.log, lines).unwrap();
}

/// Executions that the struck host began and did not end, of jobs that were then executed on another.
fn taken_over(records: &Path, struck: &str) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(records).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        let mine =
            |line: &&str| line.split(' ').nth(2).is_some_and(|process| process.starts_with(&format!("{struck}/")));
        let starts: Vec<&str> = text.lines().filter(|line| line.starts_with("start ")).collect();
        let unended = |line: &&&str| {
            let process = line.split(' ').nth(2);
            !text.lines().any(|other| !other.starts_with("start ") && other.split(' ').nth(2) == process)
        };
        let lost = starts.iter().filter(|line| mine(line)).filter(unended).count();
        count += if starts.last().is_some_and(|last| !mine(last)) { lost } else { 0 };
    }
    count
}
