//! One thread that waits for processes to end and for moments to come.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use experimaestro_core::claim::{Liveness, ProcessIdentity};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::settle::Exit;

/// How often a process is looked at where the system cannot tell us of its end.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

enum Subject {
    Child(Child, Box<dyn FnOnce(Exit) + Send>),
    Process(ProcessIdentity, Box<dyn FnOnce() + Send>),
    Moment(Instant, Box<dyn FnOnce() + Send>),
    /// Called with every new name, until it answers `false`.
    Names(Box<dyn FnMut(&str) -> bool + Send>),
}

struct Watched {
    subject: Subject,
    /// Becomes readable when the process ends.
    signal: Option<OwnedFd>,
    /// Has just come, or its signal did.
    due: bool,
}

#[derive(Default)]
struct Inbox {
    new: Vec<Watched>,
    closed: bool,
}

/// A handle to the thread.
#[derive(Clone)]
pub(crate) struct Watcher {
    inbox: Arc<Mutex<Inbox>>,
    wake: Arc<UnixStream>,
}

impl Watcher {
    pub(crate) fn start() -> io::Result<Self> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let watcher = Self { inbox: Arc::clone(&inbox), wake: Arc::new(wake) };
        std::thread::Builder::new().name("xpm-watch".into()).spawn(move || work(&inbox, woken))?;
        Ok(watcher)
    }

    fn add(&self, subject: Subject) {
        let pid = match &subject {
            Subject::Child(child, _) => Some(child.id()),
            Subject::Process(process, _) => Some(process.pid),
            Subject::Moment(..) | Subject::Names(_) => None,
        };
        self.add_watched(Watched { subject, signal: pid.and_then(end_of_process), due: true });
    }

    fn add_watched(&self, watched: Watched) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).new.push(watched);
        self.wake();
    }

    fn wake(&self) {
        // A full pipe wakes just as well.
        let _ = (&*self.wake).write(&[0]);
    }

    /// Call when a child ends, after it was reaped.
    pub(crate) fn child(&self, child: Child, then: impl FnOnce(Exit) + Send + 'static) {
        self.add(Subject::Child(child, Box::new(then)));
    }

    /// Call when a process of this host is over.
    pub(crate) fn process(&self, process: ProcessIdentity, then: impl FnOnce() + Send + 'static) {
        self.add(Subject::Process(process, Box::new(then)));
    }

    /// Call after a time.
    pub(crate) fn after(&self, time: Duration, then: impl FnOnce() + Send + 'static) {
        self.add(Subject::Moment(Instant::now() + time, Box::new(then)));
    }

    /// Call with the names of files that come into a folder, until `then` answers `false`, where the system can tell (not
    /// of what other hosts do, so nothing may depend on it).
    pub(crate) fn names(&self, folder: &Path, then: impl FnMut(&str) -> bool + Send + 'static) {
        if let Some(signal) = new_names(folder) {
            self.add_watched(Watched { subject: Subject::Names(Box::new(then)), signal: Some(signal), due: true });
        }
    }

    pub(crate) fn close(&self) {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.wake();
    }
}

#[cfg(target_os = "linux")]
fn end_of_process(pid: u32) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()
}

/// Becomes readable when a name appears in a folder.
#[cfg(target_os = "linux")]
fn new_names(folder: &Path) -> Option<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
    let signal = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    add_watch(&signal, folder, WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR).ok()?;
    Some(signal)
}

/// The names that have appeared; those of a folder that is gone end with an empty one.
#[cfg(target_os = "linux")]
fn read_names(signal: &OwnedFd) -> Vec<String> {
    use rustix::fs::inotify::{ReadFlags, Reader};
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(signal, &mut buffer);
    let mut names = Vec::new();
    while let Ok(event) = reader.next() {
        let gone = event.events().contains(ReadFlags::IGNORED);
        let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
        names.extend(name.or_else(|| gone.then(String::new)));
    }
    names
}

#[cfg(not(target_os = "linux"))]
fn new_names(_folder: &Path) -> Option<OwnedFd> {
    None
}

#[cfg(not(target_os = "linux"))]
fn read_names(_signal: &OwnedFd) -> Vec<String> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn end_of_process(_pid: u32) -> Option<OwnedFd> {
    None
}

fn work(inbox: &Mutex<Inbox>, mut woken: UnixStream) {
    let mut watched: Vec<Watched> = Vec::new();
    loop {
        {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            if inbox.closed {
                return;
            }
            // Looked at once on arrival: the process may have ended, and its number been used again, before.
            watched.append(&mut inbox.new);
        }
        watched = watched.into_iter().filter_map(Watched::look).collect();
        sleep(&mut watched, &mut woken);
    }
}

fn sleep(watched: &mut [Watched], woken: &mut UnixStream) {
    let time = watched.iter().filter_map(Watched::patience).min();
    let time = time.and_then(|time| Timespec::try_from(time + Duration::from_micros(500)).ok());
    let signals = watched.iter().filter_map(|watched| watched.signal.as_ref());
    let mut descriptors = vec![PollFd::new(&*woken, PollFlags::IN)];
    descriptors.extend(signals.map(|signal| PollFd::new(signal, PollFlags::IN)));
    let answered = poll(&mut descriptors, time.as_ref()).is_ok();
    // An interrupted wait is a wait that ended early: then everything is looked at.
    let came: Vec<bool> = descriptors[1..].iter().map(|one| !answered || !one.revents().is_empty()).collect();
    drop(descriptors);
    let signalled = watched.iter_mut().filter(|watched| watched.signal.is_some());
    for (watched, came) in signalled.zip(came) {
        watched.due = came;
    }
    let mut drain = [0; 256];
    while woken.read(&mut drain).is_ok_and(|count| count == drain.len()) {}
}

/// Looking costs a system call or two, at every wake-up, for each of hundreds of jobs.
fn signal_will_come(watched: &Watched) -> bool {
    watched.signal.is_some() && !watched.due
}

impl Watched {
    /// Call what is due; give back what is not.
    fn look(self) -> Option<Self> {
        if signal_will_come(&self) {
            return Some(self);
        }
        let Self { subject, signal, .. } = self;
        let subject = match subject {
            Subject::Child(mut child, then) => match child.try_wait() {
                Ok(None) => Subject::Child(child, then),
                Ok(Some(status)) => {
                    then(Exit { code: status.code(), signal: status.signal() });
                    return None;
                }
                // Reaped by somebody else in this process: how it ended is lost.
                Err(_) => {
                    then(Exit::default());
                    return None;
                }
            },
            Subject::Process(process, then) if process.liveness() == Liveness::Dead => {
                then();
                return None;
            }
            Subject::Moment(moment, then) if moment <= Instant::now() => {
                then();
                return None;
            }
            Subject::Names(mut then) => {
                let names = signal.as_ref().map(read_names).unwrap_or_default();
                if !names.iter().all(|name| then(name)) {
                    return None;
                }
                Subject::Names(then)
            }
            other => other,
        };
        Some(Self { subject, signal, due: false })
    }

    /// How long it may be left alone; `None` if it wakes us.
    fn patience(&self) -> Option<Duration> {
        match (&self.subject, &self.signal) {
            (Subject::Moment(moment, _), _) => Some(moment.saturating_duration_since(Instant::now())),
            (_, Some(_)) => None,
            (_, None) => Some(LOOK_INTERVAL),
        }
    }
}
