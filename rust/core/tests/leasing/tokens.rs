//! The lines of all tokens, and who stands in them: what folders are in reality.

use std::collections::BTreeMap;

use experimaestro_core::job::JobId;
use experimaestro_core::lease::{Line, Place as InLine};
use experimaestro_core::scheduler::{LeaseAnswer, SharedId};

pub(crate) const TOKENS: u32 = 2;
pub(crate) const UNITS: u32 = 2;

/// A job of a driver.
pub(crate) type Job = (usize, JobId);

/// The lines of all tokens, and who stands in them: what folders are in reality.
#[derive(Default)]
pub(crate) struct Tokens {
    last: u64,
    pub(crate) lines: BTreeMap<u32, BTreeMap<u64, (Job, u32)>>,
}

impl Tokens {
    pub(crate) fn line(&self, token: u32) -> Line {
        let tickets = self.lines.get(&token).into_iter().flatten();
        Line::new(UNITS, tickets.map(|(number, (_, units))| InLine { number: *number, units: *units }))
    }

    pub(crate) fn ticket(&self, token: u32, job: Job) -> Option<u64> {
        let tickets = self.lines.get(&token).into_iter().flatten();
        tickets.filter(|(_, (owner, _))| *owner == job).map(|(number, _)| *number).next()
    }

    pub(crate) fn has(&self, token: u32, job: Job) -> bool {
        self.ticket(token, job).is_some_and(|number| self.line(token).is_granted(number))
    }

    /// All or none: what is busy is where the job stands in line, with nothing else in its hands.
    pub(crate) fn lease(&mut self, job: Job, wanted: &[(u32, u32)]) -> LeaseAnswer {
        for (token, units) in wanted {
            if self.ticket(*token, job).is_none() {
                self.last += 1;
                self.lines.entry(*token).or_default().insert(self.last, (job, *units));
            }
            if !self.has(*token, job) {
                for (other, line) in &mut self.lines {
                    line.retain(|_, (owner, _)| *owner != job || other == token);
                }
                return LeaseAnswer::Busy(SharedId(*token));
            }
        }
        LeaseAnswer::Given
    }

    pub(crate) fn give_back(&mut self, whose: impl Fn(Job) -> bool) {
        for line in self.lines.values_mut() {
            line.retain(|_, (owner, _)| !whose(*owner));
        }
    }
}
