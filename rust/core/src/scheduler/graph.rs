//! The scheduler proper: jobs, what they wait for, and who waits for them.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::effect::Effect;
use super::event::{Event, Refused, Resubmission, Submission};
use super::leasing::Leasing;
use super::queue::{Entry, ReadyQueue};
use super::resources::{Pool, Request, SharedId};
use crate::job::{Failure, JobEvent, JobId, JobState, Place, Reason, RetryPolicy, Tally, TransientMode};

const STOPPED: &str = "it was stopped before it started";

/// Who wants a job for its own sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interest {
    /// A run that is open.
    Open,
    /// The run that wanted it was left: it runs for others only.
    Left,
    /// A person wants it no more: it is not tried again.
    Killed,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) state: JobState,
    dependencies: Vec<JobId>,
    /// Who waits, with the epoch in which they began to: an older entry is void.
    dependents: Vec<(JobId, u32)>,
    unmet: usize,
    pub(super) epoch: u32,
    pub(super) priority: i64,
    pub(super) request: Request,
    retries: RetryPolicy,
    tally: Tally,
    transient: TransientMode,
    /// A job that must run depends on it.
    needed: bool,
    pub(super) leasing: Leasing,
    /// What it has while it asks for leases.
    pub(super) taken: Option<Request>,
    /// The line that it stands in, which is closed to others of this driver.
    pub(super) line: Option<SharedId>,
    stop_wanted: bool,
    interest: Interest,
}

/// Decides which job starts when.
///
/// ```
/// use experimaestro_core::job::{JobEvent, JobId};
/// use experimaestro_core::scheduler::{Effect, Event, Pool, Scheduler, Submission};
///
/// let mut scheduler = Scheduler::new(Pool::with_slots(1));
/// let job = JobId(0);
/// assert_eq!(scheduler.on(Event::Submitted(Submission::new(job)), 0.0)?, [Effect::Look(job)]);
/// let effects = scheduler.on(Event::Job(job, JobEvent::FoundNothing), 0.0)?;
/// assert_eq!(effects.last(), Some(&Effect::Start(job)));
/// # Ok::<(), experimaestro_core::scheduler::Refused>(())
/// ```
#[derive(Debug)]
pub struct Scheduler {
    pub(super) nodes: Vec<Node>,
    pub(super) ready: ReadyQueue,
    pub(super) pool: Pool,
    pub(super) effects: Vec<Effect>,
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

    /// How many attempts of a job failed that count as tries.
    pub fn retry_count(&self, job: JobId) -> u32 {
        self.nodes.get(job.index()).map_or(0, |node| node.retries.retry_count(&node.tally))
    }

    /// The memory that the next attempt of a job asks for, over what the task asks for.
    pub fn memory_factor(&self, job: JobId) -> f64 {
        self.nodes.get(job.index()).map_or(1.0, |node| node.retries.memory_factor(&node.tally))
    }

    /// What a job takes while it runs.
    pub fn request(&self, job: JobId) -> Option<&Request> {
        self.nodes.get(job.index()).map(|node| &node.request)
    }

    /// The jobs that must be done before a job.
    pub fn dependencies(&self, job: JobId) -> &[JobId] {
        self.nodes.get(job.index()).map_or(&[], |node| &node.dependencies)
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
        let mut effects = self.apply(event, now)?;
        effects.extend(self.proceed(now)?);
        Ok(effects)
    }

    /// [`Scheduler::on`], but for the starting of jobs: there may be more to tell before what became free is given away.
    ///
    /// # Errors
    /// As there.
    pub fn apply(&mut self, event: Event, now: f64) -> Result<Vec<Effect>, Refused> {
        self.now = now;
        match event {
            Event::Submitted(submission) => self.submit(submission)?,
            Event::Resubmitted(resubmission) => self.resubmit(&resubmission)?,
            Event::Job(job, JobEvent::FoundNothing) => self.found_nothing(job, None)?,
            Event::Job(job, JobEvent::FoundFailed(failure)) => self.found_nothing(job, Some(failure))?,
            Event::Job(job, JobEvent::Failed(failure)) => self.fail(job, failure)?,
            Event::Job(job, JobEvent::Vacated) => self.vacate(job)?,
            Event::Job(job, event) => self.happen(job, event)?,
            Event::Kill(job) => self.kill(job)?,
            Event::Withdraw(job, message) => self.withdraw(job, &message)?,
            Event::Leave(jobs) => self.leave(jobs)?,
            Event::Clean(jobs) => self.clean(jobs)?,
            Event::Leases(job, answer) => self.leased(job, answer)?,
        }
        Ok(std::mem::take(&mut self.effects))
    }

    /// Start what can start.
    ///
    /// # Errors
    /// None: what is ready can start.
    pub fn proceed(&mut self, now: f64) -> Result<Vec<Effect>, Refused> {
        self.now = now;
        while self.start_one()? {}
        Ok(std::mem::take(&mut self.effects))
    }

    pub(super) fn node(&mut self, job: JobId) -> Result<&mut Node, Refused> {
        self.nodes.get_mut(job.index()).ok_or(Refused::Unknown(job))
    }

    fn submit(&mut self, submission: Submission) -> Result<(), Refused> {
        let Submission { job, dependencies, priority, request, retries, transient } = submission;
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
            retries,
            tally: Tally::default(),
            transient,
            needed: false,
            leasing: Leasing::default(),
            taken: None,
            line: None,
            stop_wanted: false,
            interest: Interest::Open,
        });
        if let Some((resource, wanted, capacity)) = shortage {
            let message = format!("it needs {wanted} {}, of which there are {capacity}", resource.name());
            return self.happen(job, JobEvent::Failed(Failure::before_start(Reason::RejectedOther, message, self.now)));
        }
        self.effects.push(Effect::Look(job));
        Ok(())
    }

    fn resubmit(&mut self, resubmission: &Resubmission) -> Result<(), Refused> {
        let job = resubmission.job;
        let node = self.node(job)?;
        node.priority = node.priority.max(resubmission.priority);
        node.retries = node.retries.merge(&resubmission.retries);
        node.transient = node.transient.min(resubmission.transient);
        if node.interest == Interest::Left {
            node.interest = Interest::Open;
        }
        match node.state {
            JobState::Error(_) => {
                (node.stop_wanted, node.interest, node.needed) = (false, Interest::Open, false);
                node.tally = Tally::default();
                node.request = resubmission.request.clone();
                self.change(job, JobEvent::Restarted)?;
                self.effects.push(Effect::Look(job));
            }
            JobState::Transient if !node.transient.is_transient() => {
                node.request = resubmission.request.clone();
                self.happen(job, JobEvent::Needed)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn kill(&mut self, job: JobId) -> Result<(), Refused> {
        let now = self.now;
        let node = self.node(job)?;
        if !node.state.is_settled() {
            node.interest = Interest::Killed;
        }
        match node.state {
            JobState::Unscheduled | JobState::Waiting | JobState::Ready => {
                let failure = Failure::before_start(Reason::Cancelled, STOPPED, now);
                self.happen(job, JobEvent::Cancelled(failure))?;
            }
            JobState::Scheduled => node.stop_wanted = true,
            JobState::Running(_) => self.effects.push(Effect::Stop(job)),
            JobState::Transient | JobState::Done(_) | JobState::Error(_) => {}
        }
        Ok(())
    }

    fn withdraw(&mut self, job: JobId, message: &str) -> Result<(), Refused> {
        if matches!(self.node(job)?.state, JobState::Unscheduled | JobState::Waiting | JobState::Ready) {
            let failure = Failure::before_start(Reason::Cancelled, message, self.now);
            self.happen(job, JobEvent::Cancelled(failure))?;
        }
        Ok(())
    }

    /// Drop what only a run wanted that is driven no more. Last first: who waits for a job comes after it.
    fn leave(&mut self, mut jobs: Vec<JobId>) -> Result<(), Refused> {
        jobs.sort_unstable_by_key(|job| Reverse(*job));
        for job in jobs {
            let node = self.node(job)?;
            if node.state.is_settled() {
                continue;
            }
            if node.interest == Interest::Open {
                node.interest = Interest::Left;
            }
            let has_started = matches!(node.state, JobState::Scheduled | JobState::Running(_));
            if !has_started && !self.is_waited_for(job) {
                self.drop_wish(job)?;
            }
        }
        Ok(())
    }

    fn drop_wish(&mut self, job: JobId) -> Result<(), Refused> {
        self.node(job)?.needed = false;
        self.change(job, JobEvent::NotNeeded)
    }

    /// A job is not done and nobody runs it: it has to run, if anybody needs it and its tries are not used up.
    fn found_nothing(&mut self, job: JobId, failure: Option<Failure>) -> Result<(), Refused> {
        let node = self.node(job)?;
        if node.state != JobState::Unscheduled {
            return self.happen(job, JobEvent::FoundNothing); // refused, with the words for it
        }
        if let Some(failure) = failure {
            node.tally = Tally::found(&failure);
            let used_up = node.retries.resumable
                && failure.interruption.is_some_and(|cause| !node.retries.allows(&node.tally, cause));
            if used_up {
                return self.happen(job, JobEvent::Failed(failure));
            }
        }
        let wanted = node.needed || !(node.transient.is_transient() || node.interest == Interest::Left);
        self.happen(job, if wanted { JobEvent::FoundNothing } else { JobEvent::NotNeeded })
    }

    /// Remove what was done for others only, and no job that has not ended depends on: as if it had never run.
    fn clean(&mut self, jobs: Vec<JobId>) -> Result<(), Refused> {
        let unsettled = self.nodes.iter().filter(|node| !node.state.is_settled());
        let needed: HashSet<JobId> = unsettled.flat_map(|node| node.dependencies.iter().copied()).collect();
        for job in jobs {
            let node = self.node(job)?;
            let is_for_others = node.transient == TransientMode::Remove && matches!(node.state, JobState::Done(_));
            if !is_for_others || needed.contains(&job) {
                continue;
            }
            (node.stop_wanted, node.interest, node.needed) = (false, Interest::Open, false);
            node.tally = Tally::default();
            self.effects.push(Effect::Remove(job));
            self.change(job, JobEvent::Removed)?;
        }
        Ok(())
    }

    /// Nobody runs it after all: it is our turn, unless a person stopped it meanwhile.
    fn vacate(&mut self, job: JobId) -> Result<(), Refused> {
        if self.node(job)?.interest == Interest::Killed {
            let failure = Failure::before_start(Reason::Cancelled, STOPPED, self.now);
            return self.happen(job, JobEvent::Failed(failure));
        }
        if self.is_dropped(job) {
            return self.drop_wish(job);
        }
        self.happen(job, JobEvent::Vacated)
    }

    /// An attempt failed: the job is in error, unless its code had no part in it and there is another try.
    fn fail(&mut self, job: JobId, failure: Failure) -> Result<(), Refused> {
        let node = self.node(job)?;
        if !matches!(node.state, JobState::Scheduled | JobState::Running(_)) {
            return self.happen(job, JobEvent::Failed(failure));
        }
        node.tally.count(&failure);
        let again = node.interest != Interest::Killed
            && failure.interruption.is_some_and(|cause| node.retries.allows(&node.tally, cause));
        if !again {
            return self.happen(job, JobEvent::Failed(failure));
        }
        if self.is_dropped(job) {
            return self.drop_wish(job);
        }
        self.effects.push(Effect::Retried(job, failure));
        self.happen(job, JobEvent::Retried)
    }

    /// Change one job, then all that follows from it. A list, not recursion: chains may be longer than the stack.
    pub(super) fn happen(&mut self, job: JobId, event: JobEvent) -> Result<(), Refused> {
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
                JobState::Unscheduled | JobState::Transient | JobState::Ready | JobState::Scheduled => {}
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
            let node = self.node(dependency)?;
            if node.state.is_finished() {
                continue;
            }
            node.dependents.push((job, epoch));
            node.needed = true;
            unmet += 1;
            if node.state == JobState::Transient {
                self.change(dependency, JobEvent::Needed)?;
                changed.push(dependency);
            }
        }
        self.node(job)?.unmet = unmet;
        if unmet == 0 { self.make_ready(job) } else { Ok(()) }
    }

    fn make_ready(&mut self, job: JobId) -> Result<(), Refused> {
        self.change(job, JobEvent::DependenciesMet)?;
        let node = &self.nodes[job.index()];
        self.ready.push(&node.request, Entry { priority: node.priority, order: Reverse(job), epoch: node.epoch });
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

    /// Give the best of the ready jobs what it needs; `false` when none can have it.
    fn start_one(&mut self) -> Result<bool, Refused> {
        let nodes = &self.nodes;
        let is_meant = |entry: Entry| {
            let node = &nodes[entry.job().index()];
            node.epoch == entry.epoch && node.state == JobState::Ready
        };
        let Some(job) = self.ready.pop(&self.pool, is_meant) else { return Ok(false) };
        if !self.is_wanted(job) {
            // Those who needed it were stopped meanwhile.
            self.drop_wish(job)?;
            return Ok(true);
        }
        self.begin(job)?;
        Ok(true)
    }

    /// Those who needed a transient job were stopped meanwhile.
    pub(super) fn not_needed(&mut self, job: JobId) -> Result<(), Refused> {
        self.node(job)?.needed = false;
        self.change(job, JobEvent::NotNeeded)
    }

    pub(super) fn is_wanted(&self, job: JobId) -> bool {
        let node = &self.nodes[job.index()];
        !(node.transient.is_transient() || node.interest == Interest::Left) || self.is_waited_for(job)
    }

    fn is_waited_for(&self, job: JobId) -> bool {
        self.nodes[job.index()].dependents.iter().any(|(dependent, epoch)| self.still_waits(*dependent, *epoch))
    }

    /// Whether its run was left and nobody else needs it.
    fn is_dropped(&self, job: JobId) -> bool {
        self.nodes[job.index()].interest == Interest::Left && !self.is_waited_for(job)
    }
}
