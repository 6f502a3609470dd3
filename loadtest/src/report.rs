//! What a run found, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::cause::Cause;
use crate::door::ANSWER_TIME_MAX;
use crate::stranger::Seen;

/// Digits of a latency that are right.
const LATENCY_DIGITS: u8 = 3;
/// Said with every report, because the figures are easily taken for more.
const CLOSED_LOOP: &str = "closed loop: each stranger waits for its call to end before it begins the next, so a slow engine \
                           is asked less often and latencies leave out who would have waited; with --rate it is an open loop";

/// How a run was measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) tags: usize,
    pub(crate) calls: u32,
    pub(crate) concurrency: u16,
}

/// What has been seen so far.
#[derive(Debug)]
pub(crate) struct Tally {
    calls: u64,
    bridged: u64,
    masked: u64,
    failed: BTreeMap<Cause, Failed>,
    requests: u64,
    webhooks_failed: u64,
    scan: Histogram<u64>,
    session: Histogram<u64>,
}

/// Calls that failed in one way.
#[derive(Clone, Debug)]
struct Failed {
    calls: u64,
    /// The note of the first one.
    first: String,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            calls: 0,
            bridged: 0,
            masked: 0,
            failed: BTreeMap::new(),
            requests: 0,
            webhooks_failed: 0,
            scan: latencies(),
            session: latencies(),
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, call: &Seen) {
        self.calls += 1;
        self.bridged += u64::from(call.bridged);
        self.masked += u64::from(call.masked);
        self.requests += call.requests;
        self.webhooks_failed += call.webhooks_failed;
        if let Some(took) = call.scan {
            self.scan.saturating_record(micros(took));
        }
        if let Some(took) = call.session {
            self.session.saturating_record(micros(took));
        }
        if let Some(failure) = &call.failure {
            let first = || Failed { calls: 0, first: failure.note.clone() };
            self.failed.entry(failure.cause).or_insert_with(first).calls += 1;
        }
    }

    /// A line about a run of `calls` that is going on.
    pub(crate) fn progress(&self, calls: u32, elapsed: Duration) -> String {
        format!(
            "{:>4.0} s  {} of {calls} calls, {} bridged, {} masked, {} failed, {:.1} calls/s",
            elapsed.as_secs_f64(),
            self.calls,
            self.bridged,
            self.masked,
            self.failed(),
            rate(self.calls, elapsed),
        )
    }

    fn failed(&self) -> u64 {
        self.failed.values().map(|failed| failed.calls).sum()
    }
}

/// A whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    scenario: &'static str,
    note: &'static str,
    #[serde(flatten)]
    setting: Setting,
    /// Calls that came to an end; as many as were asked for, unless a stranger of ours panicked.
    ended: u64,
    bridged: u64,
    masked: u64,
    failed: u64,
    /// Every cause, those that did not happen with 0.
    failed_by_cause: BTreeMap<&'static str, u64>,
    requests: u64,
    webhooks_not_2xx: u64,
    elapsed_seconds: f64,
    calls_per_second: f64,
    scan_us: Latencies,
    session_us: Latencies,
    #[serde(skip)]
    lines_of_causes: Vec<String>,
}

/// Microseconds from a request to the last byte of its answer, whatever the answer was.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Latencies {
    pub(crate) answers: u64,
    pub(crate) p50: u64,
    p90: u64,
    pub(crate) p99: u64,
    p999: u64,
    pub(crate) max: u64,
}

impl Report {
    pub(crate) fn new(setting: &Setting, tally: &Tally, elapsed: Duration) -> Report {
        let calls_of = |cause| tally.failed.get(&cause).map_or(0, |failed| failed.calls);
        Report {
            scenario: "call",
            note: CLOSED_LOOP,
            setting: *setting,
            ended: tally.calls,
            bridged: tally.bridged,
            masked: tally.masked,
            failed: tally.failed(),
            failed_by_cause: Cause::ALL.into_iter().map(|cause| (cause.id(), calls_of(cause))).collect(),
            requests: tally.requests,
            webhooks_not_2xx: tally.webhooks_failed,
            elapsed_seconds: elapsed.as_secs_f64(),
            calls_per_second: rate(tally.calls, elapsed),
            scan_us: Latencies::of(&tally.scan),
            session_us: Latencies::of(&tally.session),
            lines_of_causes: tally.failed.iter().map(|(cause, failed)| failed.line(*cause)).collect(),
        }
    }

    /// Whether every call that was asked for was bridged and masked, and none failed otherwise.
    pub(crate) fn all_good(&self) -> bool {
        let calls = u64::from(self.setting.calls);
        self.failed == 0 && [self.ended, self.bridged, self.masked] == [calls; 3]
    }

    /// One line.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|cause| format!("{{\"error\":\"{cause}\"}}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { seed, tags, calls, concurrency } = self.setting;
        writeln!(f, "calls      {} of {calls}, {concurrency} at once, {tags} tags, seed {seed}", self.ended)?;
        writeln!(f, "bridged    {}", self.bridged)?;
        writeln!(f, "masked     {}", self.masked)?;
        writeln!(f, "failed     {}", self.failed)?;
        for line in &self.lines_of_causes {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "requests   {}, webhooks not answered with 2xx: {}", self.requests, self.webhooks_not_2xx)?;
        writeln!(f, "elapsed    {:.3} s", self.elapsed_seconds)?;
        writeln!(f, "rate       {:.1} calls/s", self.calls_per_second)?;
        writeln!(f, "scan       {}", self.scan_us)?;
        writeln!(f, "session    {}", self.session_us)?;
        writeln!(f, "{}", self.note)
    }
}

impl Failed {
    fn line(&self, cause: Cause) -> String {
        let first = if self.first.is_empty() { String::new() } else { format!(" (the first: {})", self.first) };
        format!("{:<8} {}: {}{first}", self.calls, cause.id(), cause.hint())
    }
}

impl Latencies {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Latencies {
        Latencies {
            answers: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |us: u64| us as f64 / 1_000.0;
        write!(
            f,
            "p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms, over {} answers",
            ms(self.p50),
            ms(self.p90),
            ms(self.p99),
            ms(self.p999),
            ms(self.max),
            self.answers,
        )
    }
}

/// Microseconds up to a stranger's patience; what takes longer is not answered.
pub(crate) fn latencies() -> Histogram<u64> {
    Histogram::new_with_max(micros(ANSWER_TIME_MAX), LATENCY_DIGITS).expect("bounds that are constants")
}

pub(crate) fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn rate(calls: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { calls as f64 / elapsed.as_secs_f64() }
}
