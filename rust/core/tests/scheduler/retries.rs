//! What is tried again, and how often.

use experimaestro_core::job::{
    Failure, Interruption, JobEvent, JobId, Place, Reason, RetryPolicy, Tally, TransientMode,
};
use experimaestro_core::scheduler::{Event, Pool, Request, Resubmission, Scheduler, Submission};

use crate::world::{failure, running};

/// Submit one job and let it run; answer what each of these failures brings about.
fn fail_with(retries: RetryPolicy, causes: &[Option<Interruption>]) -> (Vec<&'static str>, u32) {
    let job = JobId(0);
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    scheduler.on(Event::Submitted(Submission { retries, ..Submission::new(job) }), 0.0).unwrap();
    scheduler.on(Event::Job(job, JobEvent::FoundNothing), 0.0).unwrap();
    let states = causes.iter().map(|cause| {
        scheduler.on(Event::Job(job, JobEvent::Started(running(Place::Own))), 0.0).unwrap();
        let failed = Failure { interruption: *cause, ..failure(Reason::Failed) };
        scheduler.on(Event::Job(job, JobEvent::Failed(failed)), 0.0).unwrap();
        scheduler.state(job).unwrap().name()
    });
    (states.collect(), scheduler.retry_count(job))
}

#[test]
fn a_resumable_task_has_as_many_executions_as_its_max_retries() {
    let timeout = Some(Interruption::Timeout);
    for (max_retries, executions) in [(0, 1), (1, 1), (3, 3)] {
        let policy = RetryPolicy { resumable: true, max_retries, ..RetryPolicy::default() };
        let (states, count) = fail_with(policy, &vec![timeout; executions]);
        assert_eq!(states.last(), Some(&"error"), "max_retries={max_retries}");
        assert!(states[..executions - 1].iter().all(|state| *state == "scheduled"), "{states:?}");
        assert_eq!(count as usize, executions);
    }
    assert_eq!(fail_with(RetryPolicy { max_retries: 3, ..RetryPolicy::default() }, &[timeout]).0, ["error"]);
}

#[test]
fn each_cause_has_a_budget_of_its_own_and_a_bug_has_none() {
    let policy = RetryPolicy { resumable: true, max_retries: 9, preempted: 1, lost: 1, memory: 1, memory_growth: 2.0 };
    let (lost, preempted, memory) =
        (Some(Interruption::Lost), Some(Interruption::Preempted), Some(Interruption::Memory));
    let (states, _) = fail_with(policy.clone(), &[lost, preempted, memory, Some(Interruption::Timeout), lost]);
    assert_eq!(states, ["scheduled", "scheduled", "scheduled", "scheduled", "error"]);
    assert_eq!(fail_with(policy, &[None]).0, ["error"]);
}

#[test]
fn more_memory_is_asked_for_after_each_lack_of_it() {
    let policy = RetryPolicy { memory: 3, memory_growth: 1.5, ..RetryPolicy::default() };
    let mut tally = Tally::default();
    let factors = [0, 1, 2].map(|_| {
        tally.add(Some(Interruption::Memory), 0);
        policy.memory_factor(&tally)
    });
    assert!((factors[0] - 1.5).abs() < 1e-9 && (factors[2] - 3.375).abs() < 1e-9, "{factors:?}");
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<RetryPolicy>(&text).unwrap(), policy, "a plan on disk keeps it");
}

#[test]
fn tries_that_are_used_up_are_found_so_and_more_of_them_start_it_again() {
    let policy = |max_retries| RetryPolicy { resumable: true, max_retries, ..RetryPolicy::default() };
    let job = JobId(0);
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    scheduler.on(Event::Submitted(Submission { retries: policy(2), ..Submission::new(job) }), 0.0).unwrap();
    let failed = Failure { interruption: Some(Interruption::Timeout), timeouts: 2, ..failure(Reason::Timeout) };
    let found = Event::Job(job, JobEvent::FoundFailed(failed));
    scheduler.on(found.clone(), 0.0).unwrap();
    assert_eq!((scheduler.state(job).unwrap().name(), scheduler.retry_count(job)), ("error", 2));
    for (max_retries, state) in [(2, "error"), (3, "scheduled")] {
        let (retries, transient, request) = (policy(max_retries), TransientMode::None, Request::one_slot());
        let again = Resubmission { job, priority: 0, retries, transient, request };
        scheduler.on(Event::Resubmitted(again), 0.0).unwrap();
        scheduler.on(found.clone(), 0.0).unwrap();
        assert_eq!(scheduler.state(job).unwrap().name(), state, "max_retries={max_retries}");
    }
}
