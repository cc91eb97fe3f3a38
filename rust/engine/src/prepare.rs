//! Writing down what a job needs to start: when it is planned, or at the latest when it starts.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use experimaestro_core::fs::{self, Durability, FsResult};
use experimaestro_core::layout::JobDirectory;

use crate::launch::{Launch, LaunchFn, script};

/// What the process of a job finds around it. Shared by all jobs that have the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// The environment of the driver.
    pub(crate) inherited: Vec<(String, String)>,
    /// What the job's environment has more, or different.
    pub(crate) environment: Vec<(String, String)>,
    /// Put in front of `sys.path`.
    pub(crate) python_path: Vec<String>,
}

impl Surroundings {
    /// The whole environment of the process.
    pub(crate) fn whole_environment(&self) -> Vec<(String, String)> {
        let is_overlaid = |name: &str| self.environment.iter().any(|(other, _)| other == name);
        let inherited = self.inherited.iter().filter(|(name, _)| !is_overlaid(name));
        inherited.chain(&self.environment).cloned().collect()
    }
}

/// The surroundings that were seen last: nearly always those of the next job too.
#[derive(Debug, Default)]
pub(crate) struct Interner(Mutex<Option<Arc<Surroundings>>>);

impl Interner {
    fn share(&self, surroundings: Surroundings) -> Arc<Surroundings> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(known) if **known == surroundings => Arc::clone(known),
            _ => Arc::clone(last.insert(Arc::new(surroundings))),
        }
    }
}

/// Files that were written for a job.
#[derive(Debug, Clone)]
struct Written {
    surroundings: Arc<Surroundings>,
    /// The `params.json` of ours: that of another driver has another number.
    params: Option<u64>,
}

#[derive(Default)]
struct Stage {
    how: Option<Arc<LaunchFn>>,
    written: Option<Written>,
    busy: bool,
    /// Which of the ways to start is meant: a result of an earlier one is void.
    version: u32,
}

/// What is known of how a job starts.
///
/// No lock is held while the way to start is asked for: it may be code of another language, which waits for locks of
/// its own.
#[derive(Default)]
pub(crate) struct Preparation {
    stage: Mutex<Stage>,
    settled: Condvar,
}

impl Preparation {
    pub(crate) fn new(launch: LaunchFn) -> Self {
        let stage = Stage { how: Some(Arc::new(launch)), ..Stage::default() };
        Self { stage: Mutex::new(stage), settled: Condvar::new() }
    }

    /// Another driver has written the files.
    pub(crate) fn take_over(&self, directory: &JobDirectory, surroundings: Arc<Surroundings>) {
        let params = fs::number(&directory.params()).unwrap_or_default();
        self.stage().written = params.map(|number| Written { surroundings, params: Some(number) });
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Start in this way from now on.
    pub(crate) fn replace(&self, launch: LaunchFn) {
        let mut stage = self.stage();
        let version = stage.version.wrapping_add(1);
        let before = std::mem::replace(&mut *stage, Stage { how: Some(Arc::new(launch)), version, ..Stage::default() });
        drop(stage);
        self.settled.notify_all();
        drop(before);
    }

    /// It will not start any more.
    pub(crate) fn forget(&self) {
        let mut stage = self.stage();
        let version = stage.version.wrapping_add(1);
        let before = std::mem::replace(&mut *stage, Stage { version, ..Stage::default() });
        drop(stage);
        self.settled.notify_all();
        // Dropped outside of the lock: it may hold objects of another language, with code of their own.
        drop(before);
    }

    /// Write the files of a job that may have to wait long, unless they are written, or it does not start any more.
    ///
    /// # Errors
    /// When it cannot be written down: a message for people.
    pub(crate) fn plan(
        &self,
        directory: &JobDirectory,
        python: &Path,
        interner: &Interner,
    ) -> Result<Option<Arc<Surroundings>>, String> {
        let stage = self.stage();
        if stage.busy || stage.written.is_some() || stage.how.is_none() {
            return Ok(stage.written.as_ref().map(|written| Arc::clone(&written.surroundings)));
        }
        self.write(stage, directory, python, interner).map(Some)
    }

    /// Make sure that the files of a job that starts now are there, and are ours.
    ///
    /// # Errors
    /// When it cannot be written down, or nobody knows how it starts: a message for people.
    pub(crate) fn start(
        &self,
        directory: &JobDirectory,
        python: &Path,
        interner: &Interner,
    ) -> Result<Arc<Surroundings>, String> {
        let mut stage = self.stage();
        while stage.busy {
            stage = self.settled.wait(stage).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(written) = &stage.written {
            let found = fs::number(&directory.params()).map_err(|error| error.to_string())?;
            if found.is_some() && found == written.params {
                return Ok(Arc::clone(&written.surroundings));
            }
        }
        self.write(stage, directory, python, interner)
    }

    fn write(
        &self,
        mut stage: MutexGuard<'_, Stage>,
        directory: &JobDirectory,
        python: &Path,
        interner: &Interner,
    ) -> Result<Arc<Surroundings>, String> {
        let how = Arc::clone(stage.how.as_ref().ok_or("nobody knows how to start it")?);
        let version = stage.version;
        stage.busy = true;
        drop(stage);
        let written = how().and_then(|launch| {
            write_files(directory, python, &launch).map_err(|error| error.to_string())?;
            let params = fs::number(&directory.params()).map_err(|error| error.to_string())?;
            let Launch { inherited, environment, python_path, .. } = launch;
            let surroundings = interner.share(Surroundings { inherited, environment, python_path });
            Ok(Written { surroundings, params })
        });
        let mut stage = self.stage();
        if stage.version == version {
            stage.busy = false;
            if let Ok(written) = &written {
                stage.written = Some(written.clone());
            }
        }
        drop(stage);
        self.settled.notify_all();
        written.map(|written| written.surroundings)
    }
}

/// Write what a job's folder holds before it runs. A reader never sees half of a file.
pub(crate) fn write_files(job: &JobDirectory, python: &Path, launch: &Launch) -> FsResult<()> {
    fs::create_folders(&job.private())?;
    // Who records the success of the job sees to it that this survives a loss of power.
    fs::replace(&job.params(), &launch.params, Durability::Process)?;
    fs::replace(&job.identity(), &launch.identity, Durability::Process)?;
    fs::replace_executable(&job.script(), &script(python, launch), Durability::Process)
}
