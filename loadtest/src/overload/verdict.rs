//! What the phases show, against their bounds.

use std::fmt;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::forged::grown_percent;
use crate::overload::memory::Looks;
use crate::overload::tally::Tally;
use crate::report::Latencies;

/// Our own delay at most, at p99, in microseconds: with more the generator is measured and not the engine.
const LATE_MAX_US: u64 = 10_000;

/// What the engine must keep.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Bounds {
    /// Goodput in the rush: percent of the peak.
    #[arg(long, value_name = "PERCENT", default_value_t = 90.0)]
    goodput_at_least: f64,
    /// Milliseconds within which 99 of 100 of those who are turned away hear it.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 50)]
    shed_within: u64,
    /// Percent by which resident memory may grow in the rush.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    memory_within: f64,
    /// Percent of visitors that may be turned away in the calm.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    shed_in_calm_at_most: f64,
}

/// The result of a run.
#[derive(Debug)]
pub(super) struct Verdict<'a> {
    bounds: Bounds,
    peak: f64,
    calm: &'a Tally,
    rush: &'a Tally,
    memory: Looks,
    /// Percent of the peak.
    goodput: f64,
    /// Percent that memory grew at most.
    grown: f64,
    /// Percent of the calm's visitors.
    shed_in_calm: f64,
}

impl<'a> Verdict<'a> {
    pub(super) fn new(bounds: Bounds, peak: f64, calm: &'a Tally, rush: &'a Tally, memory: Looks) -> Verdict<'a> {
        let goodput = rush.goodput() * 100.0 / peak;
        // An engine that has ended has grown beyond every bound.
        let grown = memory.before.zip(memory.most).map_or(f64::INFINITY, |(before, most)| grown_percent(before, most));
        let shed_in_calm = calm.shed().answers as f64 * 100.0 / calm.visits.max(1) as f64;
        Verdict { bounds, peak, calm, rush, memory, goodput, grown, shed_in_calm }
    }

    /// Whether the generator kept its own times.
    fn valid(&self) -> bool {
        [self.calm, self.rush].into_iter().all(|phase| phase.skipped == 0 && phase.late().p99 <= LATE_MAX_US)
    }

    /// Whether the run is valid and everything within its bounds.
    pub(super) fn good(&self) -> bool {
        self.valid()
            && self.goodput >= self.bounds.goodput_at_least
            && self.rush.shed().p99 <= self.bounds.shed_within * 1_000
            && self.grown <= self.bounds.memory_within
            && self.shed_in_calm <= self.bounds.shed_in_calm_at_most
    }

    /// One line.
    pub(super) fn json(&self) -> String {
        let phase = |tally: &Tally| {
            json!({"visitors": tally.visits, "bridged_and_masked": tally.good, "after_the_end": tally.good_later,
                "per_second": tally.goodput(), "shed": tally.shed().answers, "failed": tally.failures(),
                "skipped": tally.skipped, "served_scan_us": tally.served(), "shed_us": tally.shed(),
                "generator_late_us": tally.late()})
        };
        json!({"scenario": "overload", "peak_per_second": self.peak, "calm": phase(self.calm), "rush": phase(self.rush),
            "goodput_percent": self.goodput, "shed_in_time_percent": self.shed_in_time(),
            "shed_in_calm_percent": self.shed_in_calm, "resident_kib_before": self.memory.before,
            "resident_kib_most": self.memory.most, "resident_kib_after": self.memory.after,
            "resident_grown_percent": self.grown, "valid": self.valid(), "good": self.good()})
        .to_string()
    }

    fn shed_in_time(&self) -> f64 {
        self.rush.shed_within(Duration::from_millis(self.bounds.shed_within))
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |look: Option<u64>| look.map_or("none".to_owned(), |kib| format!("{kib} KiB"));
        let calm: Latencies = self.calm.served();
        writeln!(f, "peak       {:.1} calls/s bridged and masked", self.peak)?;
        writeln!(f, "calm       {:.3} % of {} visitors turned away", self.shed_in_calm, self.calm.visits)?;
        writeln!(f, "  scans    {calm}")?;
        writeln!(f, "rush       {:.1} calls/s, {:.1} % of the peak", self.rush.goodput(), self.goodput)?;
        writeln!(f, "  scans    {}", self.rush.served())?;
        writeln!(f, "  shed     {}", self.rush.shed())?;
        writeln!(f, "           {:.2} % within {} ms", self.shed_in_time(), self.bounds.shed_within)?;
        writeln!(
            f,
            "memory     {} before, {} at most, {} after: {:+.2} %",
            kib(self.memory.before),
            kib(self.memory.most),
            kib(self.memory.after),
            self.grown
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
