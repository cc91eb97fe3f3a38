//! The engine's end of the fork server. When the server goes, its children go on: they are then watched by number.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use experimaestro_core::claim::ProcessIdentity;
use experimaestro_core::job::{JobEvent, Place, Running};
use rustix::io::FdFlags;

use super::protocol::{Answer, LaunchLine};
use super::{Request, ended, plain};
use crate::settle::{Exit, cannot_start};
use crate::shared::Shared;
use crate::time::now;

struct Child {
    request: Request,
    /// Known once the server has forked.
    process: Option<ProcessIdentity>,
}

#[derive(Default)]
struct Children {
    last: u64,
    alive: HashMap<u64, Child>,
}

type Table = Arc<Mutex<Children>>;

fn locked(table: &Table) -> MutexGuard<'_, Children> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct ForkServer {
    stream: UnixStream,
    children: Table,
}

impl ForkServer {
    /// Start the server. It need not be ready before jobs are asked for: they wait in the socket.
    pub(super) fn start(shared: &Arc<Shared>, python: &Path) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut server = spawn(python, theirs.into())?;
        let children = Table::default();
        let reader = BufReader::new(ours.try_clone()?);
        let (shared, table) = (Arc::clone(shared), Arc::clone(&children));
        std::thread::Builder::new().name("xpm-fork-server".into()).spawn(move || {
            listen(&shared, &table, reader);
            // Only now may it be reaped; it ends by itself at the end of the file.
            let _ = server.wait();
        })?;
        Ok(Self { stream: ours, children })
    }

    /// Ask for a child; `false` when the server cannot be reached.
    pub(super) fn launch(&self, request: &Request) -> bool {
        let key = request.job.key();
        let Some(directory) = request.job.directory().path().to_str() else { return false };
        let number = {
            let mut children = locked(&self.children);
            children.last += 1;
            let number = children.last;
            children.alive.insert(number, Child { request: request.clone(), process: None });
            number
        };
        let line = LaunchLine {
            launch: number,
            directory,
            workspace: &key.workspace,
            name: request.job.directory().name(),
            attempt: request.attempt,
            environment: request.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            python_path: &request.python_path,
        };
        let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
        bytes.push(b'\n');
        if (&self.stream).write_all(&bytes).is_ok() {
            return true;
        }
        // Taken back, unless the reader has noticed first, and starts it itself.
        locked(&self.children).alive.remove(&number).is_none()
    }
}

fn spawn(python: &Path, socket: OwnedFd) -> io::Result<std::process::Child> {
    let mut command = Command::new(python);
    command.args(["-m", "experimaestro._run.forkserver", &socket.as_raw_fd().to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
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

fn listen(shared: &Arc<Shared>, table: &Table, reader: BufReader<UnixStream>) {
    for line in reader.lines() {
        let Ok(line) = line else { break };
        // A line that makes no sense means a server that makes none: its children are watched without it.
        let Ok(answer) = serde_json::from_str(&line) else { break };
        hear(shared, table, answer);
    }
    shared.launcher.server_is_gone();
    let left: Vec<Child> = locked(table).alive.drain().map(|(_, child)| child).collect();
    for child in left {
        go_on_without_server(shared, child);
    }
}

fn hear(shared: &Arc<Shared>, table: &Table, answer: Answer) {
    match answer {
        Answer::Ready { .. } => {}
        Answer::Started { started, pid } => {
            let mut children = locked(table);
            if let Some(child) = children.alive.get_mut(&started) {
                child.process = Some(ProcessIdentity::of(pid));
                let running = Running { place: Place::Own, pid: Some(pid), started: Some(now()) };
                shared.tell(child.request.job.id(), JobEvent::Started(running));
            }
        }
        Answer::Ended { ended: number, code, signal } => {
            let child = locked(table).alive.remove(&number);
            if let Some(child) = child {
                ended(shared, &child.request.job, Exit { code, signal });
            }
        }
        Answer::Refused { refused, message } => {
            let child = locked(table).alive.remove(&refused);
            if let Some(Child { request, .. }) = child {
                let (shared, pool) = (Arc::clone(shared), shared.pool.clone());
                pool.run(move || cannot_start(&shared, &request.job, request.attempt, &message));
            }
        }
    }
}

fn go_on_without_server(shared: &Arc<Shared>, child: Child) {
    let Child { request, process } = child;
    if let Some(process) = process {
        let (again, job) = (Arc::clone(shared), Arc::clone(&request.job));
        shared.watcher.process(process, move || ended(&again, &job, Exit::default()));
        return;
    }
    // It may have been forked all the same: the attempt then belongs to whichever process begins first.
    let (shared, pool) = (Arc::clone(shared), shared.pool.clone());
    pool.run(move || {
        let (job, attempt) = (Arc::clone(&request.job), request.attempt);
        if let Err(error) = plain::start(&shared, request) {
            cannot_start(&shared, &job, attempt, &format!("cannot start its process: {error}"));
        }
    });
}
