//! Faults that tests inject into the store's threads. Not part of a normal build.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::StorageError;

/// The faults of one store. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    gate_is_closed: bool,
    waiting: bool,
    fails_next: bool,
    panics_next_read: bool,
    answers_are_held: bool,
    holding_an_answer: bool,
    hung_after: Option<Duration>,
}

impl Faults {
    /// From now on commits wait before they are written, like those of a slow disk, until [`Faults::open_gate`].
    pub fn close_gate(&self) {
        self.state().gate_is_closed = true;
    }

    /// Lets commits through again.
    pub fn open_gate(&self) {
        self.state().gate_is_closed = false;
        self.0.changed.notify_all();
    }

    /// Makes the next commit fail as a broken disk would.
    pub fn fail_next_commit(&self) {
        self.state().fails_next = true;
    }

    /// Whether a commit waits at the gate.
    pub fn holds_a_commit(&self) -> bool {
        self.state().waiting
    }

    /// Makes the thread that reads next panic.
    pub fn panic_next_read(&self) {
        self.state().panics_next_read = true;
    }

    /// From now on tags that were read are not handed out, until [`Faults::release_answers`].
    pub fn hold_answers(&self) {
        self.state().answers_are_held = true;
    }

    /// Hands out tags that were read, again.
    pub fn release_answers(&self) {
        self.state().answers_are_held = false;
        self.0.changed.notify_all();
    }

    /// Whether a tag that was read is held.
    pub fn holds_an_answer(&self) -> bool {
        self.state().holding_an_answer
    }

    /// From now on a thread is held to hang after this time.
    pub fn hang_after(&self, time: Duration) {
        self.state().hung_after = Some(time);
    }

    pub(crate) fn hung_after(&self) -> Option<Duration> {
        self.state().hung_after
    }

    /// Called by a reader before each read.
    pub(crate) fn before_read(&self) {
        let panics = std::mem::take(&mut self.state().panics_next_read);
        assert!(!panics, "injected by a test");
    }

    /// Called by a reader between reading a tag and handing it out.
    pub(crate) fn before_answer(&self) {
        let mut state = self.state();
        while state.answers_are_held {
            state.holding_an_answer = true;
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.holding_an_answer = false;
    }

    /// Called by the commit thread before each commit.
    pub(crate) fn before_commit(&self) -> Result<(), StorageError> {
        let mut state = self.state();
        while state.gate_is_closed {
            state.waiting = true;
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = false;
        if std::mem::take(&mut state.fails_next) {
            let cause = std::io::Error::other("injected by a test");
            return Err(StorageError::Database(cause.into()));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
