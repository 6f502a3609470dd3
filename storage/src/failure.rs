//! The store's verdict on itself: it serves, or it has failed, and then for good.

use std::fmt::Display;

use tokio::sync::watch;

/// Where the threads of a store tell that it has failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure(watch::Sender<bool>);

impl Failure {
    /// Nothing has failed yet. The receiver turns true when something does.
    pub(crate) fn new() -> (Self, watch::Receiver<bool>) {
        let (failed, has_failed) = watch::channel(false);
        (Self(failed), has_failed)
    }

    /// Tells that the store has failed.
    pub(crate) fn tell(&self, cause: &dyn Display) {
        // First: a log that nobody reads may block, and everybody has to know.
        self.0.send_replace(true);
        tracing::error!(%cause, "the store failed; the process has to end");
    }

    pub(crate) fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// A guard for a thread: its panic is a failure, too.
    pub(crate) fn told_by_panic(self) -> ToldByPanic {
        ToldByPanic(self)
    }
}

/// Tells that the store has failed when it is dropped by a panic.
pub(crate) struct ToldByPanic(Failure);

impl Drop for ToldByPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.tell(&"a thread panicked");
        }
    }
}
