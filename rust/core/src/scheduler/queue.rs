//! Jobs that could start if there were resources, best first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::resources::{Pool, Request, ResourceId, SharedId};
use crate::job::JobId;

/// After this many others went before a job that there was not enough for, it is waited for.
const PATIENCE: u32 = 64;

/// One waiting job. `epoch` tells an entry that is still meant from one that was overtaken by events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) priority: i64,
    pub(super) order: Reverse<JobId>,
    pub(super) epoch: u32,
}

impl Entry {
    pub(super) fn job(self) -> JobId {
        self.order.0
    }
}

/// How a job ranks: those whose turn in a line has come go first.
type Rank = (bool, Entry);

#[derive(Debug, Default)]
struct Class {
    heap: BinaryHeap<Entry>,
    /// Jobs whose turn in a line has come.
    favoured: BinaryHeap<Entry>,
    /// How many jobs went before the first one because there was not enough for it.
    overtaken: u32,
}

impl Class {
    /// The best entry that is still meant; those that are not are dropped.
    fn head(&mut self, is_closed: bool, is_meant: &impl Fn(Entry) -> bool) -> Option<Rank> {
        drop_stale(&mut self.favoured, is_meant);
        if let Some(entry) = self.favoured.peek() {
            return Some((true, *entry));
        }
        drop_stale(&mut self.heap, is_meant);
        self.heap.peek().filter(|_| !is_closed).map(|entry| (false, *entry))
    }

    fn pop(&mut self, (favoured, _): Rank) -> Option<Entry> {
        self.overtaken = 0;
        if favoured { self.favoured.pop() } else { self.heap.pop() }
    }
}

fn drop_stale(heap: &mut BinaryHeap<Entry>, is_meant: &impl Fn(Entry) -> bool) {
    while heap.peek().is_some_and(|entry| !is_meant(*entry)) {
        heap.pop();
    }
}

/// A queue per kind of request: a job that waits for a rare thing keeps nobody else waiting.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    classes: HashMap<Request, Class>,
    /// How many jobs stand in the line of what is shared with other drivers: who needs it too waits behind them.
    lines: HashMap<SharedId, u32>,
}

impl ReadyQueue {
    pub(super) fn push(&mut self, request: &Request, entry: Entry) {
        match self.classes.get_mut(request) {
            Some(class) => class.heap.push(entry),
            None => self.classes.entry(request.clone()).or_default().heap.push(entry),
        }
    }

    /// Add a job whose turn in a line has come: it goes before all others.
    pub(super) fn push_favoured(&mut self, request: &Request, entry: Entry) {
        self.classes.entry(request.clone()).or_default().favoured.push(entry);
    }

    /// A job stands in a line: others that need the same wait behind it.
    pub(super) fn close(&mut self, shared: SharedId) {
        *self.lines.entry(shared).or_default() += 1;
    }

    /// A job has left a line.
    pub(super) fn open(&mut self, shared: SharedId) {
        if let Some(count) = self.lines.get_mut(&shared) {
            *count = count.saturating_sub(1);
        }
    }

    /// Take the best job whose request can be met now; `is_meant` tells entries that still hold.
    pub(super) fn pop(&mut self, pool: &Pool, is_meant: impl Fn(Entry) -> bool) -> Option<JobId> {
        let mut heads: Vec<(Rank, &Request, &mut Class)> = Vec::new();
        for (request, class) in &mut self.classes {
            let is_closed =
                request.shared().iter().any(|shared| self.lines.get(shared).is_some_and(|count| *count > 0));
            if let Some(rank) = class.head(is_closed, &is_meant) {
                heads.push((rank, request, class));
            }
        }
        heads.sort_unstable_by_key(|(rank, ..)| Reverse(*rank));
        let mut kept_free: Vec<ResourceId> = Vec::new();
        let chosen = heads.iter().position(|(_, request, class)| {
            let fits = pool.fits(request);
            if !fits && class.overtaken >= PATIENCE {
                kept_free.extend(pool.lacking(request));
            }
            fits && !request.uses_any(&kept_free)
        })?;
        for (_, _, passed) in &mut heads[..chosen] {
            passed.overtaken = passed.overtaken.saturating_add(1);
        }
        let (rank, _, class) = heads.get_mut(chosen)?;
        class.pop(*rank).map(Entry::job)
    }
}
