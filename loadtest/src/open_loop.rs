//! An open loop: requests begin when they are due, however slow the answers are, and latency counts from then.

use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::draw::Dice;
use crate::report::{latencies, micros};

/// Requests under way at once at most, unless the scenario has an option for it; one that is due then is skipped, and the
/// run is invalid.
pub(crate) const IN_FLIGHT_MAX: usize = 4_096;

/// How many requests in a second, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) rate: u32,
    pub(crate) lasts: Duration,
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Microseconds from when a request was due to the last byte of its answer.
    pub(crate) latency: Histogram<u64>,
    /// Answers that were not as they should be.
    pub(crate) wrong: u64,
    /// Requests that were not sent.
    pub(crate) skipped: u64,
}

/// Sends the load. `request` makes the request with this number, and says whether its answer was right.
pub(crate) async fn play<F>(load: Load, request: impl Fn(u64) -> F) -> Measured
where
    F: Future<Output = bool> + Send + 'static,
{
    let mut measured = Measured { latency: latencies(), wrong: 0, skipped: 0 };
    let requests = u64::from(load.rate) * load.lasts.as_secs();
    let arrivals = (0..requests).map(|nth| Duration::from_nanos(nth * 1_000_000_000 / u64::from(load.rate)));
    let begun = |nth, due: Instant| {
        let sent = request(nth);
        async move {
            let right = sent.await;
            (due.elapsed(), right)
        }
    };
    let skipped = begin_at(IN_FLIGHT_MAX, arrivals, begun, |(took, right)| measured.add(took, right)).await;
    Measured { skipped, ..measured }
}

/// Begins something at each of `arrivals`, counted from now, however long the others last, and waits for all of them.
/// `begin` gets the number and when it was due, `ended` what came of it. With `in_flight` under way the next one is skipped.
/// Returns how many were.
pub(crate) async fn begin_at<T, F>(
    in_flight: usize,
    arrivals: impl Iterator<Item = Duration>,
    begin: impl Fn(u64, Instant) -> F,
    mut ended: impl FnMut(T),
) -> u64
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(in_flight));
    let (answered, mut answers) = mpsc::channel(in_flight);
    let (began, mut skipped) = (Instant::now(), 0);
    for (nth, arrival) in (0..).zip(arrivals) {
        let due = began + arrival;
        tokio::time::sleep_until(due).await;
        while let Ok(answer) = answers.try_recv() {
            ended(answer);
        }
        let Ok(place) = places.clone().try_acquire_owned() else {
            skipped += 1;
            continue;
        };
        let (sent, answered) = (begin(nth, due), answered.clone());
        tokio::spawn(async move {
            let answer = sent.await;
            // There is a place in the channel for each one under way.
            let _ = answered.send(answer).await;
            drop(place);
        });
    }
    drop(answered); // so that the channel ends with the last answer
    while let Some(answer) = answers.recv().await {
        ended(answer);
    }
    skipped
}

/// A Poisson process of `rate` events a second.
pub(crate) fn arrivals(rate: f64, mut dice: Dice) -> impl Iterator<Item = Duration> {
    let mut at = 0.0;
    std::iter::repeat_with(move || {
        // Above 0 and at most 1, so that there is a logarithm.
        at -= (1.0 - dice.fraction()).ln() / rate;
        Duration::from_secs_f64(at)
    })
}

impl Measured {
    fn add(&mut self, took: Duration, right: bool) {
        self.latency.saturating_record(micros(took));
        self.wrong += u64::from(!right);
    }

    /// The 99th percentile in microseconds.
    pub(crate) fn p99(&self) -> u64 {
        self.latency.value_at_quantile(0.99)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Load, arrivals, play};
    use crate::draw::Dice;

    #[tokio::test(start_paused = true)]
    async fn a_request_is_late_from_when_it_was_due() {
        let load = Load { rate: 100, lasts: Duration::from_secs(2) };
        let measured = play(load, |nth| async move {
            // Every tenth keeps nobody else waiting.
            tokio::time::sleep(Duration::from_millis(if nth % 10 == 0 { 500 } else { 5 })).await;
            nth % 2 == 0
        })
        .await;
        assert_eq!((measured.latency.len(), measured.wrong, measured.skipped), (200, 100, 0));
        assert!((4_900..7_100).contains(&measured.latency.value_at_quantile(0.5)), "{:?}", measured.latency.mean());
        assert!((499_000..503_000).contains(&measured.p99()), "{}", measured.p99());
    }

    #[test]
    fn arrivals_are_the_seeds_and_as_many_and_as_uneven_as_chance_has_it() {
        let of = |seed| {
            let within = |at: &Duration| *at < Duration::from_secs(100);
            arrivals(50.0, Dice::new(seed, 0)).take_while(within).collect::<Vec<_>>()
        };
        let drawn = of(1);
        assert_eq!(drawn, of(1));
        assert_ne!(drawn, of(2));
        assert!(drawn.is_sorted());
        assert!((4_700..5_300).contains(&drawn.len()), "{}", drawn.len());
        // The mean of gaps is their standard deviation; those above three times of it are 5 of 100.
        let gaps = drawn.windows(2).map(|pair| pair[1] - pair[0]);
        let long = gaps.filter(|gap| *gap > Duration::from_millis(60)).count();
        assert!((180..320).contains(&long), "{long}");
    }
}
