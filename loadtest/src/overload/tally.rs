//! What visitors saw in one phase.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::report::{Latencies, latencies, micros};
use crate::stranger::Seen;

/// One visitor's visit.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// Our own delay: from when it was due to its first request.
    pub(super) late: Duration,
    pub(super) seen: Seen,
    pub(super) left: Instant,
}

/// All visits of a phase.
#[derive(Debug)]
pub(super) struct Tally {
    lasts: Duration,
    pub(super) visits: u64,
    /// Bridged and masked before the end of the phase.
    pub(super) good: u64,
    /// The same, after it.
    pub(super) good_later: u64,
    /// Neither good nor shed, by cause, with the note of the first one.
    pub(super) failed: BTreeMap<Cause, (u64, String)>,
    /// Due, but too many were under way.
    pub(super) skipped: u64,
    late: Histogram<u64>,
    served: Histogram<u64>,
    shed: Histogram<u64>,
}

impl Tally {
    /// Of a phase that lasts so long.
    pub(super) fn new(lasts: Duration) -> Tally {
        Tally {
            lasts,
            visits: 0,
            good: 0,
            good_later: 0,
            failed: BTreeMap::new(),
            skipped: 0,
            late: latencies(),
            served: latencies(),
            shed: latencies(),
        }
    }

    /// Counts a visit of a phase that ends at `end`.
    pub(super) fn add(&mut self, visit: &Visit, end: Instant) {
        let Visit { late, seen, left } = visit;
        self.visits += 1;
        self.late.saturating_record(micros(*late));
        let cause = seen.failure.as_ref().map(|failure| failure.cause);
        if let Some(scan) = seen.scan {
            let of = if cause == Some(Cause::ScanOverloaded) { &mut self.shed } else { &mut self.served };
            of.saturating_record(micros(*late + scan));
        }
        match (&seen.failure, seen.session) {
            (None, _) if *left <= end => self.good += 1,
            (None, _) => self.good_later += 1,
            (Some(failure), session) => match (failure.cause, session) {
                (Cause::ScanOverloaded, _) => {}
                (Cause::SessionOverloaded, Some(session)) => self.shed.saturating_record(micros(session)),
                _ => self.failed.entry(failure.cause).or_insert_with(|| (0, failure.note.clone())).0 += 1,
            },
        }
    }

    /// Visits that were not made.
    pub(super) fn skip(&mut self, visits: u64) {
        self.skipped += visits;
    }

    /// Calls bridged and masked, a second.
    pub(super) fn goodput(&self) -> f64 {
        self.good as f64 / self.lasts.as_secs_f64()
    }

    /// Calls bridged and masked, whenever they ended.
    pub(super) fn calls(&self) -> u64 {
        self.good + self.good_later
    }

    pub(super) fn failures(&self) -> u64 {
        self.failed.values().map(|(visits, _)| visits).sum()
    }

    /// Our own delays.
    pub(super) fn late(&self) -> Latencies {
        Latencies::of(&self.late)
    }

    /// Scans that let their visitor go on, from when they were due.
    pub(super) fn served(&self) -> Latencies {
        Latencies::of(&self.served)
    }

    /// Scans that were turned away, from when they were due, and sessions, from when they were asked for.
    pub(super) fn shed(&self) -> Latencies {
        Latencies::of(&self.shed)
    }

    /// Of hundred that were turned away, so many heard it within `bound`; 100 if nobody was.
    pub(super) fn shed_within(&self, bound: Duration) -> f64 {
        self.shed.percentile_below(micros(bound))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| us as f64 / 1_000.0;
        let (served, shed) = (self.served(), self.shed());
        write!(
            f,
            "{} came, {} bridged and masked ({:.1}/s), {} after the end, {} shed, {} failed; ms p50/p99/max: served \
             {:.1}/{:.1}/{:.1}, shed {:.1}/{:.1}/{:.1}, our own delay p99 {:.1}",
            self.visits,
            self.good,
            self.goodput(),
            self.good_later,
            self.shed.len(),
            self.failures(),
            ms(served.p50),
            ms(served.p99),
            ms(served.max),
            ms(shed.p50),
            ms(shed.p99),
            ms(shed.max),
            ms(self.late().p99),
        )?;
        for (cause, (visits, note)) in &self.failed {
            write!(f, "; {visits} {} ({note})", cause.id())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Tally, Visit};
    use crate::cause::Cause;
    use crate::stranger::Seen;

    #[test]
    fn who_is_turned_away_is_neither_served_nor_failed() {
        let ms = Duration::from_millis;
        let (mut tally, end) = (Tally::new(Duration::from_secs(2)), Instant::now());
        let mut add = |cause: Option<Cause>, session, left| {
            let failure = cause.map(|cause| cause.with("503"));
            let seen = Seen { scan: Some(ms(20)), session, failure, ..Seen::default() };
            tally.add(&Visit { late: ms(5), seen, left }, end);
        };
        add(None, Some(ms(30)), end);
        add(None, Some(ms(30)), end + ms(1));
        add(Some(Cause::ScanOverloaded), None, end);
        add(Some(Cause::SessionOverloaded), Some(ms(70)), end);
        add(Some(Cause::WebhookFailed), Some(ms(30)), end);
        assert_eq!((tally.visits, tally.good, tally.good_later, tally.failures()), (5, 1, 1, 1));
        assert!((tally.goodput() - 0.5).abs() < f64::EPSILON, "only what ended in time");
        assert_eq!([tally.served().answers, tally.shed().answers], [4, 2], "a scan is served, its session is not");
        // Our own delay is in a scan's latency, because it counts from when it was due, and not in a session's.
        assert!((24_900..25_100).contains(&tally.served().max), "{}", tally.served().max);
        assert!((69_900..70_100).contains(&tally.shed().max), "{}", tally.shed().max);
        assert!((tally.shed_within(ms(50)) - 50.0).abs() < f64::EPSILON);
    }
}
