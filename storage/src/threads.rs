//! The store's own threads: a panic of one fails the store, and closing waits for one only so long.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::Pid;

use crate::error::StorageError;
use crate::failure::Failure;

/// The `nice` of threads whose work must not pile up: beside one other that has as much to do they get a quarter of a core.
pub(crate) const BEHIND: i32 = 5;
/// The `nice` of threads that have all the time there is: whoever scans or calls goes first.
pub(crate) const FAR_BEHIND: i32 = 10;

/// Puts this thread behind others wherever time is short. To be nicer is always allowed; were it not, all would be as before.
pub(crate) fn go_behind(nice: i32) {
    let _ = rustix::process::setpriority_process(None, nice);
}

/// The same for all threads of this name, which others have started.
pub(crate) fn put_behind(name: &str, nice: i32) {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for task in
        tasks.filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|n| n.trim_end() == name))
    {
        let id = task.file_name().to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
        if id.is_some() {
            let _ = rustix::process::setpriority_process(id, nice);
        }
    }
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
