//! Who goes first, who is kept waiting, and how failures spread.

use experimaestro_core::job::{JobEvent, JobId, JobState, Place, Reason, Success};
use experimaestro_core::scheduler::{Effect, Event, Pool, Request, SLOTS, Scheduler, Submission};

use crate::world::{failure, running};

fn submit(scheduler: &mut Scheduler, job: u32, dependencies: Vec<JobId>, priority: i64) -> Vec<Effect> {
    let submission = Submission { dependencies, priority, ..Submission::new(JobId(job)) };
    scheduler.on(Event::Submitted(submission), 0.0).unwrap()
}

pub(crate) fn starts(effects: &[Effect]) -> Vec<u32> {
    let start = |effect: &Effect| if let Effect::Start(job) = effect { Some(job.0) } else { None };
    effects.iter().filter_map(start).collect()
}

#[test]
fn priority_first_then_order_of_submission() {
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    for (job, priority) in [(0, 0), (1, 0), (2, 5), (3, 0)] {
        submit(&mut scheduler, job, vec![], priority);
    }
    let mut order = Vec::new();
    for job in [3, 2, 1, 0] {
        order.extend(starts(&scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()));
    }
    for _ in 0..4 {
        let job = JobId(*order.last().unwrap());
        scheduler.on(Event::Job(job, JobEvent::Started(running(Place::Own))), 0.0).unwrap();
        let done = JobEvent::Succeeded(Success::default());
        order.extend(starts(&scheduler.on(Event::Job(job, done), 0.0).unwrap()));
    }
    assert_eq!(order, [3, 2, 0, 1]);
}

#[test]
fn a_failure_goes_down_a_long_chain_and_names_its_root() {
    let length = 200_000;
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    for job in 0..length {
        submit(&mut scheduler, job, job.checked_sub(1).map(JobId).into_iter().collect(), 0);
        if job > 0 {
            scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap();
        }
    }
    scheduler.on(Event::Job(JobId(0), JobEvent::FoundNothing), 0.0).unwrap();
    let failed = JobEvent::Failed(failure(Reason::Failed));
    let effects = scheduler.on(Event::Job(JobId(0), failed), 0.0).unwrap();
    assert_eq!(effects.len(), length as usize);
    let Some(JobState::Error(last)) = scheduler.state(JobId(length - 1)) else { panic!() };
    assert_eq!((last.reason, last.cause), (Reason::Dependency, Some(JobId(0))));
}

#[test]
fn a_job_that_waits_for_a_rare_thing_keeps_nobody_else_waiting() {
    let rare = experimaestro_core::scheduler::ResourceId(1);
    let mut pool = Pool::with_slots(4);
    pool.set_capacity(rare, 1);
    let mut scheduler = Scheduler::new(pool);
    let mut started = Vec::new();
    for job in 0..3 {
        let request = if job < 2 { Request::new([(SLOTS, 1), (rare, 1)]) } else { Request::one_slot() };
        let submission = Submission { request, ..Submission::new(JobId(job)) };
        scheduler.on(Event::Submitted(submission), 0.0).unwrap();
        started.extend(starts(&scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()));
    }
    assert_eq!(started, [0, 2]);
}

#[test]
fn what_can_never_be_given_is_refused_at_once() {
    let mut scheduler = Scheduler::new(Pool::with_slots(2));
    let request = Request::new([(SLOTS, 3)]);
    let submission = Submission { request, ..Submission::new(JobId(0)) };
    let effects = scheduler.on(Event::Submitted(submission), 0.0).unwrap();
    let [Effect::Changed(_, JobState::Error(failure))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(failure.reason, Reason::RejectedOther);
}
