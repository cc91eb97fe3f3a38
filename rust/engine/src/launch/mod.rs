//! How a job becomes a process: forked by a server that has imported the runner, or started afresh.

mod fork_server;
mod plain;
mod protocol;
mod script;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use experimaestro_core::claim::HEARTBEAT_PATIENCE;

use crate::job::Job;
use crate::prepare::Surroundings;
use crate::settle::{Exit, cannot_start, own_ended};
use crate::shared::Shared;
use fork_server::ForkServer;
pub(crate) use script::script;

/// Two minutes in all, twice as long each time: less than the others grant to a claim without a process.
const MOST_REFUSALS: u32 = 7;

/// What a job needs to start.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// `params.json`.
    pub params: Vec<u8>,
    /// `identity.json`.
    pub identity: Vec<u8>,
    /// The environment of the driver.
    pub inherited: Vec<(String, String)>,
    /// What the job's environment has more, or different.
    pub environment: Vec<(String, String)>,
    /// Put in front of `sys.path`.
    pub python_path: Vec<String>,
}

/// Gives what a job needs to start; called only if it must. The error is a message for people.
pub type LaunchFn = Box<dyn Fn() -> Result<Launch, String> + Send + Sync>;

/// The ways to start a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LauncherKind {
    /// A server forks them.
    ForkServer,
    /// Each is a new interpreter.
    Process,
}

impl LauncherKind {
    /// The way that suits this system. Forks are not safe on macOS: its libraries have threads of their own.
    #[must_use]
    pub fn supported(self) -> Self {
        if cfg!(target_os = "macos") { Self::Process } else { self }
    }
}

/// What does not change while an engine lives.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs at once.
    pub slots: u32,
    /// Devices to be handed out, by their names in `CUDA_VISIBLE_DEVICES`.
    pub gpus: Vec<String>,
    /// The way to start processes.
    pub launcher: LauncherKind,
    /// The interpreter.
    pub python: PathBuf,
    /// How long a job that was asked to stop may take to do so.
    pub grace: Duration,
    /// How long the fork server may take to answer: then it is given up.
    pub patience: Duration,
    /// How long the heartbeat of a process of another host may stand still: then it is given up.
    pub heartbeat: Duration,
}

impl Settings {
    /// Usual times for these jobs at once, this way to start them, and this interpreter.
    pub fn new(slots: u32, launcher: LauncherKind, python: PathBuf) -> Self {
        Self {
            slots,
            gpus: Vec::new(),
            launcher,
            python,
            grace: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            heartbeat: HEARTBEAT_PATIENCE,
        }
    }
}

/// One start of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) job: Arc<Job>,
    pub(crate) attempt: u32,
    pub(crate) surroundings: Arc<Surroundings>,
    /// How often there was no room for it.
    pub(crate) refusals: u32,
}

enum Server {
    NotYet,
    Up(ForkServer),
    /// It could not be started, or died: from now on every job is a process of its own.
    Gone,
}

pub(crate) struct Launcher {
    settings: Settings,
    server: Mutex<Server>,
}

impl Launcher {
    pub(crate) fn new(settings: Settings) -> Self {
        let server = match settings.launcher.supported() {
            LauncherKind::ForkServer => Server::NotYet,
            LauncherKind::Process => Server::Gone,
        };
        Self { settings, server: Mutex::new(server) }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Start a process. What becomes of it is told to the driver.
    pub(crate) fn launch(&self, shared: &Arc<Shared>, request: Request) {
        if !self.ask_server(shared, &request) {
            start_plain(shared, request);
        }
    }

    fn ask_server(&self, shared: &Arc<Shared>, request: &Request) -> bool {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*server, Server::NotYet) {
            *server = ForkServer::start(shared, &self.settings).map_or(Server::Gone, Server::Up);
        }
        let Server::Up(running) = &*server else { return false };
        if running.launch(shared, request) {
            return true;
        }
        *server = Server::Gone;
        false
    }

    fn server_is_gone(&self) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Server::Gone;
    }
}

fn start_plain(shared: &Arc<Shared>, request: Request) {
    if let Err(error) = plain::start(shared, &request) {
        let lacks_room = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory);
        no_process(shared, request, lacks_room, &error.to_string());
    }
}

/// A job got no process. Where there was only no room for one, it is tried again: others will end.
fn no_process(shared: &Arc<Shared>, request: Request, lacks_room: bool, message: &str) {
    if !lacks_room || request.refusals >= MOST_REFUSALS || request.job.is_stop_requested() {
        let message = format!("cannot start its process: {message}");
        return cannot_start(shared, &request.job, request.attempt, &message);
    }
    let delay = Duration::from_secs(1 << request.refusals);
    let request = Request { refusals: request.refusals + 1, ..request };
    let again = Arc::clone(shared);
    shared.watcher.after(delay, move || {
        let pool = again.pool.clone();
        pool.run(move || again.launcher.launch(&again, request));
    });
}

/// A process of ours ended: find out what became of the job, where the disk may be waited for.
fn ended(shared: &Arc<Shared>, job: &Arc<Job>, exit: Exit) {
    let (shared, job) = (Arc::clone(shared), Arc::clone(job));
    let pool = shared.pool.clone();
    pool.run(move || own_ended(&shared, &job, exit));
}
