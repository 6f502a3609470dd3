//! Simulated time: counted in milliseconds since dialling.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One call's clock. A wait adds what it says and sleeps that much times the scale; time on the wire adds as measured.
#[derive(Debug)]
pub(crate) struct Clock {
    now_ms: u64,
    scale: f64,
    dialled_unix_ms: i64,
}

impl Clock {
    pub(crate) fn start(scale: f64) -> Clock {
        Clock { now_ms: 0, scale, dialled_unix_ms: unix_ms() }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Waits until `at_ms`; a moment that is over waits for nothing.
    pub(crate) async fn wait_until(&mut self, at_ms: u64) {
        let wait = Duration::from_millis(at_ms.saturating_sub(self.now_ms)).mul_f64(self.scale);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.now_ms = self.now_ms.max(at_ms);
    }

    /// Real time that went by on the wire.
    pub(crate) fn spent(&mut self, real: Duration) {
        self.now_ms += u64::try_from(real.as_millis()).unwrap_or(u64::MAX / 2);
    }

    /// A simulated moment as the provider writes it, UTC: `2026-01-02 03:04:05`.
    pub(crate) fn stamp(&self, at_ms: u64) -> String {
        let unix_ms = self.dialled_unix_ms + i64::try_from(at_ms).unwrap_or(0);
        jiff::Timestamp::from_millisecond(unix_ms)
            .map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
            .unwrap_or_default()
    }
}

#[allow(clippy::disallowed_methods, reason = "a provider's own wall clock, only written into StartTime and its like")]
fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}
