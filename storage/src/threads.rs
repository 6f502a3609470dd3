//! The store's own threads: a panic of one fails the store, and closing waits for one only so long.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::error::StorageError;
use crate::failure::Failure;

/// By how much a thread that nobody waits for is nicer than the others: beside one of them it gets a quarter of a core, which
/// is several times what flushes and compactions take under full load, so that they never fall behind.
const BEHIND: i32 = 5;

/// Puts this thread, and those that it starts from now on, behind the others wherever time is short.
pub(crate) fn go_behind() {
    // To be nicer is always allowed; were it not, all would be as before.
    let _ = rustix::process::nice(BEHIND);
}

/// A thread that runs.
pub(crate) struct Thread {
    name: &'static str,
    handle: JoinHandle<()>,
    /// Closed when the thread is over.
    over: Receiver<()>,
}

impl Thread {
    pub(crate) fn spawn(
        name: &'static str,
        failure: Failure,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<Self, StorageError> {
        let (running, over) = std::sync::mpsc::channel();
        let run = move || {
            let _running = running;
            let _guard = failure.told_by_panic();
            work();
        };
        let handle = std::thread::Builder::new().name(name.into()).spawn(run);
        Ok(Self { name, handle: handle.map_err(|e| StorageError::folder("a thread", e))?, over })
    }

    /// Waits for its end, but not beyond `deadline`: a thread that hangs then is left behind, and the store has failed.
    pub(crate) fn wait(self, deadline: Instant, failure: &Failure) {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.over.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            return failure.tell(&format_args!("the thread {} does not end and is left behind", self.name));
        }
        // A thread that panicked has told so already.
        let _ = self.handle.join();
    }
}
