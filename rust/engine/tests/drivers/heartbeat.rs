//! Processes and drivers of another host that are no more: nothing but a heartbeat that stands still tells so.

use std::sync::Arc;
use std::time::Duration;

use experimaestro_core::claim::{Evidence, ProcessIdentity, Taken, evidence_of, take};
use experimaestro_core::fs;
use experimaestro_core::job::{JobState, RetryPolicy};
use experimaestro_core::layout::{JobDirectory, LeaseDirectory};
use experimaestro_core::lease::{Ticket, request};
use experimaestro_engine::Needs;

use crate::adopted::run;
use crate::place::{Driver, LIMIT, Place};

/// As long as it takes to see twice that nothing changes.
const SHORT: Duration = Duration::from_millis(300);

fn elsewhere() -> ProcessIdentity {
    ProcessIdentity { host: "another-host".into(), ..ProcessIdentity::current() }
}

/// The attempt of a driver of another host.
fn claimed_elsewhere(job: &JobDirectory) {
    fs::create_folders(job.path()).unwrap();
    assert_eq!(take(job, &elsewhere(), 0.0).unwrap(), Taken::Mine(1));
}

fn ends_well(driver: &Driver, retries: RetryPolicy, needs: Needs) {
    let job = driver.submit_needing("a", "done", retries, needs);
    assert!(driver.engine.wait(&[Arc::clone(&job)], LIMIT), "it hangs: {:?}", job.observed());
    assert!(matches!(job.observed().state, JobState::Done(_)), "{:?}", job.observed());
}

#[test]
fn a_process_whose_heartbeat_stands_still_is_lost_and_its_job_runs_here() {
    let place = Place::new();
    let job = place.job("a");
    claimed_elsewhere(&job);
    run(&job, 1, &elsewhere());
    let driver = place.driver_that_waits("x", 1, SHORT);
    ends_well(&driver, RetryPolicy::default(), Needs::default());
    let Ok(Evidence::Ended { end: Some(end), .. }) = evidence_of(&job, 1) else { panic!("it was not given up") };
    assert_eq!(end.message.as_deref(), Some("its heartbeat stopped"));
}

#[test]
fn a_lost_process_counts_in_the_budget_for_those() {
    let place = Place::new();
    claimed_elsewhere(&place.job("a"));
    run(&place.job("a"), 1, &elsewhere());
    let driver = place.driver_that_waits("x", 1, SHORT);
    let job = driver.submit("a", "done", RetryPolicy { lost: 0, ..RetryPolicy::default() });
    assert!(driver.failure(&job).message.unwrap().contains("heartbeat"));
}

#[test]
fn a_claim_without_a_process_is_given_up() {
    let place = Place::new();
    claimed_elsewhere(&place.job("a"));
    let driver = place.driver_that_waits("x", 1, SHORT);
    ends_well(&driver, RetryPolicy { lost: 0, ..RetryPolicy::default() }, Needs::default());
    assert!(matches!(evidence_of(&place.job("a"), 1), Ok(Evidence::Abandoned { .. })));
}

#[test]
fn a_driver_that_holds_a_token_is_given_up() {
    let place = Place::new();
    let driver = place.driver_that_waits("x", 1, SHORT);
    let token = LeaseDirectory::new(place.root().join("token"));
    request(&token, &Ticket::new(1, &elsewhere(), None, 0.0)).unwrap();
    ends_well(&driver, RetryPolicy::default(), Needs { leases: vec![(token, 1)], ..Needs::default() });
}
