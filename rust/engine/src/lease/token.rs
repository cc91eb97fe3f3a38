//! One token, as this process sees it: its line, and who of this process waits in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::job::{Failure, JobId, Reason};
use experimaestro_core::layout::{JobDirectory, LeaseDirectory, TicketFile};
use experimaestro_core::lease::{self, LeaseResult, Line, Observer, Ticket};
use experimaestro_core::scheduler::{LeaseAnswer, SharedId};

use crate::job::Job;
use crate::shared::Shared;
use crate::time::now;

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LAST_DELAY: Duration = Duration::from_secs(1);
/// Others give a driver up when it missed six of these.
const BEAT_INTERVAL: Duration = Duration::from_secs(10);

/// Units of a token that a job needs.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) token: Arc<Token>,
    pub(crate) units: u32,
}

struct Waiting {
    job: JobId,
    number: u64,
    units: u32,
}

struct Inner {
    observer: Observer,
    waiting: Vec<Waiting>,
    /// Tickets that stood in line and are not bound to an attempt yet: they must beat.
    unbound: Vec<u64>,
    last_beat: Instant,
    polling: bool,
}

pub(crate) struct Token {
    id: SharedId,
    directory: LeaseDirectory,
    driver: ProcessIdentity,
    origin: Instant,
    inner: Mutex<Inner>,
    /// The system tells when a ticket is given back on this host.
    watched: AtomicBool,
    /// Somebody of this process waits: read by those who must not wait for the disk.
    has_waiting: AtomicBool,
}

impl Token {
    pub(super) fn new(id: SharedId, directory: LeaseDirectory, heartbeat: Duration, origin: Instant) -> Self {
        let observer = Observer::new(directory.clone()).with_patience(heartbeat);
        let driver = ProcessIdentity::current();
        let (waiting, unbound) = (Vec::new(), Vec::new());
        let inner = Inner { observer, waiting, unbound, last_beat: Instant::now(), polling: false };
        Self {
            id,
            directory,
            driver,
            origin,
            inner: Mutex::new(inner),
            watched: AtomicBool::new(false),
            has_waiting: AtomicBool::new(false),
        }
    }

    pub(crate) fn id(&self) -> SharedId {
        self.id
    }

    pub(crate) fn directory(&self) -> &LeaseDirectory {
        &self.directory
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take a ticket for a job, or look again at the one it has; its number, and whether it has its units now.
    pub(super) fn ask(&self, job: &Job, units: u32, known: Option<u64>) -> Result<(u64, bool), (Option<u64>, String)> {
        let mut inner = self.inner();
        let observer = &mut inner.observer;
        let asked = match known.map(|number| observer.line().map(|line| (number, line))) {
            // Others gave us up, after a long stop: that place is lost, and another one is taken.
            Some(Ok((number, line))) if !line.has(number) => observer.request(self.ticket(job, units)),
            Some(asked) => asked,
            None => observer.request(self.ticket(job, units)),
        };
        let (number, line) = asked.map_err(|error| (known, error.to_string()))?;
        if units > line.total() {
            return Err((Some(number), self.too_many(units, &line)));
        }
        Ok((number, line.is_granted(number)))
    }

    fn ticket(&self, job: &Job, units: u32) -> Ticket {
        let place = job.directory().path().display().to_string();
        Ticket::new(units, &self.driver, Some(place), now())
    }

    fn too_many(&self, units: u32, line: &Line) -> String {
        let path = self.directory.path().display();
        format!("it needs {units} units of the token {path}, of which there are {}", line.total())
    }

    /// Tell the driver that a job waits, and, once that is so, that its turn has come.
    pub(super) fn wait(self: &Arc<Self>, shared: &Arc<Shared>, job: JobId, number: u64, units: u32) {
        let mut inner = self.inner();
        // Told while the line is ours: its turn cannot be told before.
        shared.tell_lease(job, LeaseAnswer::Busy(self.id));
        inner.unbound.push(number);
        inner.waiting.push(Waiting { job, number, units });
        self.has_waiting.store(true, Ordering::Relaxed);
        if let Ok(line) = inner.observer.line() {
            self.call(&mut inner, shared, &line);
        }
        if !std::mem::replace(&mut inner.polling, true) {
            self.poll_after(shared, FIRST_DELAY);
        }
        if !self.watched.swap(true, Ordering::Relaxed) {
            self.watch(shared);
        }
    }

    /// Have the line looked at as soon as a process of this host gives a ticket back; what others do is polled for.
    fn watch(self: &Arc<Self>, shared: &Arc<Shared>) {
        let (token, again) = (Arc::clone(self), Arc::clone(shared));
        shared.watcher.names(&self.directory.tickets(), move |name| {
            let is_over = name.ends_with(TicketFile::Over.extension());
            if is_over && token.has_waiting.load(Ordering::Relaxed) {
                let (token, shared) = (Arc::clone(&token), Arc::clone(&again));
                again.pool.run(move || token.look(&shared));
            }
            let is_there = !name.is_empty();
            token.watched.store(is_there, Ordering::Relaxed);
            is_there
        });
    }

    /// See whose turn it is, believing that everybody lives.
    fn look(&self, shared: &Shared) {
        let mut inner = self.inner();
        if !inner.waiting.is_empty()
            && let Ok(line) = inner.observer.line()
        {
            self.call(&mut inner, shared, &line);
        }
    }

    /// Tell those whose turn it is, or never will be.
    fn call(&self, inner: &mut Inner, shared: &Shared, line: &Line) {
        inner.waiting.retain(|waiting| {
            let answer = if waiting.units > line.total() {
                let message = self.too_many(waiting.units, line);
                LeaseAnswer::Failed(Failure::before_start(Reason::RejectedOther, message, now()))
            } else if line.is_granted(waiting.number) || !line.has(waiting.number) {
                // Who lost its place asks anew.
                LeaseAnswer::Turn
            } else {
                return true;
            };
            shared.tell_lease(waiting.job, answer);
            false
        });
        self.has_waiting.store(!inner.waiting.is_empty(), Ordering::Relaxed);
    }

    fn poll_after(self: &Arc<Self>, shared: &Arc<Shared>, delay: Duration) {
        let (token, again) = (Arc::clone(self), Arc::clone(shared));
        shared.watcher.after(delay, move || {
            let pool = again.pool.clone();
            pool.run(move || token.poll(&again, delay));
        });
    }

    /// Look at the line once for all who wait, and tell other hosts that they are alive.
    fn poll(self: &Arc<Self>, shared: &Arc<Shared>, delay: Duration) {
        let mut inner = self.inner();
        if inner.unbound.is_empty() && inner.waiting.is_empty() {
            inner.polling = false;
            return;
        }
        if inner.last_beat.elapsed() >= BEAT_INTERVAL {
            inner.last_beat = Instant::now();
            for number in &inner.unbound {
                // A missed beat is one of six.
                let _ = lease::beat(&self.directory, *number);
            }
        }
        // A disk that does not answer is asked again.
        if !inner.waiting.is_empty()
            && let Ok(line) = inner.observer.settle(self.origin.elapsed(), now())
        {
            self.call(&mut inner, shared, &line);
        }
        self.poll_after(shared, (delay * 3 / 2).min(LAST_DELAY));
    }

    pub(super) fn bind(&self, number: u64, job: &JobDirectory, attempt: u32) -> LeaseResult<bool> {
        let bound = lease::bind(&self.directory, number, job, attempt, now())?;
        self.inner().unbound.retain(|other| *other != number);
        Ok(bound)
    }

    /// Give a ticket back, and wake who of this process is next.
    pub(super) fn give_back(&self, shared: &Shared, number: u64) -> LeaseResult<()> {
        lease::give_back(&self.directory, number)?;
        let mut inner = self.inner();
        inner.unbound.retain(|other| *other != number);
        inner.waiting.retain(|waiting| waiting.number != number);
        drop(inner);
        self.look(shared);
        Ok(())
    }
}
