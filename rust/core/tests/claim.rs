//! The promises of the claim protocol, on a real folder.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests, which clippy cannot know

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use experimaestro_core::claim::{
    Attempt, ClaimError, Evidence, Outcome, ProcessIdentity, Taken, abandon, complete, declare_lost, evidence, revoke,
    take,
};
use experimaestro_core::fs;
use experimaestro_core::layout::{AttemptFile, JobDirectory, Workspace};
use tempfile::TempDir;

fn job() -> (TempDir, JobDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let job = Workspace::new(folder.path()).job("t.learn", "ab12");
    fs::create_folders(job.path()).unwrap();
    (folder, job)
}

fn dead() -> ProcessIdentity {
    ProcessIdentity { start: "never".into(), ..ProcessIdentity::current() }
}

fn elsewhere() -> ProcessIdentity {
    ProcessIdentity { host: "another-host".into(), ..ProcessIdentity::current() }
}

fn me() -> ProcessIdentity {
    ProcessIdentity::current()
}

fn is_lost<T>(result: &Result<T, ClaimError>) -> bool {
    matches!(result, Err(ClaimError::Lost(_)))
}

/// Rewrite the process in `n.run`: what a process that is dead, or far away, would have left.
fn rewrite_run(job: &JobDirectory, number: u32, process: &ProcessIdentity) {
    let path = job.attempt(number, AttemptFile::Run);
    let mut run: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    run["process"] = serde_json::to_value(process).unwrap();
    std::fs::write(&path, run.to_string()).unwrap();
}

#[test]
fn one_of_many_claims_wins() {
    let (_folder, job) = job();
    let (barrier, won) = (Barrier::new(8), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                match take(&job, &me(), 0.0).unwrap() {
                    Taken::Mine(1) => drop(won.fetch_add(1, Ordering::Relaxed)),
                    Taken::Held(held) => assert!(matches!(*held, Evidence::Claimed { number: 1, .. })),
                    other => panic!("{other:?}"),
                }
            });
        }
    });
    assert_eq!(won.load(Ordering::Relaxed), 1);
}

#[test]
fn one_of_many_processes_begins_an_attempt() {
    let (_folder, job) = job();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(1));
    let (barrier, won) = (Barrier::new(8), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                match Attempt::begin(job.clone(), Some(1), 0.0) {
                    Ok(_) => drop(won.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => assert!(matches!(error, ClaimError::Lost(_)), "{error}"),
                }
            });
        }
    });
    assert_eq!(won.load(Ordering::Relaxed), 1);
}

#[test]
fn success_leaves_its_marker_and_nothing_temporary() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    let attempt = Attempt::begin(job.clone(), Some(1), 1.0).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&fs::read(&job.pid()).unwrap().unwrap()).unwrap();
    assert_eq!((&told["type"], &told["pid"]), (&"local".into(), &std::process::id().into()));
    assert_eq!(told["host"], me().host);
    // A file that is made and removed with every job makes file systems slow.
    assert_eq!(fs::number(&job.pid()).unwrap(), fs::number(&job.attempt(1, AttemptFile::Run)).unwrap());
    attempt.beat().unwrap();
    attempt.finish(Outcome::Done, 0, None, 2.0).unwrap();
    assert!(job.done().exists() && !job.pid().exists() && !job.failed().exists());
    assert_eq!(take(&job, &me(), 3.0).unwrap(), Taken::Done);
    let mut names = fs::names(&job.private()).unwrap().unwrap();
    names.sort();
    assert_eq!(names, ["00001.claim", "00001.end", "00001.run"]);
}

#[test]
fn the_pid_file_of_an_attempt_that_crashed_gives_way() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    std::fs::write(job.pid(), r#"{"type":"local","pid":1,"host":"elsewhere"}"#).unwrap();
    let attempt = Attempt::begin(job.clone(), Some(1), 1.0).unwrap();
    assert_eq!(fs::read(&job.pid()).unwrap(), fs::read(&job.attempt(1, AttemptFile::Run)).unwrap());
    attempt.finish(Outcome::Done, 0, None, 2.0).unwrap();
    assert!(!job.pid().exists());
}

#[test]
fn a_run_without_the_words_of_the_pid_file_is_read() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    let process = serde_json::to_value(me()).unwrap();
    let before = serde_json::json!({"version": 1, "nonce": "0", "process": process, "message": null, "time": 1.0});
    std::fs::write(job.attempt(1, AttemptFile::Run), before.to_string()).unwrap();
    let Evidence::Running { run: Some(run), .. } = evidence(&job).unwrap() else { panic!("not running") };
    assert_eq!(run.process, Some(me()));
}

#[test]
fn a_failed_attempt_is_followed_by_the_next() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap().finish(Outcome::Failed, 3, Some("broken"), 0.0).unwrap();
    let failed: serde_json::Value = serde_json::from_slice(&std::fs::read(job.failed()).unwrap()).unwrap();
    assert_eq!(
        (failed["code"].as_i64(), failed["reason"].as_str(), failed["message"].as_str()),
        (Some(3), Some("failed"), Some("broken"))
    );
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
    Attempt::begin(job.clone(), Some(2), 0.0).unwrap();
    assert!(!job.failed().exists(), "a new attempt clears the old failure");
}

#[test]
fn a_lost_attempt_is_never_done_however_late_it_wakes_up() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    let late = Attempt::begin(job.clone(), Some(1), 0.0).unwrap();
    assert!(late.is_mine().unwrap());
    declare_lost(&job, 1, None, "no heartbeat", 0.0).unwrap();
    assert!(!late.is_mine().unwrap());
    assert!(is_lost(&late.finish(Outcome::Done, 0, None, 0.0)));
    assert!(!job.done().exists());
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
}

#[test]
fn an_abandoned_attempt_never_begins() {
    let (_folder, job) = job();
    take(&job, &dead(), 0.0).unwrap();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
    assert!(is_lost(&Attempt::begin(job.clone(), Some(1), 0.0)));
    Attempt::begin(job, Some(2), 0.0).unwrap();
}

#[test]
fn a_process_that_has_begun_cannot_be_abandoned() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap();
    assert!(!abandon(&job, 1, "too slow", 0.0).unwrap());
    assert!(matches!(evidence(&job).unwrap(), Evidence::Running { number: 1, .. }));
}

#[test]
fn a_success_without_marker_is_completed_not_run_again() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap().finish(Outcome::Done, 0, None, 0.0).unwrap();
    std::fs::remove_file(job.done()).unwrap();
    assert!(matches!(evidence(&job).unwrap(), Evidence::Done { marked: false, .. }));
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Done);
    assert!(job.done().exists());
}

#[test]
fn a_dead_process_gives_way_and_a_distant_one_does_not() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap();
    rewrite_run(&job, 1, &elsewhere());
    assert!(matches!(take(&job, &me(), 0.0).unwrap(), Taken::Held(_)));
    rewrite_run(&job, 1, &dead());
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
    let failed: serde_json::Value = serde_json::from_slice(&std::fs::read(job.failed()).unwrap()).unwrap();
    assert_eq!(failed["reason"], "failed");
}

#[test]
fn a_done_job_of_an_older_package_counts() {
    let (_folder, job) = job();
    std::fs::write(job.done(), "").unwrap();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Done);
    assert!(is_lost(&Attempt::begin(job.clone(), None, 0.0)));
    assert!(!job.private().exists(), "asking leaves no trace");
}

#[test]
fn a_pid_file_of_an_unrelated_process_is_not_believed() {
    let (_folder, job) = job();
    std::fs::write(job.pid(), format!("{{\"type\":\"local\",\"pid\":{}}}", std::process::id())).unwrap();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(1));
}

#[test]
fn done_wins_over_a_claim_taken_on_a_stale_view() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    std::fs::write(job.done(), "").unwrap();
    assert!(is_lost(&Attempt::begin(job.clone(), Some(1), 0.0)));
    assert!(matches!(evidence(&job).unwrap(), Evidence::Done { marked: true, .. }));
}

#[test]
fn the_next_attempt_sweeps_what_a_crash_left() {
    let (_folder, job) = job();
    take(&job, &dead(), 0.0).unwrap();
    let stray = job.private().join("00001.end.0123456789abcdef.tmp");
    std::fs::write(&stray, "half").unwrap();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
    assert!(!stray.exists());
}

#[test]
fn files_cut_short_by_a_loss_of_power_do_not_stop_everything() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap().finish(Outcome::Failed, 1, None, 0.0).unwrap();
    std::fs::write(job.attempt(1, AttemptFile::End), "").unwrap();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
    std::fs::write(job.attempt(2, AttemptFile::Claim), "{").unwrap();
    assert!(matches!(take(&job, &me(), 0.0).unwrap(), Taken::Held(_)), "unknown owner: assumed alive until observed");
}

#[test]
fn a_marker_that_comes_after_its_success_was_taken_back_is_not_believed_by_who_runs_the_job() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap().finish(Outcome::Done, 0, None, 0.0).unwrap();
    revoke(&job, Some(1), "no good", 0.0).unwrap();
    // A process that stood still between `n.end` and its marker.
    std::fs::write(job.done(), "").unwrap();
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Mine(2));
    let attempt = Attempt::begin(job.clone(), Some(2), 0.0).unwrap();
    attempt.finish(Outcome::Done, 0, None, 0.0).unwrap();
    assert!(job.done().exists());
    assert_eq!(take(&job, &me(), 0.0).unwrap(), Taken::Done);
}

#[test]
fn nobody_completes_a_success_that_was_taken_back() {
    let (_folder, job) = job();
    take(&job, &me(), 0.0).unwrap();
    Attempt::begin(job.clone(), Some(1), 0.0).unwrap().finish(Outcome::Done, 0, None, 0.0).unwrap();
    revoke(&job, Some(1), "no good", 0.0).unwrap();
    complete(&job).unwrap();
    assert!(!job.done().exists());
}
