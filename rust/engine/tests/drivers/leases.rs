//! What jobs had of a token, when their driver leaves.

use std::sync::Arc;

use experimaestro_core::job::RetryPolicy;
use experimaestro_core::journal::Status;
use experimaestro_core::layout::LeaseDirectory;
use experimaestro_core::lease::Observer;
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
