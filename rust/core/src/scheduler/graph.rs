//! The scheduler proper: jobs, what they wait for, and who waits for them.

use std::cmp::Reverse;

use super::effect::Effect;
use super::event::{Event, Refused, Submission};
use super::queue::{Entry, ReadyQueue};
use super::resources::{Pool, Request};
use crate::job::{Failure, JobEvent, JobId, JobState, Place, Reason, transition};

#[derive(Debug)]
struct Node {
    state: JobState,
    dependencies: Vec<JobId>,
    /// Who waits, with the epoch in which they began to: an older entry is void.
    dependents: Vec<(JobId, u32)>,
    unmet: usize,
    epoch: u32,
    priority: i64,
    request: Request,
    stop_wanted: bool,
}

/// Decides which job starts when.
///
/// ```
/// use experimaestro_core::job::{JobEvent, JobId};
/// use experimaestro_core::scheduler::{Effect, Event, Pool, Request, Scheduler, Submission};
///
/// let mut scheduler = Scheduler::new(Pool::with_slots(1));
/// let job = JobId(0);
/// let submission = Submission { job, dependencies: vec![], priority: 0, request: Request::one_slot() };
/// assert_eq!(scheduler.on(Event::Submitted(submission), 0.0)?, [Effect::Look(job)]);
/// let effects = scheduler.on(Event::Job(job, JobEvent::FoundNothing), 0.0)?;
/// assert_eq!(effects.last(), Some(&Effect::Start(job)));
/// # Ok::<(), experimaestro_core::scheduler::Refused>(())
/// ```
#[derive(Debug)]
pub struct Scheduler {
    nodes: Vec<Node>,
    ready: ReadyQueue,
    pool: Pool,
    effects: Vec<Effect>,
    now: f64,
}

impl Scheduler {
    /// A scheduler without jobs.
    pub fn new(pool: Pool) -> Self {
        Self { nodes: Vec::new(), ready: ReadyQueue::default(), pool, effects: Vec::new(), now: 0.0 }
    }

    /// The state of a job.
    pub fn state(&self, job: JobId) -> Option<&JobState> {
        self.nodes.get(job.index()).map(|node| &node.state)
    }

    /// What there is and what is taken.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Take notice of an event that happened at `now` (seconds since 1970); answer what is to be done.
    ///
    /// # Errors
    /// [`Refused`] when the event makes no sense; nothing has changed then.
    pub fn on(&mut self, event: Event, now: f64) -> Result<Vec<Effect>, Refused> {
        self.now = now;
        match event {
            Event::Submitted(submission) => self.submit(submission)?,
            Event::Resubmitted(job) => self.resubmit(job)?,
            Event::Job(job, event) => self.happen(job, event)?,
            Event::Kill(job) => self.kill(job)?,
        }
        while self.start_one()? {}
        Ok(std::mem::take(&mut self.effects))
    }

    fn node(&mut self, job: JobId) -> Result<&mut Node, Refused> {
        self.nodes.get_mut(job.index()).ok_or(Refused::Unknown(job))
    }

    fn submit(&mut self, submission: Submission) -> Result<(), Refused> {
        let Submission { job, dependencies, priority, request } = submission;
        if job.index() != self.nodes.len() {
            return Err(Refused::OutOfOrder(job));
        }
        if let Some(unknown) = dependencies.iter().find(|dependency| dependency.index() >= self.nodes.len()) {
            return Err(Refused::Unknown(*unknown));
        }
        let shortage = self.pool.shortage(&request);
        self.nodes.push(Node {
            state: JobState::Unscheduled,
            dependencies,
            dependents: Vec::new(),
            unmet: 0,
            epoch: 0,
            priority,
            request,
            stop_wanted: false,
        });
        if let Some((_, wanted, capacity)) = shortage {
            let message = format!("it needs {wanted} of a resource of which there are {capacity}");
            return self.happen(job, JobEvent::Failed(Failure::before_start(Reason::RejectedOther, message, self.now)));
        }
        self.effects.push(Effect::Look(job));
        Ok(())
    }

    fn resubmit(&mut self, job: JobId) -> Result<(), Refused> {
        let node = self.node(job)?;
        if matches!(node.state, JobState::Error(_)) {
            node.stop_wanted = false;
            self.change(job, JobEvent::Restarted)?;
            self.effects.push(Effect::Look(job));
        }
        Ok(())
    }

    fn kill(&mut self, job: JobId) -> Result<(), Refused> {
        let now = self.now;
        let node = self.node(job)?;
        match node.state {
            JobState::Unscheduled | JobState::Waiting | JobState::Ready => {
                let failure = Failure::before_start(Reason::Cancelled, "it was stopped before it started", now);
                self.happen(job, JobEvent::Cancelled(failure))?;
            }
            JobState::Scheduled => node.stop_wanted = true,
            JobState::Running(_) => self.effects.push(Effect::Stop(job)),
            JobState::Done(_) | JobState::Error(_) => {}
        }
        Ok(())
    }

    /// Change one job, then all that follows from it. A list, not recursion: chains may be longer than the stack.
    fn happen(&mut self, job: JobId, event: JobEvent) -> Result<(), Refused> {
        self.change(job, event)?;
        let now = self.now;
        let mut changed = vec![job];
        while let Some(job) = changed.pop() {
            let node = self.node(job)?;
            match &node.state {
                JobState::Waiting => self.wait_or_proceed(job, &mut changed)?,
                JobState::Running(running) => {
                    let watch = running.place != Place::Own;
                    let stop = std::mem::take(&mut node.stop_wanted);
                    self.effects.extend(watch.then_some(Effect::Watch(job)));
                    self.effects.extend(stop.then_some(Effect::Stop(job)));
                }
                JobState::Done(_) => self.release_dependents(job)?,
                JobState::Error(failure) => {
                    let failure = Failure::of_dependency(job, failure, now);
                    self.fail_dependents(job, &failure, &mut changed)?;
                }
                JobState::Unscheduled | JobState::Ready | JobState::Scheduled => {}
            }
        }
        Ok(())
    }

    /// A job that must run: look at what it depends on, as it is now.
    fn wait_or_proceed(&mut self, job: JobId, changed: &mut Vec<JobId>) -> Result<(), Refused> {
        let dependencies = self.node(job)?.dependencies.clone();
        for dependency in &dependencies {
            if let JobState::Error(failure) = &self.nodes[dependency.index()].state {
                let failure = Failure::of_dependency(*dependency, failure, self.now);
                self.change(job, JobEvent::DependencyFailed(failure))?;
                changed.push(job);
                return Ok(());
            }
        }
        let node = self.node(job)?;
        node.epoch = node.epoch.wrapping_add(1);
        let epoch = node.epoch;
        let mut unmet = 0;
        for dependency in dependencies {
            let dependency = self.node(dependency)?;
            if !dependency.state.is_finished() {
                dependency.dependents.push((job, epoch));
                unmet += 1;
            }
        }
        self.node(job)?.unmet = unmet;
        if unmet == 0 { self.make_ready(job) } else { Ok(()) }
    }

    fn make_ready(&mut self, job: JobId) -> Result<(), Refused> {
        self.change(job, JobEvent::DependenciesMet)?;
        let node = &self.nodes[job.index()];
        let entry = Entry { priority: node.priority, order: Reverse(job), epoch: node.epoch };
        self.ready.push(&node.request, entry);
        Ok(())
    }

    fn still_waits(&self, job: JobId, epoch: u32) -> bool {
        let node = &self.nodes[job.index()];
        node.epoch == epoch && node.state == JobState::Waiting
    }

    fn release_dependents(&mut self, job: JobId) -> Result<(), Refused> {
        for (dependent, epoch) in std::mem::take(&mut self.node(job)?.dependents) {
            if !self.still_waits(dependent, epoch) {
                continue;
            }
            let node = self.node(dependent)?;
            node.unmet -= 1;
            if node.unmet == 0 {
                self.make_ready(dependent)?;
            }
        }
        Ok(())
    }

    fn fail_dependents(&mut self, job: JobId, failure: &Failure, changed: &mut Vec<JobId>) -> Result<(), Refused> {
        for (dependent, epoch) in std::mem::take(&mut self.node(job)?.dependents) {
            if self.still_waits(dependent, epoch) {
                self.change(dependent, JobEvent::DependencyFailed(failure.clone()))?;
                changed.push(dependent);
            }
        }
        Ok(())
    }

    /// Change the state of one job, and with it what it takes.
    fn change(&mut self, job: JobId, event: JobEvent) -> Result<(), Refused> {
        let node = self.nodes.get_mut(job.index()).ok_or(Refused::Unknown(job))?;
        let state = transition(&node.state, event).map_err(|error| Refused::Transition { job, error })?;
        match (node.state.holds_resources(), state.holds_resources()) {
            (false, true) => self.pool.take(&node.request),
            (true, false) => self.pool.release(&node.request),
            (true, true) | (false, false) => {}
        }
        node.state = state.clone();
        self.effects.push(Effect::Changed(job, state));
        Ok(())
    }

    /// Give the best of the ready jobs what it needs; `false` when none can have it.
    fn start_one(&mut self) -> Result<bool, Refused> {
        let nodes = &self.nodes;
        let is_meant = |entry: Entry| {
            let node = &nodes[entry.job().index()];
            node.epoch == entry.epoch && node.state == JobState::Ready
        };
        let Some(job) = self.ready.pop(&self.pool, is_meant) else { return Ok(false) };
        self.change(job, JobEvent::ResourcesGiven)?;
        self.effects.push(Effect::Start(job));
        Ok(true)
    }
}
