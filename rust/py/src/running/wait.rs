//! Long waits without the GIL, through which Ctrl-C comes.

use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// Often enough for Ctrl-C to feel immediate, seldom enough to cost nothing.
const SLICE: Duration = Duration::from_millis(80);

/// Run the signal handlers of Python that are due.
pub(super) fn signals(py: Python<'_>) -> PyResult<()> {
    py.check_signals()
}

/// Wait with `wait(time)`, which answers whether it is over, until it is, or `timeout` seconds have passed.
pub(super) fn patiently(
    py: Python<'_>,
    timeout: Option<f64>,
    wait: impl Fn(Duration) -> bool + Sync,
) -> PyResult<bool> {
    // What is too long for the clock is for ever.
    let length = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
    let end = length.and_then(|length| Instant::now().checked_add(length));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let slice = left.map_or(SLICE, |left| left.min(SLICE));
        if py.detach(|| wait(slice)) {
            return Ok(true);
        }
        signals(py)?;
        if left.is_some_and(|left| left <= SLICE) {
            return Ok(false);
        }
    }
}
