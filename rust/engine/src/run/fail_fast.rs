//! Giving a run up at the same mistake for the n-th time: no more jobs start, those that run go on.

use std::collections::HashMap;

use experimaestro_core::job::{Failure, Reason};

/// Counts failures of the same cause.
#[derive(Debug, Default)]
pub(super) struct FailFast {
    /// Failures of one cause that are enough; none for never.
    limit: Option<u32>,
    counts: HashMap<String, u32>,
    /// Why the run was given up.
    given_up: Option<String>,
}

impl FailFast {
    pub(super) fn set(&mut self, limit: Option<u32>) {
        self.limit = limit.map(|limit| limit.max(1));
    }

    pub(super) fn given_up(&self) -> Option<&str> {
        self.given_up.as_deref()
    }

    /// Take notice of the end of a job; `true` if that is one too many.
    pub(super) fn count(&mut self, failure: &Failure) -> bool {
        let is_consequence = matches!(failure.reason, Reason::Dependency | Reason::Cancelled);
        let Some(limit) = self.limit.filter(|_| !is_consequence && self.given_up.is_none()) else { return false };
        let cause = cause(failure);
        let count = self.counts.entry(cause.clone()).or_default();
        *count += 1;
        if *count < limit {
            return false;
        }
        let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
        self.given_up =
            Some(format!("it was not started: the experiment fails fast, and this failed {times}: {cause}"));
        true
    }
}

/// The same exception at the same place is the same cause, whatever its text.
fn cause(failure: &Failure) -> String {
    match &failure.origin {
        Some(origin) => match &origin.place {
            Some(place) => format!("{} ({place})", origin.kind),
            None => origin.kind.clone(),
        },
        None => failure.message.clone().unwrap_or_else(|| failure.reason.name().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use experimaestro_core::job::Origin;

    fn at(place: &str, message: &str) -> Failure {
        let origin = Origin { kind: "ValueError".into(), message: message.into(), place: Some(place.into()) };
        Failure { origin: Some(origin), ..Failure::new(Reason::Failed, 0.0) }
    }

    #[test]
    fn the_same_place_counts_whatever_the_text_and_consequences_do_not() {
        let mut fail_fast = FailFast::default();
        assert!(!fail_fast.count(&at("a.py:1", "0")), "off");
        fail_fast.set(Some(2));
        assert!(!fail_fast.count(&at("a.py:1", "1")));
        assert!(!fail_fast.count(&at("a.py:2", "1")));
        assert!(!fail_fast.count(&Failure { reason: Reason::Dependency, ..at("a.py:1", "1") }));
        assert!(fail_fast.count(&at("a.py:1", "2")));
        assert!(fail_fast.given_up().is_some_and(|why| why.contains("a.py:1")));
        assert!(!fail_fast.count(&at("a.py:1", "3")), "told once");
    }
}
