//! A job that was found running without its driver, and what others did with it before its process ended.

use std::process::{Child, Command, Stdio};

use experimaestro_core::claim::{ProcessIdentity, Taken, abandon, declare_lost, take};
use experimaestro_core::fs;
use experimaestro_core::job::{JobState, Place as Whose, RetryPolicy};
use experimaestro_core::layout::{AttemptFile, JobDirectory};

use crate::place::{Driver, LIMIT, Place, until};

fn dead() -> ProcessIdentity {
    ProcessIdentity { start: "never".into(), ..ProcessIdentity::current() }
}

/// The attempt of a driver that is gone: its process is a child of ours, which lives until it is killed.
fn orphan(job: &JobDirectory) -> Child {
    let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    fs::create_folders(job.path()).unwrap();
    assert_eq!(take(job, &dead(), 0.0).unwrap(), Taken::Mine(1));
    run(job, 1, &ProcessIdentity::of(child.id()));
    child
}

/// The record of a process that runs an attempt.
pub(crate) fn run(job: &JobDirectory, number: u32, process: &ProcessIdentity) {
    let record = serde_json::json!({"version": 1, "nonce": "0", "process": process, "message": null, "time": 0.0});
    std::fs::write(job.attempt(number, AttemptFile::Run), record.to_string()).unwrap();
}

/// Another driver sees the process end first, and takes the next attempt.
fn next_attempt(job: &JobDirectory) {
    declare_lost(job, 1, None, "it vanished", 0.0).unwrap();
    assert_eq!(take(job, &ProcessIdentity::current(), 0.0).unwrap(), Taken::Mine(2));
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn ends_well(driver: &Driver, job: &std::sync::Arc<experimaestro_engine::Job>) {
    assert!(driver.engine.wait(&[std::sync::Arc::clone(job)], LIMIT), "it hangs: {:?}", job.observed());
    assert!(matches!(job.observed().state, JobState::Done(_)), "{:?}", job.observed());
}

/// Wait until a driver has found a job running and will be woken by the end of its process: it looks at nothing until then.
fn until_watched(job: &experimaestro_engine::Job, process: &Child) {
    until(job, is_adopted);
    let line = format!("Pid:\t{}\n", process.id());
    let is_it = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.and_then(|entry| std::fs::read_to_string(entry.path())).is_ok_and(|text| text.contains(&line))
    };
    while !std::fs::read_dir("/proc/self/fdinfo").unwrap().any(is_it) {
        std::thread::yield_now();
    }
}

fn is_adopted(state: &JobState) -> bool {
    matches!(state, JobState::Running(running) if running.place == Whose::Adopted)
}

#[test]
fn the_next_attempt_that_nobody_runs_keeps_nobody_waiting() {
    let place = Place::new();
    let driver = place.driver("x", 1);
    let child = orphan(&place.job("a"));
    let job = driver.submit("a", "done", RetryPolicy::default());
    until_watched(&job, &child);
    next_attempt(&place.job("a"));
    abandon(&place.job("a"), 2, "it was not started", 0.0).unwrap();
    end(child);
    ends_well(&driver, &job);
}

#[test]
fn the_next_attempt_of_another_driver_is_followed() {
    let place = Place::new();
    let driver = place.driver("x", 1);
    let child = orphan(&place.job("a"));
    let job = driver.submit("a", "done", RetryPolicy::default());
    until_watched(&job, &child);
    next_attempt(&place.job("a"));
    let second = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    run(&place.job("a"), 2, &ProcessIdentity::of(second.id()));
    end(child);
    until(&job, |state| !is_adopted(state));
    assert!(matches!(job.observed().state, JobState::Running(running) if running.place == Whose::Elsewhere));
    end(second);
    ends_well(&driver, &job);
}
