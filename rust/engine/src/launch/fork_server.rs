//! The engine's end of the fork server. When the server goes, its children go on: they are then watched by number.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::job::{JobEvent, Place, Running};
use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, kill_process};

use super::protocol::{Answer, LaunchLine};
use super::{Request, Settings, ended, no_process, start_plain};
use crate::prepare::Surroundings;
use crate::settle::Exit;
use crate::shared::Shared;
use crate::time::now;

struct Child {
    request: Request,
    /// Known once the server has forked.
    process: Option<ProcessIdentity>,
    /// Since when the server owes an answer: it was asked for the process, or the process is over.
    owed: Option<Instant>,
}

#[derive(Default)]
struct Children {
    last: u64,
    alive: HashMap<u64, Child>,
    /// Somebody will look whether the server still answers.
    watched: bool,
    /// The server may have been reaped: its number is no longer its own.
    gone: bool,
}

type Table = Arc<Mutex<Children>>;

fn locked(table: &Table) -> MutexGuard<'_, Children> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct ForkServer {
    stream: UnixStream,
    children: Table,
    /// What the server was told last that jobs find around them.
    told: Mutex<Option<Arc<Surroundings>>>,
    pid: u32,
    patience: Duration,
}

impl ForkServer {
    /// Start the server. It need not be ready before jobs are asked for: they wait in the socket.
    pub(super) fn start(shared: &Arc<Shared>, settings: &Settings) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        // A server that is stopped reads nothing: whoever writes must not wait for it for ever.
        ours.set_write_timeout(Some(settings.patience))?;
        let mut server = spawn(&settings.python, theirs.into())?;
        let (pid, patience) = (server.id(), settings.patience);
        let children = Table::default();
        let reader = BufReader::new(ours.try_clone()?);
        let (shared, table) = (Arc::clone(shared), Arc::clone(&children));
        std::thread::Builder::new().name("xpm-fork-server".into()).spawn(move || {
            listen(&shared, &table, reader, (pid, patience));
            // Only now may it be reaped; it ends by itself at the end of the file.
            let _ = server.wait();
        })?;
        Ok(Self { stream: ours, children, told: Mutex::default(), pid, patience })
    }

    /// Ask for a child; `false` when the server cannot be reached.
    pub(super) fn launch(&self, shared: &Arc<Shared>, request: &Request) -> bool {
        let key = request.job.key();
        let Some(directory) = request.job.directory().path().to_str() else { return false };
        let number = {
            let mut children = locked(&self.children);
            children.last += 1;
            let number = children.last;
            children
                .alive
                .insert(number, Child { request: request.clone(), process: None, owed: Some(Instant::now()) });
            number
        };
        // Kept until the line is written: the next job is told of what is different from this one.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let surroundings = &request.surroundings;
        let is_told = told.as_ref().is_some_and(|told| Arc::ptr_eq(told, surroundings));
        let environment = if is_told { Vec::new() } else { surroundings.whole_environment() };
        let line = LaunchLine {
            launch: number,
            directory,
            workspace: &key.workspace,
            name: request.job.directory().name(),
            attempt: request.attempt,
            environment: (!is_told)
                .then(|| environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()),
            python_path: (!is_told).then_some(&*surroundings.python_path),
        };
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        if (&self.stream).write_all(&bytes).is_ok() {
            *told = Some(Arc::clone(surroundings));
            drop(told);
            watch_answers(shared, &self.children, self.pid, self.patience);
            return true;
        }
        // Half a line may have gone: nothing that follows would be understood.
        give_up(&mut locked(&self.children), self.pid);
        // Taken back, unless the reader has noticed first, and starts it itself.
        locked(&self.children).alive.remove(&number).is_none()
    }
}

/// See to it that a server that does not answer any more is given up.
fn watch_answers(shared: &Arc<Shared>, table: &Table, pid: u32, patience: Duration) {
    let mut children = locked(table);
    if std::mem::replace(&mut children.watched, true) {
        return;
    }
    let oldest = children.oldest().unwrap_or_else(Instant::now);
    drop(children);
    let (again, table) = (Arc::clone(shared), Arc::clone(table));
    shared.watcher.after((oldest + patience).saturating_duration_since(Instant::now()), move || {
        let mut children = locked(&table);
        children.watched = false;
        match children.oldest() {
            Some(oldest) if oldest.elapsed() >= patience => give_up(&mut children, pid),
            Some(_) => {
                drop(children);
                watch_answers(&again, &table, pid, patience);
            }
            None => {}
        }
    });
}

impl Children {
    /// Since when the server owes us an answer.
    fn oldest(&self) -> Option<Instant> {
        self.alive.values().filter_map(|child| child.owed).min()
    }
}

/// End a server that is of no use: its children go on, and whoever has none yet gets a process of its own.
fn give_up(children: &mut Children, pid: u32) {
    if children.gone {
        return;
    }
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn spawn(python: &Path, socket: OwnedFd) -> io::Result<std::process::Child> {
    let mut command = Command::new(python);
    command.args(["-m", "experimaestro._run.forkserver", &socket.as_raw_fd().to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // Functions of libraries are looked up once here, rather than in every child; jobs have environments of their own.
    command.env("LD_BIND_NOW", "1");
    // SAFETY: between fork and exec only these two system calls are made; they allocate nothing and take no lock.
    unsafe {
        command.pre_exec(move || {
            // A session of its own: Ctrl-C in the terminal is for the driver alone.
            rustix::process::setsid()?;
            rustix::io::fcntl_setfd(&socket, FdFlags::empty())?;
            Ok(())
        });
    }
    command.spawn()
}

fn listen(shared: &Arc<Shared>, table: &Table, reader: BufReader<UnixStream>, server: (u32, Duration)) {
    for line in reader.lines() {
        let Ok(line) = line else { break };
        // A line that makes no sense means a server that makes none: its children are watched without it.
        let Ok(answer) = serde_json::from_str(&line) else { break };
        hear(shared, table, answer, server);
    }
    shared.launcher.server_is_gone();
    locked(table).gone = true;
    let left: Vec<Child> = locked(table).alive.drain().map(|(_, child)| child).collect();
    for child in left {
        go_on_without_server(shared, child);
    }
}

fn hear(shared: &Arc<Shared>, table: &Table, answer: Answer, server: (u32, Duration)) {
    match answer {
        Answer::Ready { .. } => {}
        Answer::Started { started, pid } => {
            let mut children = locked(table);
            if let Some(child) = children.alive.get_mut(&started) {
                let process = ProcessIdentity::of(pid);
                child.process = Some(process.clone());
                child.owed = None;
                let running = Running { place: Place::Own, pid: Some(pid), started: Some(now()) };
                shared.tell(child.request.job.id(), JobEvent::Started(running));
                expect_its_end(shared, table, (started, process), server);
            }
        }
        Answer::Ended { ended: number, code, signal } => {
            let child = locked(table).alive.remove(&number);
            if let Some(child) = child {
                ended(shared, &child.request.job, Exit { code, signal });
            }
        }
        Answer::Refused { refused, message, again } => {
            let child = locked(table).alive.remove(&refused);
            if let Some(Child { request, .. }) = child {
                let (shared, pool) = (Arc::clone(shared), shared.pool.clone());
                pool.run(move || no_process(&shared, request, again, &message));
            }
        }
    }
}

/// The server tells how a child ended. One that is stopped does not: then the child must not count as running for ever.
fn expect_its_end(
    shared: &Arc<Shared>,
    table: &Table,
    (number, process): (u64, ProcessIdentity),
    (pid, patience): (u32, Duration),
) {
    let (again, table) = (Arc::clone(shared), Arc::clone(table));
    shared.watcher.process(process, move || {
        let mut children = locked(&table);
        let Some(child) = children.alive.get_mut(&number) else { return };
        child.owed = Some(Instant::now());
        drop(children);
        watch_answers(&again, &table, pid, patience);
    });
}

fn go_on_without_server(shared: &Arc<Shared>, child: Child) {
    let Child { request, process, .. } = child;
    if let Some(process) = process {
        let (again, job) = (Arc::clone(shared), Arc::clone(&request.job));
        shared.watcher.process(process, move || ended(&again, &job, Exit::default()));
        return;
    }
    // It may have been forked all the same: the attempt then belongs to whichever process begins first.
    let (shared, pool) = (Arc::clone(shared), shared.pool.clone());
    pool.run(move || start_plain(&shared, request));
}
