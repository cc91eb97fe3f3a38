//! Single cases, told step by step.

use experimaestro_core::job::{JobEvent, JobId, Place, Running, Success};
use experimaestro_core::scheduler::{
    Effect, Event, LeaseAnswer, Pool, Request, SLOTS, Scheduler, SharedId, Submission,
};

fn ready(scheduler: &mut Scheduler, job: u32, request: Request) -> Vec<Effect> {
    scheduler.on(Event::Submitted(Submission { request, ..Submission::new(JobId(job)) }), 0.0).unwrap();
    scheduler.on(Event::Job(JobId(job), JobEvent::FoundNothing), 0.0).unwrap()
}

#[test]
fn who_waits_for_a_busy_token_keeps_nobody_waiting_who_needs_a_free_one() {
    let (busy, free) = (SharedId(0), SharedId(1));
    let mut scheduler = Scheduler::new(Pool::with_slots(1));
    let both = ready(&mut scheduler, 0, Request::one_slot().sharing([busy, free]));
    assert_eq!(both.last(), Some(&Effect::Lease(JobId(0))));
    assert_eq!(ready(&mut scheduler, 1, Request::one_slot().sharing([free])).len(), 2, "the slot is taken");
    let effects = scheduler.on(Event::Leases(JobId(0), LeaseAnswer::Busy(busy)), 0.0).unwrap();
    assert_eq!(effects, [Effect::Lease(JobId(1))], "the slot is given back, and the free token asked for");
    assert_eq!(ready(&mut scheduler, 2, Request::one_slot().sharing([busy])).len(), 2);
    let given = scheduler.on(Event::Leases(JobId(1), LeaseAnswer::Given), 0.0).unwrap();
    assert_eq!(given.last(), Some(&Effect::Start(JobId(1))));
    scheduler.on(Event::Leases(JobId(0), LeaseAnswer::Turn), 0.0).unwrap();
    let running = Running { place: Place::Own, pid: None, started: None };
    scheduler.on(Event::Job(JobId(1), JobEvent::Started(running)), 0.0).unwrap();
    let effects = scheduler.on(Event::Job(JobId(1), JobEvent::Succeeded(Success::default())), 0.0).unwrap();
    assert!(effects.contains(&Effect::Unlease(JobId(1))));
    assert_eq!(effects.last(), Some(&Effect::Lease(JobId(0))), "whose turn it is goes before who comes later");
}

#[test]
fn a_job_that_needs_much_is_not_overtaken_for_ever() {
    let mut scheduler = Scheduler::new(Pool::with_slots(2));
    let running = || JobEvent::Started(Running { place: Place::Own, pid: None, started: None });
    let mut at_work: Vec<u32> = Vec::new();
    let mut big_after = None;
    for job in 0..200 {
        let request = Request::new([(SLOTS, if job == 2 { 2 } else { 1 })]);
        let mut effects = ready(&mut scheduler, job, request);
        if at_work.len() == 2 && big_after.is_none() {
            let first = at_work.remove(0);
            effects
                .extend(scheduler.on(Event::Job(JobId(first), JobEvent::Succeeded(Success::default())), 0.0).unwrap());
        }
        for effect in effects {
            if let Effect::Start(started) = effect {
                scheduler.on(Event::Job(started, running()), 0.0).unwrap();
                at_work.push(started.0);
                if started.0 == 2 {
                    big_after = Some(job);
                }
            }
        }
        if big_after.is_none() && at_work.len() == 1 {
            let first = at_work.remove(0);
            let effects = scheduler.on(Event::Job(JobId(first), JobEvent::Succeeded(Success::default())), 0.0).unwrap();
            if effects.contains(&Effect::Start(JobId(2))) {
                big_after = Some(job);
            } else {
                for effect in effects {
                    if let Effect::Start(started) = effect {
                        scheduler.on(Event::Job(started, running()), 0.0).unwrap();
                        at_work.push(started.0);
                    }
                }
            }
        }
    }
    assert!(big_after.is_some_and(|job| job < 150), "it had its turn: {big_after:?}");
}
