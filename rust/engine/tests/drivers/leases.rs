//! What jobs had of a token, when their driver leaves.

use std::sync::Arc;

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::job::{JobState, RetryPolicy};
use experimaestro_core::journal::Status;
use experimaestro_core::layout::LeaseDirectory;
use experimaestro_core::lease::{Observer, Ticket, give_back, request};
use experimaestro_engine::Needs;

use crate::place::{LIMIT, Place};

/// Other hosts would find out by a heartbeat that stops, a minute later.
#[test]
fn it_is_given_back_before_a_run_is_closed() {
    let place = Place::new();
    let token = LeaseDirectory::new(place.root().join("token"));
    for round in 0..10 {
        let driver = place.driver("x", 2);
        let needs = Needs { leases: vec![(token.clone(), 1)], ..Needs::default() };
        let names = [0, 1].map(|job| format!("{round}-{job}"));
        let submit = |name: &String| driver.submit_needing(name, "done", RetryPolicy::default(), needs.clone());
        let jobs: Vec<Arc<_>> = names.iter().map(submit).collect();
        assert!(driver.engine.wait(&jobs, LIMIT));
        driver.run.close(Status::Completed).unwrap();
        let line = Observer::new(token.clone()).line().unwrap();
        assert!(line.places().is_empty(), "without anybody asking whether its holder lives: {line:?}");
    }
}

/// Another host that saw no heartbeat of a driver, which was stopped, has given its tickets back.
#[test]
fn who_lost_its_place_in_a_line_asks_anew() {
    let place = Place::new();
    let token = LeaseDirectory::new(place.root().join("token"));
    let driver = place.driver("x", 1);
    let first = request(&token, &Ticket::new(1, &ProcessIdentity::current(), None, 0.0)).unwrap();
    let needs = Needs { leases: vec![(token.clone(), 1)], ..Needs::default() };
    let job = driver.submit_needing("a", "done", RetryPolicy::default(), needs);
    let mut observer = Observer::new(token.clone());
    while job.line().is_none() {
        std::thread::yield_now();
    }
    let waiting = observer.line().unwrap().places().last().unwrap().number;
    assert_ne!(waiting, first);
    give_back(&token, waiting).unwrap();
    give_back(&token, first).unwrap();
    assert!(driver.engine.wait(&[Arc::clone(&job)], LIMIT), "it waits for ever for a turn that does not come");
    assert!(matches!(job.observed().state, JobState::Done(_)), "{:?}", job.observed());
}
