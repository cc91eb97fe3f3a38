//! A job that waits for a slot here, while another driver runs it.

use experimaestro_core::claim::{Evidence, evidence, last_attempt};
use experimaestro_core::job::{JobState, Reason, RetryPolicy};

use crate::place::{Driver, Place, until};

/// Two drivers want a job; the first has no slot until the other has run it. The first's job then comes to its end.
fn fails_elsewhere(place: &Place, deed: &str, retries: &RetryPolicy) -> (Reason, Driver) {
    let (busy, other) = (place.driver("busy", 1), place.driver("other", 1));
    let gate = place.gate();
    let first = busy.submit("first", &gate.wait(), RetryPolicy::default());
    let waits = busy.submit("both", deed, retries.clone());
    until(&first, |state| matches!(state, JobState::Running(_)));
    until(&waits, |state| *state == JobState::Ready);
    let ran = other.submit("both", deed, retries.clone());
    let reason = other.failure(&ran).reason;
    gate.open();
    assert_eq!(busy.failure(&waits).reason, reason, "both tell the same");
    (reason, busy)
}

fn executions(place: &Place) -> usize {
    let job = place.job("both");
    let is_run =
        |number: &u32| matches!(experimaestro_core::claim::evidence_of(&job, *number), Ok(Evidence::Ended { .. }));
    (1..=last_attempt(&job).unwrap().unwrap()).filter(is_run).count()
}

#[test]
fn what_fails_for_one_driver_is_not_run_again_by_another_that_was_waiting() {
    let place = Place::new();
    assert_eq!(fails_elsewhere(&place, "fail", &RetryPolicy::default()).0, Reason::Failed);
    assert_eq!(executions(&place), 1);
}

#[test]
fn tries_are_used_up_for_all_drivers_together_whatever_was_given_up_since() {
    let place = Place::new();
    let once = RetryPolicy { resumable: true, max_retries: 1, ..RetryPolicy::default() };
    let (reason, _busy) = fails_elsewhere(&place, "timeout", &once);
    assert_eq!((reason, executions(&place)), (Reason::Timeout, 1));
    let last = evidence(&place.job("both")).unwrap();
    assert!(matches!(last, Evidence::Abandoned { .. }), "the attempt after it is one without a process: {last:?}");
    let late = place.driver("late", 1);
    assert_eq!(late.failure(&late.submit("both", "timeout", once)).reason, Reason::Timeout);
    assert_eq!(executions(&place), 1);
}

#[test]
fn a_job_that_is_submitted_again_by_a_person_runs_again() {
    let place = Place::new();
    let (_, busy) = fails_elsewhere(&place, "fail", &RetryPolicy::default());
    let again = busy.submit("both", "fail", RetryPolicy::default());
    assert_eq!(busy.failure(&again).reason, Reason::Failed);
    assert_eq!(executions(&place), 2);
}
