//! The thread that tells other hosts that a job lives, and stops a job that was given to somebody else.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use experimaestro_core::claim::Attempt;
use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process, kill_process_group};

/// Others wait several times as long before they give up on a process.
const INTERVAL: Duration = Duration::from_secs(10);

/// A running heartbeat; it ends when stopped, or with the process.
pub(super) struct Heartbeat {
    stop: Sender<()>,
}

impl Heartbeat {
    pub(super) fn start(attempt: Arc<Attempt>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        std::thread::Builder::new().name("xpm-heartbeat".into()).stack_size(64 * 1024).spawn(move || {
            // What a success waits for in the end is waited for while the job runs.
            for path in attempt.described_by().unwrap_or_default() {
                let _ = File::open(path).and_then(|file| file.sync_data());
            }
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                match attempt.is_mine() {
                    Ok(false) => stop_this_process(&attempt),
                    // A disk that does not answer for a while is no reason to stop: a missed beat is noticed elsewhere.
                    Ok(true) | Err(_) => drop(attempt.beat()),
                }
            }
        })?;
        Ok(Self { stop })
    }

    pub(super) fn stop(&self) {
        // The thread is gone in a forked child, and after a first stop.
        let _ = self.stop.send(());
    }
}

/// Somebody else may run this job by now: every moment counts, nothing is tidied up.
fn stop_this_process(attempt: &Attempt) {
    let place = attempt.job().path().display();
    let text = format!("attempt {} of {place} was declared lost and given away: stopping\n", attempt.number());
    let _ = io::stderr().write_all(text.as_bytes());
    let this: Pid = getpid();
    let _ = if getpgrp() == this { kill_process_group(this, Signal::KILL) } else { kill_process(this, Signal::KILL) };
}
