//! Jobs that run for others only.

use experimaestro_core::job::{JobEvent, JobId, JobState, Success, TransientMode};
use experimaestro_core::scheduler::{Event, Pool, Scheduler, Submission};

use crate::order::starts;

#[test]
fn a_transient_chain_runs_only_for_a_job_that_runs() {
    let mut scheduler = Scheduler::new(Pool::with_slots(4));
    let submit = |scheduler: &mut Scheduler, job: u32, transient, found| {
        let dependencies = job.checked_sub(1).map(JobId).into_iter().collect();
        let job = JobId(job);
        let submission = Submission { dependencies, transient, ..Submission::new(job) };
        scheduler.on(Event::Submitted(submission), 0.0).unwrap();
        scheduler.on(Event::Job(job, found), 0.0).unwrap()
    };
    submit(&mut scheduler, 0, TransientMode::Transient, JobEvent::FoundNothing);
    submit(&mut scheduler, 1, TransientMode::Remove, JobEvent::FoundNothing);
    let done = JobEvent::FoundDone(Success::default());
    submit(&mut scheduler, 2, TransientMode::None, done);
    assert_eq!(scheduler.state(JobId(1)), Some(&JobState::Transient), "a done job needs nothing");
    let last = Submission { dependencies: vec![JobId(1)], ..Submission::new(JobId(3)) };
    scheduler.on(Event::Submitted(last), 0.0).unwrap();
    let effects = scheduler.on(Event::Job(JobId(3), JobEvent::FoundNothing), 0.0).unwrap();
    assert_eq!(starts(&effects), [0], "the whole chain wakes up, and its root starts");
    assert_eq!(scheduler.state(JobId(1)), Some(&JobState::Waiting));
}
