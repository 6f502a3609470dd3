//! The day's time: as fast as the engine's, counted from the same moment on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Whoever wakes later than this, in the day's time, was kept by a machine that is too slow for the rate.
const LATE: Duration = Duration::from_secs(10);
/// More than so many of a thousand waits that end late make a run invalid.
const LATE_PER_MILLE_MAX: u64 = 10;

/// Tells the day's time, and waits in it.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
    rate: u32,
    waits: AtomicU64,
    late: AtomicU64,
}

impl Clock {
    /// The day begins now; `rate` of its seconds go by in one of the machine's.
    pub(crate) fn start(rate: u32) -> Clock {
        Clock { began: Instant::now(), rate: rate.max(1), waits: AtomicU64::new(0), late: AtomicU64::new(0) }
    }

    /// How much of the day is over.
    pub(crate) fn now(&self) -> Duration {
        self.began.elapsed() * self.rate
    }

    /// Returns when so much of the day is over.
    pub(crate) async fn reach(&self, at: Duration) {
        let due = self.began + at / self.rate;
        // What was due before it was asked for says nothing of the machine.
        if due <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(due).await;
        self.waits.fetch_add(1, Ordering::Relaxed);
        if due.elapsed() * self.rate > LATE {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets so many milliseconds of the day go by.
    pub(crate) async fn stay(&self, ms: u64) {
        self.reach(self.now() + Duration::from_millis(ms)).await;
    }

    /// Waits so far, and how many of them ended more than 10 s of the day late.
    pub(crate) fn waits(&self) -> (u64, u64) {
        (self.waits.load(Ordering::Relaxed), self.late.load(Ordering::Relaxed))
    }
}

/// Whether so many late ones among so many waits leave a run valid.
pub(crate) fn kept_time((waits, late): (u64, u64)) -> bool {
    late * 1_000 <= waits * LATE_PER_MILLE_MAX
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, kept_time};

    #[tokio::test(start_paused = true)]
    async fn a_day_goes_by_in_so_many_minutes() {
        let clock = Clock::start(120);
        clock.reach(Duration::from_secs(86_400)).await;
        let now = clock.now();
        assert!(now >= Duration::from_secs(86_400) && now < Duration::from_secs(86_401), "{now:?}");
        clock.stay(60_000).await;
        assert!(clock.now() >= now + Duration::from_secs(60));
        assert_eq!(clock.waits(), (2, 0));
        clock.reach(Duration::from_secs(5)).await;
        assert_eq!(clock.waits(), (2, 0), "the past is not waited for");
    }

    #[test]
    fn one_wait_in_a_hundred_may_be_late() {
        assert!(kept_time((0, 0)) && kept_time((100, 1)) && !kept_time((100, 2)));
    }
}
