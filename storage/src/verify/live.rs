//! Verifying a store that serves.
//!
//! A thread of its own walks a snapshot, so that no reader, no clerk and no arbiter waits for it. The journals are not
//! read: the engine writes to them, and what they hold is in the snapshot. One verification runs at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fjall::AbstractTree;
use tokio::sync::oneshot;

use super::manifest::Manifest;
use super::report::Report;
use super::rows::{BrokenOff, Rows};
use crate::backup::Source;
use crate::error::{Damage, StorageError};
use crate::failure::Failure;
use crate::layout::Space;
use crate::store::Storage;
use crate::threads::{FAR_BEHIND, Thread, go_behind};

/// A list of tables is read again so often when its tables are replaced while they are read.
const LISTS_MAX: usize = 10;

/// Why nothing was verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// One runs.
    #[error("the store is being verified already; wait until that is done")]
    Busy,
    /// The store is closed, or closes.
    #[error("the store was closed before it was verified; start it again, or verify its folder")]
    Stopped,
    /// Something that is not the store's.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The verifications of one store.
pub(crate) struct Checks {
    state: Mutex<State>,
    running: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
}

struct State {
    /// `None` once the store is closed.
    source: Option<Source>,
    thread: Option<Thread>,
}

impl Storage {
    /// Looks at every row as it is now, at what it refers to, and at every byte of the tables.
    ///
    /// # Errors
    /// [`VerifyError`]. What is wrong with the store is no error but a finding.
    pub async fn verify(&self) -> Result<Report, VerifyError> {
        let verified = self.checks.begin()?;
        verified.await.map_err(|_| VerifyError::Stopped)?
    }
}

impl Checks {
    pub(crate) fn new(source: Source) -> Self {
        let state = Mutex::new(State { source: Some(source), thread: None });
        Self { state, running: Arc::default(), stopping: Arc::default() }
    }

    /// Breaks off what is under way, and begins nothing more. The threads that are to be waited for.
    pub(crate) fn stop(&self, failure: &Failure) -> Vec<Thread> {
        self.stopping.store(true, Ordering::Release);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (source, thread) = (state.source.take(), state.thread.take());
        // The last to let go of a database waits for fjall's threads, and they may hang.
        let letting_go = Thread::spawn("qnect-verify", failure.clone(), move || drop(source));
        thread.into_iter().chain(letting_go).collect()
    }

    fn begin(&self) -> Result<oneshot::Receiver<Result<Report, VerifyError>>, VerifyError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let source = state.source.clone().ok_or(VerifyError::Stopped)?;
        if self.running.swap(true, Ordering::AcqRel) {
            return Err(VerifyError::Busy);
        }
        let (reply, verified) = oneshot::channel();
        let (running, stopping) = (Running(self.running.clone()), self.stopping.clone());
        let failure = source.failure.clone();
        let work = move || {
            go_behind(FAR_BEHIND);
            // The library may panic over damage: that is what is looked for, and ends no engine that serves.
            let report = catch_unwind(AssertUnwindSafe(|| verify(&source, &stopping))).unwrap_or_else(|_| {
                let folder = source.spaces.get(Space::Head).tree.tree_config().path.clone();
                Err(StorageError::from(Damage::told_by_panic(folder)).into())
            });
            // Before the end is told: whoever hears of it may close the store, or ask again.
            drop((source, running));
            // Whoever asked may have left: then nobody is told.
            let _ = reply.send(report);
        };
        state.thread = Some(Thread::spawn("qnect-verify", failure, work)?);
        Ok(verified)
    }
}

/// Held while one runs.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

fn verify(source: &Source, stopping: &AtomicBool) -> Result<Report, VerifyError> {
    let goes_on = || !stopping.load(Ordering::Acquire);
    let mut report = Report::default();
    for space in Space::ALL {
        tables(&source.spaces.get(space).tree.tree_config().path, &mut report, goes_on)?;
    }
    let snapshot = source.database.snapshot();
    let rows = Rows::of(&snapshot, &source.spaces, &source.keys)?;
    match rows.walk(&mut report, goes_on) {
        Ok(()) => report.safe = report.commit,
        Err(BrokenOff::Stopped) => return Err(VerifyError::Stopped),
        Err(BrokenOff::Unreadable(error)) => report.find_error(&error),
    }
    Ok(report)
}

/// Reads every byte of the tables of one keyspace. A table that is damaged, or gone, is told only if the list that names it
/// is still the newest one.
fn tables(folder: &Path, report: &mut Report, goes_on: impl Fn() -> bool) -> Result<(), VerifyError> {
    for list in 1..=LISTS_MAX {
        let manifest = match Manifest::read(folder) {
            Ok(manifest) => manifest,
            Err(_) if list < LISTS_MAX => continue,
            Err(error) => {
                report.find_error(&error);
                return Ok(());
            }
        };
        let mut damaged = Vec::new();
        for table in &manifest.tables {
            if !goes_on() {
                return Err(VerifyError::Stopped);
            }
            damaged.extend(table.prove().err());
        }
        let is_newest = Manifest::read(folder).is_ok_and(|newest| newest.number == manifest.number);
        if damaged.is_empty() || is_newest || list == LISTS_MAX {
            report.tables += manifest.tables.len() as u64;
            damaged.iter().for_each(|error| report.find_error(error));
            return Ok(());
        }
    }
    Ok(())
}
