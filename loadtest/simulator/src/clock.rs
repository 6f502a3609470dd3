//! Simulated time: counted in milliseconds since dialling.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

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

    /// Waits until `at_ms`, or until `woken`; a moment that is over waits for nothing.
    pub(crate) async fn wait_until(&mut self, at_ms: u64, woken: impl Future<Output = ()>) {
        let wait = Duration::from_millis(at_ms.saturating_sub(self.now_ms)).mul_f64(self.scale);
        if wait.is_zero() {
            self.now_ms = self.now_ms.max(at_ms);
            return;
        }
        let began = Instant::now();
        tokio::select! {
            () = tokio::time::sleep(wait) => self.now_ms = self.now_ms.max(at_ms),
            () = woken => {
                let waited = began.elapsed().div_f64(self.scale);
                self.now_ms = (self.now_ms + millis(waited)).min(at_ms);
            }
        }
    }

    /// Real time that went by on the wire.
    pub(crate) fn spent(&mut self, real: Duration) {
        self.now_ms += millis(real);
    }

    /// A simulated moment in milliseconds of the Unix epoch.
    pub(crate) fn unix_ms(&self, at_ms: u64) -> i64 {
        self.dialled_unix_ms + i64::try_from(at_ms).unwrap_or(0)
    }

    /// A simulated moment as Plivo writes it, UTC: `2026-01-02 03:04:05`.
    pub(crate) fn stamp(&self, at_ms: u64) -> String {
        written(self.unix_ms(at_ms), PLAIN)
    }

    /// A simulated moment as Twilio writes it, RFC 2822: `Fri, 02 Jan 2026 03:04:05 +0000`.
    pub(crate) fn rfc2822(&self, at_ms: u64) -> String {
        written(self.unix_ms(at_ms), RFC_2822)
    }
}

/// `2026-01-02 03:04:05`.
pub(crate) const PLAIN: &str = "%Y-%m-%d %H:%M:%S";
/// `Fri, 02 Jan 2026 03:04:05 +0000`.
pub(crate) const RFC_2822: &str = "%a, %d %b %Y %H:%M:%S +0000";

/// A moment of the Unix epoch in UTC.
pub(crate) fn written(unix_ms: i64, format: &str) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}

fn millis(real: Duration) -> u64 {
    u64::try_from(real.as_millis()).unwrap_or(u64::MAX / 2)
}

#[allow(clippy::disallowed_methods, reason = "a provider's own wall clock, only written into StartTime and its like")]
fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}
