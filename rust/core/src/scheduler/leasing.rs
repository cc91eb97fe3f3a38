//! Jobs that need what other drivers use too: they ask for it once they have slots, and wait without.

use std::cmp::Reverse;

use super::effect::Effect;
use super::event::Refused;
use super::graph::{Node, Scheduler};
use super::queue::Entry;
use super::resources::SharedId;
use crate::job::{Failure, JobEvent, JobId, JobState, transition};

/// What became of the wish for leases.
#[derive(Debug, Clone, PartialEq)]
pub enum LeaseAnswer {
    /// The job has all of them.
    Given,
    /// It has none, and stands in the line of this one.
    Busy(SharedId),
    /// Its turn has come in the line in which it stands.
    Turn,
    /// It can never have them.
    Failed(Failure),
}

/// How far a job has come with its leases.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Leasing {
    /// It has none, and did not ask.
    #[default]
    None,
    /// It has slots, and waits for the answer.
    Asked,
    /// It has slots, and waits for the answer to a question that does not matter any more: it was stopped meanwhile.
    Outdated,
    /// It stands in line, without slots.
    InLine,
    /// Its turn has come; it waits for slots.
    Turn,
    /// It has them.
    Held,
}

fn entry(job: JobId, node: &Node) -> Entry {
    Entry { priority: node.priority, order: Reverse(job), epoch: node.epoch }
}

impl Scheduler {
    /// A job has come to the front: it starts, or asks for its leases first.
    pub(super) fn begin(&mut self, job: JobId) -> Result<(), Refused> {
        let node = self.node(job)?;
        if node.request.shared().is_empty() && node.leasing != Leasing::Outdated {
            return self.start(job);
        }
        // One question at a time: the answer to an old one is waited for, and then it is asked again.
        if matches!(node.leasing, Leasing::None | Leasing::Turn) {
            node.leasing = Leasing::Asked;
            let taken = node.request.clone();
            self.pool.take(&taken);
            self.nodes[job.index()].taken = Some(taken);
            self.effects.push(Effect::Lease(job));
        }
        Ok(())
    }

    fn start(&mut self, job: JobId) -> Result<(), Refused> {
        self.change(job, JobEvent::ResourcesGiven)?;
        self.effects.push(Effect::Start(job));
        Ok(())
    }

    pub(super) fn leased(&mut self, job: JobId, answer: LeaseAnswer) -> Result<(), Refused> {
        let node = self.node(job)?;
        match (node.leasing, answer) {
            (Leasing::Asked, LeaseAnswer::Given) => {
                self.answered(job);
                self.nodes[job.index()].leasing = Leasing::Held;
                if self.is_wanted(job) {
                    self.start(job)?;
                } else {
                    self.not_needed(job)?;
                }
            }
            (Leasing::Asked, LeaseAnswer::Busy(shared)) => {
                self.answered(job);
                let node = &mut self.nodes[job.index()];
                (node.leasing, node.line) = (Leasing::InLine, Some(shared));
                self.ready.close(shared);
            }
            (Leasing::Asked, LeaseAnswer::Failed(failure)) => {
                self.answered(job);
                self.happen(job, JobEvent::Cancelled(failure))?;
            }
            (Leasing::Outdated, _) => {
                self.answered(job);
                self.effects.push(Effect::Unlease(job));
                let node = &self.nodes[job.index()];
                if node.state == JobState::Ready {
                    self.ready.push(&node.request, entry(job, node));
                }
            }
            (Leasing::InLine, LeaseAnswer::Turn) => {
                node.leasing = Leasing::Turn;
                let node = &self.nodes[job.index()];
                self.ready.push_favoured(&node.request, entry(job, node));
            }
            (Leasing::InLine, LeaseAnswer::Failed(failure)) => self.happen(job, JobEvent::Cancelled(failure))?,
            // It was stopped meanwhile.
            (_, _) => {}
        }
        Ok(())
    }

    /// An answer has come: the slots that it had while it asked are free, and the line it stood in is open.
    fn answered(&mut self, job: JobId) {
        if let Some(taken) = self.nodes[job.index()].taken.take() {
            self.pool.release(&taken);
        }
        self.leave_line(job);
    }

    fn leave_line(&mut self, job: JobId) {
        let node = &mut self.nodes[job.index()];
        node.leasing = Leasing::None;
        if let Some(shared) = node.line.take() {
            self.ready.open(shared);
        }
    }

    /// Change the state of one job, and with it what it takes.
    pub(super) fn change(&mut self, job: JobId, event: JobEvent) -> Result<(), Refused> {
        let node = self.nodes.get_mut(job.index()).ok_or(Refused::Unknown(job))?;
        let state = transition(&node.state, event).map_err(|error| Refused::Transition { job, error })?;
        match (node.state.holds_resources(), state.holds_resources()) {
            (false, true) => self.pool.take(&node.request),
            (true, false) => self.pool.release(&node.request),
            (true, true) | (false, false) => {}
        }
        let was_in_line = matches!(node.leasing, Leasing::InLine | Leasing::Turn) && state != JobState::Ready;
        if node.leasing == Leasing::Asked && state != JobState::Ready {
            node.leasing = Leasing::Outdated;
        }
        let had_leases = node.leasing == Leasing::Held && !state.holds_resources();
        node.state = state.clone();
        if was_in_line || had_leases {
            self.leave_line(job);
            self.effects.push(Effect::Unlease(job));
        }
        self.effects.push(Effect::Changed(job, state));
        Ok(())
    }
}
