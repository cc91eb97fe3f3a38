//! Jobs that could start if there were resources, best first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::resources::{Pool, Request};
use crate::job::JobId;

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

/// A queue per kind of request: a job that waits for a rare thing keeps nobody else waiting.
#[derive(Debug, Default)]
pub(super) struct ReadyQueue {
    classes: HashMap<Request, BinaryHeap<Entry>>,
}

impl ReadyQueue {
    pub(super) fn push(&mut self, request: &Request, entry: Entry) {
        match self.classes.get_mut(request) {
            Some(heap) => heap.push(entry),
            None => drop(self.classes.insert(request.clone(), BinaryHeap::from([entry]))),
        }
    }

    /// Take the best job whose request can be met now; `is_meant` tells entries that still hold.
    pub(super) fn pop(&mut self, pool: &Pool, is_meant: impl Fn(Entry) -> bool) -> Option<JobId> {
        let mut best: Option<(Entry, &mut BinaryHeap<Entry>)> = None;
        for (request, heap) in &mut self.classes {
            while heap.peek().is_some_and(|entry| !is_meant(*entry)) {
                heap.pop();
            }
            let Some(head) = heap.peek().copied().filter(|_| pool.fits(request)) else { continue };
            if best.as_ref().is_none_or(|(known, _)| head > *known) {
                best = Some((head, heap));
            }
        }
        best.and_then(|(_, heap)| heap.pop()).map(Entry::job)
    }
}
