//! The one place that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qnect_core::time::Timestamp;

/// Wall time at start plus what a monotonic clock counted since, never below the time of the last commit: a clock that
/// is set back refills no budget and ends no session early.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Timestamp,
    since: Instant,
}

impl Clock {
    /// A clock that starts now, or at `floor` if the machine's clock is behind it.
    #[allow(clippy::disallowed_methods)] // This is the engine's clock.
    pub fn starting_at_least(floor: Timestamp) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let wall = Timestamp::from_millis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX));
        if wall < floor {
            tracing::warn!(
                behind_ms = floor.since(wall).as_millis(),
                "the clock is behind the last commit; going on from there"
            );
        }
        Self { start: wall.max(floor), since: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_millis(self.start.as_millis().saturating_add(elapsed))
    }
}
