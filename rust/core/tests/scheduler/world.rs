//! A scheduler, and what its effects would do: invariants are checked after every event.

use std::collections::BTreeSet;

use experimaestro_core::job::{
    Failure, Interruption, JobEvent, JobId, JobState, Place, Reason, RetryPolicy, Running, Success, Tally,
    TransientMode,
};
use experimaestro_core::scheduler::{Effect, Event, Pool, Request, Resubmission, SLOTS, Scheduler, Submission};

use proptest::sample::Index;

use crate::steps::{Disk, Step};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pending {
    Look(JobId),
    Start(JobId),
    Own(JobId),
    Watch(JobId),
}

/// What was asked of one job, and what became of it since it was last submitted.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    dependencies: Vec<JobId>,
    priority: i64,
    transient: TransientMode,
    retries: RetryPolicy,
    /// Attempts at their time limit, as the folder of the job tells: for ever.
    timeouts: u32,
    tally: Tally,
    killed: bool,
    left: bool,
    /// The last attempt failed in this way.
    last: Option<Failure>,
}

pub(crate) struct World {
    scheduler: Scheduler,
    slots: u32,
    disks: Vec<Disk>,
    wishes: Vec<Wish>,
    states: Vec<JobState>,
    pending: BTreeSet<Pending>,
}

pub(crate) fn running(place: Place) -> Running {
    Running { place, pid: Some(1), started: Some(0.0) }
}

pub(crate) fn failure(reason: Reason) -> Failure {
    Failure::before_start(reason, "", 0.0)
}

impl World {
    pub(crate) fn new(slots: u32) -> Self {
        let scheduler = Scheduler::new(Pool::with_slots(slots));
        Self { scheduler, slots, disks: vec![], wishes: vec![], states: vec![], pending: BTreeSet::new() }
    }

    fn state(&self, job: JobId) -> &JobState {
        &self.states[job.index()]
    }

    fn feed(&mut self, event: Event) {
        let effects = self.scheduler.on(event, 0.0).unwrap();
        for effect in effects {
            self.perform(effect);
        }
        self.check();
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Changed(job, state) => {
                let removed = state == JobState::Transient && self.disks[job.index()] == Disk::Nothing;
                assert!(removed || !matches!(self.state(job), JobState::Done(_)), "done is for ever");
                if let JobState::Error(Failure { reason: Reason::Dependency, cause, .. }) = &state {
                    let failed = |id: &JobId| matches!(self.state(*id), JobState::Error(_));
                    assert!(self.wishes[job.index()].dependencies.iter().any(failed), "a dependency is in error");
                    assert!(cause.is_some_and(|cause| cause < job), "the cause is named");
                }
                self.states[job.index()] = state;
            }
            Effect::Look(job) => assert!(self.pending.insert(Pending::Look(job)), "looked for twice at once"),
            Effect::Start(job) => {
                let done = |id: &JobId| matches!(self.state(*id), JobState::Done(_));
                let wish = &self.wishes[job.index()];
                assert!(wish.dependencies.iter().all(done), "started before its dependencies are done");
                assert!(!wish.killed, "started after it was stopped");
                if wish.transient.is_transient() || wish.left {
                    assert!(self.is_waited_for(job), "it starts only for others");
                }
                assert!(!self.pending.contains(&Pending::Own(job)), "started while it runs");
                assert!(!self.pending.contains(&Pending::Watch(job)), "started while it runs elsewhere");
                assert!(self.pending.insert(Pending::Start(job)), "started twice at once");
            }
            Effect::Watch(job) => drop(self.pending.insert(Pending::Watch(job))),
            Effect::Retried(job, failure) => {
                let wish = &self.wishes[job.index()];
                let Some(cause) = failure.interruption else { panic!("what the code did is not tried again") };
                assert!(!wish.killed, "a person's word is the last");
                assert!(!wish.left || self.is_waited_for(job), "what was left is tried again only for others");
                let (policy, tally) = (&wish.retries, &wish.tally);
                let within = match cause {
                    Interruption::Timeout => policy.resumable && tally.timeout < policy.max_retries.max(1),
                    Interruption::Preempted => tally.preempted <= policy.preempted,
                    Interruption::Lost => tally.lost <= policy.lost,
                    Interruption::Memory => tally.memory <= policy.memory,
                };
                assert!(within, "the budget of {cause:?} is kept: {tally:?} of {policy:?}");
            }
            Effect::Remove(job) => {
                let needs =
                    |(other, state): (&Wish, &JobState)| !state.is_settled() && other.dependencies.contains(&job);
                assert!(!self.wishes.iter().zip(&self.states).any(needs), "what is needed is not removed");
                let wish = &mut self.wishes[job.index()];
                assert_eq!(wish.transient, TransientMode::Remove);
                (wish.last, wish.timeouts, wish.tally, wish.killed) = (None, 0, Tally::default(), false);
                self.disks[job.index()] = Disk::Nothing;
            }
            Effect::Lease(_) | Effect::Unlease(_) => panic!("nothing is shared here"),
            Effect::Stop(job) => assert!(matches!(self.state(job), JobState::Running(_))),
        }
    }

    fn is_waited_for(&self, job: JobId) -> bool {
        let waits =
            |(other, state): (&Wish, &JobState)| *state == JobState::Waiting && other.dependencies.contains(&job);
        self.wishes.iter().zip(&self.states).any(waits)
    }

    fn check(&self) {
        let mut own = 0;
        let mut adopted = 0;
        for (index, known) in self.states.iter().enumerate() {
            let job = JobId(u32::try_from(index).unwrap());
            assert_eq!(self.scheduler.state(job), Some(known), "every change is announced");
            match known {
                JobState::Scheduled => own += 1,
                JobState::Running(running) if running.place == Place::Own => own += 1,
                JobState::Running(running) if running.place == Place::Adopted => adopted += 1,
                _ => {}
            }
        }
        assert!(own <= self.slots, "{own} at once with {} slots", self.slots);
        assert_eq!(self.scheduler.pool().used(SLOTS), own + adopted, "what is taken is what is held");
        if own + adopted < self.slots {
            assert!(!self.states.contains(&JobState::Ready), "no slot is free while a job could use it");
        }
    }

    /// Something under way ends. What the disk says changes with it.
    fn answer(&mut self, pending: Pending, ending: u8) {
        self.pending.remove(&pending);
        let event = match pending {
            Pending::Look(job) | Pending::Start(job) => self.answer_from_disk(pending, job, ending),
            Pending::Own(job) | Pending::Watch(job) => {
                let is_vacant = matches!(self.state(job), JobState::Running(r) if r.place != Place::Own);
                match ending % 8 {
                    0..4 => (job, JobEvent::Failed(self.fail(job, ending))),
                    4 if is_vacant => (job, JobEvent::Vacated),
                    5 if is_vacant => (job, JobEvent::Started(running(Place::Elsewhere))),
                    _ => (job, JobEvent::Succeeded(Success::default())),
                }
            }
        };
        let (job, event) = event;
        match &event {
            JobEvent::Succeeded(_) => self.disks[job.index()] = Disk::Done,
            JobEvent::Failed(_) | JobEvent::Vacated => self.disks[job.index()] = Disk::Nothing,
            // The attempt that was followed is over, and another driver runs the next one.
            JobEvent::Started(running) if running.place != Place::Own => self.disks[job.index()] = Disk::HeldElsewhere,
            JobEvent::Started(_) => drop(self.pending.insert(Pending::Own(job))),
            _ => {}
        }
        self.feed(Event::Job(job, event));
    }

    fn answer_from_disk(&mut self, pending: Pending, job: JobId, ending: u8) -> (JobId, JobEvent) {
        let disk = self.disks[job.index()];
        let event = match (disk, pending) {
            (Disk::Done, _) => JobEvent::FoundDone(Success { reused: true, ..Success::default() }),
            (Disk::Adoptable, _) => JobEvent::FoundRunning(running(Place::Adopted)),
            (Disk::HeldElsewhere, _) => JobEvent::FoundRunning(running(Place::Elsewhere)),
            (Disk::Nothing, Pending::Look(_)) => match self.wishes[job.index()].last.clone() {
                Some(last) => JobEvent::FoundFailed(last),
                None => JobEvent::FoundNothing,
            },
            (Disk::Nothing, _) => match ending % 5 {
                0 => JobEvent::Failed(self.fail(job, 0)),
                1 => JobEvent::FoundRunning(running(Place::Elsewhere)),
                _ => JobEvent::Started(running(Place::Own)),
            },
        };
        (job, event)
    }

    /// An attempt fails: what the folder of the job tells, and what this driver counts, are kept here too.
    fn fail(&mut self, job: JobId, ending: u8) -> Failure {
        let wish = &mut self.wishes[job.index()];
        let cause = [
            None,
            Some(Interruption::Timeout),
            Some(Interruption::Preempted),
            Some(Interruption::Lost),
            Some(Interruption::Memory),
        ][usize::from(ending / 8 % 5)];
        wish.timeouts += u32::from(cause == Some(Interruption::Timeout));
        let told = Failure { interruption: cause, timeouts: wish.timeouts, ..failure(Reason::Failed) };
        match cause {
            None => wish.tally.other += 1,
            Some(Interruption::Timeout) => wish.tally.timeout = wish.timeouts,
            Some(Interruption::Preempted) => wish.tally.preempted += 1,
            Some(Interruption::Lost) => wish.tally.lost += 1,
            Some(Interruption::Memory) => wish.tally.memory += 1,
        }
        wish.last = Some(told.clone());
        told
    }

    fn pick(&self, which: Index) -> Option<JobId> {
        (!self.states.is_empty()).then(|| JobId(u32::try_from(which.index(self.states.len())).unwrap()))
    }

    /// A look whose job was cancelled meanwhile is answered with something that is refused: the engine drops it.
    fn is_stale(&self, pending: Pending) -> bool {
        match pending {
            Pending::Look(job) => *self.state(job) != JobState::Unscheduled,
            Pending::Start(_) | Pending::Own(_) | Pending::Watch(_) => false,
        }
    }

    pub(crate) fn apply(&mut self, step: Step) {
        self.pending = self.pending.iter().copied().filter(|pending| !self.is_stale(*pending)).collect();
        match step {
            Step::Submit { dependencies, priority, disk, transient, retries } => {
                let dependencies: Vec<JobId> = dependencies.into_iter().filter_map(|index| self.pick(index)).collect();
                self.disks.push(disk);
                self.wishes.push(Wish {
                    dependencies,
                    priority: priority.into(),
                    transient,
                    retries,
                    timeouts: 0,
                    tally: Tally::default(),
                    killed: false,
                    left: false,
                    last: None,
                });
                self.submit_next();
            }
            Step::Answer { which, ending } => {
                let pending: Vec<Pending> = self.pending.iter().copied().collect();
                if !pending.is_empty() {
                    self.answer(pending[which.index(pending.len())], ending);
                }
            }
            Step::Resubmit(which, transient, retries) => {
                if let Some(job) = self.pick(which) {
                    self.resubmit(job, transient, retries);
                }
            }
            Step::Kill(which) => {
                if let Some(job) = self.pick(which) {
                    self.wishes[job.index()].killed = !self.state(job).is_settled();
                    self.feed(Event::Kill(job));
                }
            }
            Step::Withdraw(which) => {
                if let Some(job) = self.pick(which) {
                    let before = self.state(job).clone();
                    self.feed(Event::Withdraw(job, "no more".into()));
                    let changed = *self.state(job) != before;
                    let had_not_started = matches!(before, JobState::Unscheduled | JobState::Waiting | JobState::Ready);
                    assert_eq!(changed, had_not_started, "what runs goes on, what has not started never will");
                }
            }
            Step::Leave(which) => {
                let jobs: Vec<JobId> = which.into_iter().filter_map(|index| self.pick(index)).collect();
                self.leave(jobs);
            }
            Step::Remove(which) => {
                if let Some(job) = self.pick(which) {
                    self.feed(Event::Clean(vec![job]));
                }
            }
            Step::Restart => self.restart(),
            Step::Nonsense { which, event } => self.nonsense(which, event),
        }
    }

    /// What nobody else waits for is not needed any more; what has started goes on.
    fn leave(&mut self, jobs: Vec<JobId>) {
        let before = self.states.clone();
        for job in &jobs {
            self.wishes[job.index()].left |= !before[job.index()].is_settled();
        }
        self.feed(Event::Leave(jobs.clone()));
        for job in jobs {
            let (state, before) = (self.state(job), &before[job.index()]);
            match before {
                JobState::Unscheduled | JobState::Waiting | JobState::Ready if *state == JobState::Transient => {
                    assert!(!self.is_waited_for(job), "what others wait for is not dropped");
                }
                JobState::Unscheduled | JobState::Waiting | JobState::Ready => {
                    assert!(self.is_waited_for(job), "what nobody waits for is dropped");
                }
                _ => assert_eq!(state, before),
            }
        }
    }

    /// Hand the next wish over.
    fn submit_next(&mut self) {
        let job = JobId(u32::try_from(self.states.len()).unwrap());
        let wish = &self.wishes[job.index()];
        let submission = Submission {
            dependencies: wish.dependencies.clone(),
            priority: wish.priority,
            retries: wish.retries.clone(),
            transient: wish.transient,
            ..Submission::new(job)
        };
        self.states.push(JobState::Unscheduled);
        self.feed(Event::Submitted(submission));
    }

    fn resubmit(&mut self, job: JobId, transient: TransientMode, retries: RetryPolicy) {
        let before = self.state(job).clone();
        let wish = &mut self.wishes[job.index()];
        wish.transient = wish.transient.min(transient);
        wish.retries = wish.retries.merge(&retries);
        wish.left = false;
        let wanted = !wish.transient.is_transient();
        if matches!(before, JobState::Error(_)) {
            wish.killed = false;
            wish.tally = Tally { timeout: wish.timeouts, ..Tally::default() };
        }
        self.feed(Event::Resubmitted(Resubmission {
            job,
            priority: 0,
            retries,
            transient,
            request: Request::one_slot(),
        }));
        match before {
            JobState::Error(_) => assert_eq!(*self.state(job), JobState::Unscheduled),
            JobState::Transient if wanted => assert_ne!(*self.state(job), JobState::Transient),
            // A dependent that was set free may change, but never what is under way, or done.
            _ => assert_eq!(*self.state(job), before),
        }
    }

    /// Jobs of the dead driver go on, and are found; what it was about to start was never begun.
    fn restart(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            if let Pending::Own(job) = pending {
                self.disks[job.index()] = Disk::Adoptable;
            }
        }
        self.scheduler = Scheduler::new(Pool::with_slots(self.slots));
        self.states.clear();
        for index in 0..self.wishes.len() {
            let wish = &mut self.wishes[index];
            (wish.killed, wish.left) = (false, false);
            wish.tally = Tally { timeout: wish.timeouts, ..Tally::default() };
            self.submit_next();
        }
    }

    fn nonsense(&mut self, which: Index, event: u8) {
        let Some(job) = self.pick(which) else { return };
        let event = match (event % 3, self.state(job)) {
            (0, JobState::Done(_) | JobState::Error(_)) => JobEvent::Succeeded(Success::default()),
            (1, JobState::Done(_) | JobState::Error(_)) => JobEvent::FoundNothing,
            (_, JobState::Ready) => return,
            _ => JobEvent::ResourcesGiven,
        };
        assert!(self.scheduler.on(Event::Job(job, event), 0.0).is_err(), "nonsense is refused");
        self.check();
    }

    pub(crate) fn finish(&mut self) {
        loop {
            self.pending = self.pending.iter().copied().filter(|pending| !self.is_stale(*pending)).collect();
            let Some(pending) = self.pending.iter().next().copied() else { break };
            self.answer(pending, 7);
        }
        for (wish, state) in self.wishes.iter().zip(&self.states) {
            let not_needed = *state == JobState::Transient && (wish.transient.is_transient() || wish.left);
            assert!(state.is_finished() || not_needed, "every job ends: {:?}", self.states);
        }
    }
}
