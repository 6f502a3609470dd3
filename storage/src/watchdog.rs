//! The watchdog: a thread that hangs tells nothing, so another has to.
//!
//! fjall waits for its flushes without a bound and without a look at its own failure, and a sync on a broken disk may
//! never return. The commit thread and the mark thread say when they begin what may hang; the watchdog, which touches no
//! disk and so cannot hang with them, tells when one of them does not come to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long one batch, or one write of the mark, may take before its thread is held to hang. A disk that is alive takes
/// well below a second; closing waits as long for a thread to end.
const HUNG_AFTER: Duration = Duration::from_secs(30);
/// How often the watchdog looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a thread tells its watchdog.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Which thread.
    thread: &'static str,
    start: Instant,
    /// When the work under way began, in milliseconds since `start`; 0 while there is none.
    began_ms: AtomicU64,
    #[cfg(feature = "faults")]
    faults: crate::faults::Faults,
}

impl Progress {
    /// A thread that does nothing yet.
    pub(crate) fn new(thread: &'static str) -> Self {
        Self {
            thread,
            start: Instant::now(),
            began_ms: AtomicU64::new(0),
            #[cfg(feature = "faults")]
            faults: crate::faults::Faults::default(),
        }
    }

    #[cfg(feature = "faults")]
    pub(crate) fn with_faults(self, faults: crate::faults::Faults) -> Self {
        Self { faults, ..self }
    }

    /// The thread begins work that may hang.
    pub(crate) fn begin(&self) {
        self.began_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// That work is done.
    pub(crate) fn end(&self) {
        self.began_ms.store(0, Ordering::Relaxed);
    }

    /// Whether the work under way takes longer than any that comes to an end.
    pub(crate) fn hangs(&self) -> bool {
        self.began_ms.load(Ordering::Relaxed) != 0 && self.under_way() >= self.hung_after()
    }

    /// How long the work under way has taken; zero while there is none.
    pub(crate) fn under_way(&self) -> Duration {
        match self.began_ms.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            began_ms => Duration::from_millis(self.now_ms().saturating_sub(began_ms)),
        }
    }

    /// After what time a thread is held to hang.
    pub(crate) fn hung_after(&self) -> Duration {
        #[cfg(feature = "faults")]
        if let Some(bound) = self.faults.hung_after() {
            return bound;
        }
        HUNG_AFTER
    }

    /// Never 0, which means that there is no work.
    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64 + 1
    }
}

/// Looks once a second until `stop` is closed, and fails the store when one of the threads hangs.
pub(crate) fn watch(threads: &[Arc<Progress>], failure: &Failure, stop: &Receiver<()>) {
    while matches!(stop.recv_timeout(LOOK_EVERY), Err(RecvTimeoutError::Timeout)) {
        look(threads, failure);
    }
}

fn look(threads: &[Arc<Progress>], failure: &Failure) {
    let Some(hung) = threads.iter().find(|t| t.hangs()) else {
        return;
    };
    // Once is enough; and a thread that failed leaves its work under way, but does not hang.
    if !failure.is_told() {
        failure.tell(&format_args!("{} hangs", hung.thread));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_that_is_under_way_too_long_hangs() {
        let patient = Progress::new("a patient thread");
        assert_eq!(patient.hung_after(), HUNG_AFTER);
        patient.begin();
        assert!(!patient.hangs(), "it has only begun");

        let faults = crate::faults::Faults::default();
        faults.hang_after(Duration::ZERO);
        let threads = [Arc::new(Progress::new("a thread").with_faults(faults))];
        let (failure, failed) = Failure::new();
        look(&threads, &failure);
        threads[0].begin();
        threads[0].end();
        look(&threads, &failure);
        assert!(!*failed.borrow(), "an idle thread does not hang");
        threads[0].begin();
        look(&threads, &failure);
        assert!(*failed.borrow());
    }
}
