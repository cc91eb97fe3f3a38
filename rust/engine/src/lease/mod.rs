//! Leases of this process's jobs: taken all together or not at all, waited for, given back.

mod token;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use experimaestro_core::job::{Failure, JobId, Reason};
use experimaestro_core::layout::LeaseDirectory;
use experimaestro_core::lease::LeaseResult;
use experimaestro_core::scheduler::{LeaseAnswer, SharedId};

use crate::job::Job;
use crate::shared::Shared;
use crate::time::now;
pub(crate) use token::{Token, Wanted};

/// A job that was turned away so often keeps what it has of the tokens that come first in the order of all.
const PATIENCE: u32 = 8;
const RETRY: Duration = Duration::from_secs(1);
/// How long the end of a run waits for a disk to take back what its jobs had.
const LAST_RETURNS: Duration = Duration::from_secs(5);

/// What one job has, or stands in line for.
#[derive(Default)]
struct Holding {
    tickets: Vec<(Arc<Token>, u64)>,
    turned_away: u32,
}

/// Knows every token that a job of this process needs, and every ticket.
pub(crate) struct Keeper {
    tokens: Mutex<HashMap<LeaseDirectory, Arc<Token>>>,
    held: Mutex<HashMap<JobId, Holding>>,
    /// Tickets that are about to be given back.
    returning: Mutex<usize>,
    all_returned: Condvar,
    heartbeat: Duration,
    origin: Instant,
}

impl Keeper {
    /// Who gives other hosts up when their heartbeat stood still for so long.
    pub(crate) fn new(heartbeat: Duration) -> Self {
        Self {
            heartbeat,
            tokens: Mutex::default(),
            held: Mutex::default(),
            returning: Mutex::default(),
            all_returned: Condvar::new(),
            origin: Instant::now(),
        }
    }

    /// What a job needs, in the order in which everybody asks for it; units of one token add up.
    pub(crate) fn wanted(&self, leases: impl IntoIterator<Item = (LeaseDirectory, u32)>) -> Vec<Wanted> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for (directory, units) in leases {
            match wanted.iter_mut().find(|known| *known.token.directory() == directory) {
                Some(known) => known.units = known.units.saturating_add(units),
                None => wanted.push(Wanted { token: self.token(&directory), units }),
            }
        }
        wanted.retain(|wanted| wanted.units > 0);
        wanted.sort_by(|one, other| one.token.directory().cmp(other.token.directory()));
        wanted
    }

    fn token(&self, directory: &LeaseDirectory) -> Arc<Token> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let id = SharedId(u32::try_from(tokens.len()).unwrap_or(u32::MAX));
        let new = || Arc::new(Token::new(id, directory.clone(), self.heartbeat, self.origin));
        Arc::clone(tokens.entry(directory.clone()).or_insert_with(new))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<JobId, Holding>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn returning(&self) -> MutexGuard<'_, usize> {
        self.returning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait until what is about to be given back is, but not for ever: a process that ends before keeps those of other hosts
    /// waiting, who find out by its heartbeat only.
    pub(crate) fn wait_for_returns(&self) {
        let is_due = |returning: &mut usize| *returning > 0;
        drop(self.all_returned.wait_timeout_while(self.returning(), LAST_RETURNS, is_due));
    }

    fn take_holding(&self, job: JobId) -> Holding {
        self.held().remove(&job).unwrap_or_default()
    }
}

/// Take all that a job needs, or stand in the line of what is busy. The driver is told.
pub(crate) fn lease(shared: &Arc<Shared>, job: &Arc<Job>) {
    let mut holding = shared.keeper.take_holding(job.id());
    match take_all(job, &mut holding) {
        Ok(None) => {
            shared.keeper.held().insert(job.id(), holding);
            job.set_line(None);
            shared.tell_lease(job.id(), LeaseAnswer::Given);
        }
        Ok(Some((token, number, units))) => {
            holding.turned_away += 1;
            let keeps_first = holding.turned_away > PATIENCE;
            let (kept, back) = holding.tickets.drain(..).partition(|(other, _)| {
                Arc::ptr_eq(other, &token) || (keeps_first && other.directory() < token.directory())
            });
            holding.tickets = kept;
            *shared.keeper.returning() += back.len();
            give_back(shared, back);
            shared.keeper.held().insert(job.id(), holding);
            job.set_line(Some(token.directory().path().to_path_buf()));
            token.wait(shared, job.id(), number, units);
        }
        Err(message) => {
            *shared.keeper.returning() += holding.tickets.len();
            give_back(shared, holding.tickets);
            let failure = Failure::before_start(Reason::RejectedOther, message, now());
            shared.tell_lease(job.id(), LeaseAnswer::Failed(failure));
        }
    }
}

/// `None` when the job has everything; else what is busy, and its ticket there.
fn take_all(job: &Job, holding: &mut Holding) -> Result<Option<(Arc<Token>, u64, u32)>, String> {
    for Wanted { token, units } in job.leases() {
        let known = holding.tickets.iter().find(|(other, _)| Arc::ptr_eq(other, &token)).map(|(_, number)| *number);
        let asked = token.ask(job, units, known);
        let taken = asked.as_ref().map_or_else(|(number, _)| *number, |(number, _)| Some(*number));
        if let Some(number) = taken.filter(|number| known != Some(*number)) {
            holding.tickets.retain(|(other, _)| !Arc::ptr_eq(other, &token));
            holding.tickets.push((Arc::clone(&token), number));
        }
        let (number, is_granted) = asked.map_err(|(_, message)| message)?;
        if !is_granted {
            return Ok(Some((token, number, units)));
        }
    }
    Ok(None)
}

/// Name the attempt that holds a job's leases; `false` when they were taken away meanwhile.
pub(crate) fn bind(shared: &Shared, job: &Job, attempt: u32) -> LeaseResult<bool> {
    let tickets: Vec<_> = match shared.keeper.held().get(&job.id()) {
        Some(holding) => holding.tickets.clone(),
        None => return Ok(true),
    };
    for (token, number) in tickets {
        if !token.bind(number, job.directory(), attempt)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Tickets to be given back.
pub(crate) type Returned = Vec<(Arc<Token>, u64)>;

/// Take away all that a job has, and its places in lines: it may ask anew before they are given back.
pub(crate) fn unlease(shared: &Shared, job: JobId) -> Returned {
    let tickets = shared.keeper.take_holding(job).tickets;
    *shared.keeper.returning() += tickets.len();
    tickets
}

/// Give tickets back that are counted as about to be.
pub(crate) fn give_back(shared: &Arc<Shared>, tickets: Returned) {
    for (token, number) in tickets {
        if token.give_back(shared, number).is_err() {
            // A full or distant disk: nobody else can give it back while this process lives.
            let again = Arc::clone(shared);
            shared.watcher.after(RETRY, move || {
                let pool = again.pool.clone();
                pool.run(move || give_back(&again, vec![(token, number)]));
            });
            continue;
        }
        let mut returning = shared.keeper.returning();
        *returning -= 1;
        if *returning == 0 {
            shared.keeper.all_returned.notify_all();
        }
    }
}
