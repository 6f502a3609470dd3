//! What the phases show, against their bounds.

use std::fmt;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::memory::grown_percent;
use crate::middle::middle;
use crate::overload::Phase;
use crate::overload::tally::Tally;
use crate::report::Latencies;

/// Our own delay at most, at p99, in microseconds: with more the generator is measured and not the engine.
const LATE_MAX_US: u64 = 10_000;

/// What the engine must keep.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Bounds {
    /// Goodput in the middle one of the rushes: percent of the peaks around it.
    #[arg(long, value_name = "PERCENT", default_value_t = 90.0)]
    goodput_at_least: f64,
    /// Milliseconds within which 99 of 100 of those who are turned away hear it, in each rush.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 50)]
    shed_within: u64,
    /// Percent by which resident memory in any rush but the first may be above what it was before it, beside what its calls
    /// leave behind as those from the calm to the first rush do.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    memory_within: f64,
    /// Percent of visitors that may be turned away in the calm.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    shed_in_calm_at_most: f64,
}

/// The result of a run.
#[derive(Debug)]
pub(super) struct Verdict {
    bounds: Bounds,
    calm: Phase,
    rushes: Vec<Phase>,
    /// KiB of memory that a call leaves behind, from the calm to the first rush: ended sessions are remembered for a while.
    call_kib: f64,
    /// Percent that memory was above what it had been before a rush, at most, beside that of its calls; in the first one
    /// connections get theirs.
    grown: f64,
    /// Percent of the calm's visitors.
    shed_in_calm: f64,
}

impl Verdict {
    /// Of two rushes at least.
    pub(super) fn new(bounds: Bounds, calm: Phase, rushes: Vec<Phase>) -> Verdict {
        let first = &rushes[0];
        let left =
            calm.memory.before.zip(first.memory.before).map_or(0, |(before, after)| after.saturating_sub(before));
        let call_kib = left as f64 / (first.calls_before - calm.calls_before).max(1) as f64;
        let grown = rushes[1..].iter().map(|rush| rush.grown_percent(call_kib)).fold(f64::NEG_INFINITY, f64::max);
        let shed_in_calm = calm.tally.shed().answers as f64 * 100.0 / calm.tally.visits.max(1) as f64;
        Verdict { bounds, calm, rushes, call_kib, grown, shed_in_calm }
    }

    /// Whether the generator kept its own times.
    fn valid(&self) -> bool {
        self.rushes.iter().chain([&self.calm]).all(Phase::kept_time)
    }

    /// Whether the run is valid and everything within its bounds.
    pub(super) fn good(&self) -> bool {
        let in_time = |rush: &Phase| rush.tally.shed().p99 <= self.bounds.shed_within * 1_000;
        self.valid()
            && self.goodput_percent() >= self.bounds.goodput_at_least
            && self.rushes.iter().all(in_time)
            && self.grown <= self.bounds.memory_within
            && self.shed_in_calm <= self.bounds.shed_in_calm_at_most
    }

    /// Percent of the peaks, in the middle one of the rushes.
    fn goodput_percent(&self) -> f64 {
        middle(self.rushes.iter().map(Phase::goodput_percent), f64::total_cmp).unwrap_or_default()
    }

    /// Percent of those who were turned away.
    fn shed_in_time(&self, rush: &Tally) -> f64 {
        rush.shed_within(Duration::from_millis(self.bounds.shed_within))
    }

    /// One line.
    pub(super) fn json(&self) -> String {
        let phase = |tally: &Tally| {
            json!({"visitors": tally.visits, "bridged_and_masked": tally.good, "after_the_end": tally.good_later,
                "per_second": tally.goodput(), "shed": tally.shed().answers, "failed": tally.failures(),
                "skipped": tally.skipped, "served_scan_us": tally.served(), "shed_us": tally.shed(),
                "generator_late_us": tally.late()})
        };
        let rush = |rush: &Phase| {
            let Phase { peak, tally, memory, .. } = rush;
            json!({"peak_per_second": peak, "visitors": phase(tally), "goodput_percent": rush.goodput_percent(),
                "shed_in_time_percent": self.shed_in_time(tally), "resident_kib_before": memory.before, "resident_kib_most": memory.most})
        };
        json!({"scenario": "overload", "calm": phase(&self.calm.tally), "rushes": self.rushes.iter().map(rush).collect::<Vec<_>>(),
            "goodput_percent": self.goodput_percent(),
            "shed_in_calm_percent": self.shed_in_calm, "call_kib": self.call_kib, "resident_grown_percent": self.grown,
            "valid": self.valid(), "good": self.good()})
        .to_string()
    }
}

impl Phase {
    /// Whether the generator kept its own times.
    pub(super) fn kept_time(&self) -> bool {
        self.tally.skipped == 0 && self.tally.late().p99 <= LATE_MAX_US
    }

    /// Percent that memory grew, beside that of the calls, of which each leaves so much behind.
    fn grown_percent(&self, call_kib: f64) -> f64 {
        let of_calls = (call_kib * self.tally.calls() as f64) as u64;
        let grown = self.memory.before.zip(self.memory.most);
        // An engine that has ended has grown beyond every bound.
        grown.map_or(f64::INFINITY, |(before, most)| grown_percent(before, most.saturating_sub(of_calls)))
    }

    /// Percent of the peak.
    fn goodput_percent(&self) -> f64 {
        self.tally.goodput() * 100.0 / self.peak
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |look: Option<u64>| look.map_or("none".to_owned(), |kib| format!("{kib} KiB"));
        let calm: Latencies = self.calm.tally.served();
        writeln!(f, "calm       {:.3} % of {} visitors turned away", self.shed_in_calm, self.calm.tally.visits)?;
        writeln!(f, "  scans    {calm}")?;
        for rush @ Phase { peak, tally, memory, .. } in &self.rushes {
            let percent = rush.goodput_percent();
            writeln!(f, "rush       {:.1} calls/s, {percent:.1} % of the peak of {peak:.1}", tally.goodput())?;
            writeln!(f, "  scans    {}", tally.served())?;
            writeln!(f, "  shed     {}", tally.shed())?;
            writeln!(f, "           {:.2} % within {} ms", self.shed_in_time(tally), self.bounds.shed_within)?;
            writeln!(f, "  memory   {} before, {} at most", kib(memory.before), kib(memory.most))?;
        }
        writeln!(f, "goodput    {:.1} % of the peaks around it, the middle rush", self.goodput_percent())?;
        writeln!(
            f,
            "memory     {:+.2} % in the rush that wanted most, beside {:.2} KiB of each call",
            self.grown, self.call_kib
        )?;
        match (self.valid(), self.good()) {
            (false, _) => {
                writeln!(f, "invalid: the generator was late, or left visits out; give it more of the machine")
            }
            (true, true) => writeln!(f, "good"),
            (true, false) => writeln!(f, "not within its bounds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Bounds, Verdict};
    use crate::cause::Cause;
    use crate::memory::Looks;
    use crate::overload::Phase;
    use crate::overload::tally::{Tally, Visit};
    use crate::stranger::Seen;

    const BOUNDS: Bounds =
        Bounds { goodput_at_least: 90.0, shed_within: 50, memory_within: 5.0, shed_in_calm_at_most: 0.1 };

    /// A second in which so many calls were made, and one visitor was turned away after so many milliseconds.
    fn phase(calls: u64, turned_away: Option<u64>, late: u64) -> Tally {
        let (mut tally, end) = (Tally::new(Duration::from_secs(1)), Instant::now());
        let late = Duration::from_millis(late);
        for _ in 0..calls {
            tally.add(&Visit { late, seen: Seen::default(), left: end }, end);
        }
        if turned_away.is_some() {
            let failure = Some(Cause::ScanOverloaded.with("503"));
            let seen = Seen { scan: turned_away.map(Duration::from_millis), failure, ..Seen::default() };
            tally.add(&Visit { late, seen, left: end }, end);
        }
        tally
    }

    /// A calm and three rushes; up to the first memory grew by `calm_kib`, in the last from 2,000 to `most`.
    fn good(calm: Tally, calm_kib: u64, rushes: [Tally; 3], most: Option<u64>) -> bool {
        let phase = |tally, calls_before, before, most| Phase {
            peak: 100.0,
            calls_before,
            tally,
            memory: Looks { before: Some(before), most },
        };
        let [first, second, third] = rushes;
        let calm = phase(calm, 20, 1_000, Some(1_500));
        let first = phase(first, 100, 1_000 + calm_kib, Some(3_000));
        let (second, third) = (phase(second, 190, 2_000, Some(2_050)), phase(third, 280, 2_000, most));
        Verdict::new(BOUNDS, calm, vec![first, second, third]).good()
    }

    #[test]
    fn every_bound_counts() {
        let (calm, rush) = (|| phase(80, None, 0), || phase(90, Some(45), 0));
        let (none, flat) = (0, Some(2_100));
        assert!(good(calm(), none, [rush(), rush(), rush()], flat));
        let mut skipping = rush();
        skipping.skip(1);
        let (few, many) = (|| phase(89, Some(45), 0), || phase(99, Some(45), 0));
        assert!(!good(calm(), none, [few(), many(), few()], flat), "goodput");
        assert!(good(calm(), none, [many(), few(), rush()], flat), "the middle one counts");
        assert!(!good(calm(), none, [phase(90, Some(55), 0), rush(), rush()], flat), "an answer came late");
        assert!(!good(calm(), none, [rush(), phase(90, Some(20), 11), rush()], flat), "the generator was late");
        assert!(!good(calm(), none, [skipping, rush(), rush()], flat), "the generator left visitors out");
        assert!(!good(phase(80, Some(1), 0), none, [rush(), rush(), rush()], flat), "one turned away in the calm");
        assert!(!good(calm(), none, [rush(), rush(), rush()], None), "the engine has ended");
        // 90 calls leave 180 KiB behind where 80 have left 160.
        for (calm_kib, last, expected) in [(none, 2_101, false), (160, 2_280, true), (160, 2_281, false)] {
            assert_eq!(good(calm(), calm_kib, [rush(), rush(), rush()], Some(last)), expected, "{last} KiB");
        }
    }
}
