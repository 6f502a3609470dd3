//! The circuit breaker: a provider that fails is left alone, but for one request a second that looks whether it is back.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row that open the circuit.
const FAILURES_MAX: u32 = 10;
/// How long a provider may fail without a success between before the circuit opens, however few requests there are.
const FAILING_MAX: Duration = Duration::from_secs(5);
/// Failures that it takes even then: one slow answer is no outage.
const FAILURES_MIN: u32 = 2;
/// While the circuit is open, one request in this time is let through.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// The longest time for which a provider is left alone because it asked for that.
const HOLD_MAX: Duration = Duration::from_secs(60);

/// One provider's breaker. Whoever is admitted tells how it went.
#[derive(Debug)]
pub(super) enum Breaker {
    /// Everyone is admitted.
    Closed {
        /// Failures since the last success.
        failures: u32,
        /// When the first of them began.
        failing_since: Option<Instant>,
    },
    /// Hardly anyone is.
    Open {
        /// When the next one is.
        next_probe: Instant,
    },
}

impl Breaker {
    pub(super) const fn closed() -> Self {
        Self::Closed { failures: 0, failing_since: None }
    }

    /// Whether a request may be sent at `now`.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::Open { next_probe } if *next_probe <= now => {
                *next_probe = now + PROBE_EVERY;
                true
            }
            Self::Open { .. } => false,
        }
    }

    /// The provider answered.
    pub(super) fn succeeded(&mut self) {
        *self = Self::closed();
    }

    /// A request that began at `began` has failed at `now`.
    pub(super) fn failed(&mut self, began: Instant, now: Instant) {
        // While it is open, a failure changes nothing: the next probe has its time.
        if let Self::Closed { failures, failing_since } = self {
            *failures += 1;
            let since = *failing_since.get_or_insert(began);
            let lasting = *failures >= FAILURES_MIN && now.duration_since(since) >= FAILING_MAX;
            if *failures >= FAILURES_MAX || lasting {
                *self = Self::Open { next_probe: now + PROBE_EVERY };
            }
        }
    }

    /// The provider wants to be left alone for `time`.
    pub(super) fn hold(&mut self, time: Duration, now: Instant) {
        let until = now + time.min(HOLD_MAX);
        *self = match self {
            Self::Open { next_probe } => Self::Open { next_probe: until.max(*next_probe) },
            Self::Closed { .. } => Self::Open { next_probe: until },
        };
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A breaker that opened at `now`.
    fn open(now: Instant) -> Breaker {
        let mut breaker = Breaker::closed();
        (0..FAILURES_MAX).for_each(|_| breaker.failed(now, now));
        assert!(breaker.is_open());
        breaker
    }

    #[tokio::test]
    async fn ten_failures_in_a_row_open_it_and_a_success_between_starts_anew() {
        let now = Instant::now();
        let mut breaker = Breaker::closed();
        for _ in 0..3 {
            for _ in 0..FAILURES_MAX - 1 {
                breaker.failed(now, now);
                assert!(!breaker.is_open() && breaker.admits(now));
            }
            breaker.succeeded();
        }
        assert!(!breaker.is_open());
        open(now);
    }

    #[tokio::test]
    async fn five_seconds_of_failures_open_it_however_few() {
        let now = Instant::now();
        let mut breaker = Breaker::closed();
        breaker.failed(now, now + FAILING_MAX * 2);
        assert!(!breaker.is_open(), "one slow answer is no outage");
        breaker.failed(now + FAILING_MAX, now + FAILING_MAX * 2);
        assert!(breaker.is_open());

        let mut breaker = Breaker::closed();
        breaker.failed(now, now);
        breaker.failed(now, now + FAILING_MAX - MS);
        assert!(!breaker.is_open());
        breaker.succeeded();
        breaker.failed(now + FAILING_MAX, now + FAILING_MAX * 2 - MS);
        breaker.failed(now + FAILING_MAX, now + FAILING_MAX * 2 - MS);
        assert!(!breaker.is_open(), "the time counts from the last success");
    }

    #[tokio::test]
    async fn an_open_one_admits_one_a_second_and_one_success_closes_it() {
        let mut now = Instant::now();
        let mut breaker = open(now);
        assert!(!breaker.admits(now));
        let mut admitted = 0;
        for _ in 0..10_000 {
            now += MS;
            if breaker.admits(now) {
                admitted += 1;
                breaker.failed(now, now);
            }
        }
        assert_eq!(admitted, 10);
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.admits(now) && breaker.admits(now));
    }

    #[tokio::test]
    async fn a_provider_that_asks_for_it_is_left_alone_but_not_for_ever() {
        let now = Instant::now();
        let mut breaker = Breaker::closed();
        breaker.hold(Duration::from_secs(7), now);
        assert!(!breaker.admits(now + Duration::from_secs(7) - MS));
        breaker.hold(Duration::from_secs(1), now);
        assert!(!breaker.admits(now + Duration::from_secs(7) - MS), "a shorter wish does not cut a longer one");
        assert!(breaker.admits(now + Duration::from_secs(7)));
        assert!(!breaker.admits(now + Duration::from_secs(7)));
        breaker.hold(Duration::from_secs(86_400), now);
        assert!(breaker.admits(now + HOLD_MAX));
    }
}
