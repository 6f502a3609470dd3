//! What has been seen of a run: in all, and second by second.

use std::borrow::Cow;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::cause::{Cause, Failure};
use crate::report::micros;

/// The longest time that is told apart from longer ones: telephones ring for a while.
const LONGEST_US: u64 = 120_000_000;
/// Digits of a time that are right, in all and in a part of the run.
const DIGITS: u8 = 3;
const PART_DIGITS: u8 = 2;
/// Parts of a run at most; of a longer one each has several seconds.
const PARTS_MAX: u64 = 600;
/// Reasons that are told apart at most; what comes later is `OTHER`.
const REASONS_MAX: usize = 16;
const OTHER: &str = "other";

/// How a request, or a whole visit, ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Good,
    /// An answer as it should be, and not what was asked for. Why, in words of the interface.
    Refused(Cow<'static, str>),
    /// Anything else.
    Wrong(Cow<'static, str>),
}

/// One request of a visit.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Which of the scenario's steps.
    pub(crate) nth: usize,
    /// Of a visit's first: from when it was due.
    pub(crate) took: Duration,
    pub(crate) end: End,
}

/// What came of one visit.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// When it was due, from the begin of the run.
    pub(crate) due: Duration,
    /// Our own delay before its first request.
    pub(crate) late: Duration,
    pub(crate) steps: Vec<Step>,
}

/// A run, or what there is of it so far.
#[derive(Debug)]
pub(crate) struct Record {
    steps: &'static [&'static str],
    lasts: Duration,
    latency: Vec<Histogram<u64>>,
    turned_away: Histogram<u64>,
    late: Histogram<u64>,
    visits: u64,
    refused: u64,
    wrong: u64,
    reasons: Vec<Reason>,
    parts: Vec<Part>,
    part_seconds: u64,
    /// Visits that were not made, because too many were under way or something in them broke.
    pub(crate) skipped: u64,
}

/// Why visits were refused, or wrong.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) text: String,
    pub(crate) is_refusal: bool,
    pub(crate) visits: u64,
}

/// The visits that were due within one part of the run.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) visits: u64,
    pub(crate) refused: u64,
    pub(crate) wrong: u64,
    /// Of the scenario's first step, in microseconds.
    pub(crate) latency: Histogram<u32>,
    /// By the number of the reason.
    reasons: Vec<u32>,
}

impl End {
    pub(crate) fn refused(why: impl Into<Cow<'static, str>>) -> End {
        End::Refused(why.into())
    }

    pub(crate) fn wrong(why: impl Into<Cow<'static, str>>) -> End {
        End::Wrong(why.into())
    }

    /// What a failure is to who measures: the engine may refuse, and be out of lines; it must not fail.
    pub(crate) fn of(failure: &Failure) -> End {
        let Failure { cause, note } = failure;
        let why = if note.is_empty() { cause.id().to_owned() } else { format!("{} ({note})", cause.id()) };
        match cause {
            Cause::ScanLimited
            | Cause::ScanRefused
            | Cause::ScanOverloaded
            | Cause::SessionLimited
            | Cause::SessionRefused
            | Cause::SessionNumbersExhausted
            | Cause::SessionOverloaded
            | Cause::Challenged
            | Cause::NoLine
            | Cause::NotDialled => End::refused(why),
            Cause::ScanNoAnswer
            | Cause::ScanUnexpected
            | Cause::SessionNoAnswer
            | Cause::SessionUnexpected
            | Cause::UnknownTag
            | Cause::WebhookFailed
            | Cause::ProtocolError
            | Cause::NotBridged
            | Cause::BridgedWithoutKey
            | Cause::NotMasked => End::wrong(why),
        }
    }
}

impl Step {
    /// The first step of a visit that was due at `due`, which has just ended.
    pub(crate) fn first(due: tokio::time::Instant, end: End) -> Step {
        Step { nth: 0, took: due.elapsed(), end }
    }
}

impl Record {
    /// Of a scenario with these steps, the first of which it is about.
    pub(crate) fn new(steps: &'static [&'static str], lasts: Duration) -> Record {
        let part_seconds = lasts.as_secs().div_ceil(PARTS_MAX).max(1);
        let parts = usize::try_from(lasts.as_secs().div_ceil(part_seconds).max(1)).unwrap_or(1);
        Record {
            steps,
            lasts,
            latency: steps.iter().map(|_| times()).collect(),
            turned_away: times(),
            late: times(),
            visits: 0,
            refused: 0,
            wrong: 0,
            reasons: Vec::new(),
            parts: vec![Part::default(); parts],
            part_seconds,
            skipped: 0,
        }
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.visits += 1;
        self.late.saturating_record(micros(outcome.late));
        let part = usize::try_from(outcome.due.as_secs() / self.part_seconds).unwrap_or(usize::MAX);
        let part = part.min(self.parts.len() - 1);
        self.parts[part].visits += 1;
        for Step { nth, took, end } in &outcome.steps {
            // Who is turned away hears it sooner than others hear anything: it would flatter them.
            let took = micros(*took);
            match (end, *nth) {
                (End::Refused(_), 0) => self.turned_away.saturating_record(took),
                (End::Refused(_), _) => {}
                (End::Good | End::Wrong(_), 0) => {
                    self.latency[0].saturating_record(took);
                    self.parts[part].latency.saturating_record(took);
                }
                (End::Good | End::Wrong(_), later) => self.latency[later].saturating_record(took),
            }
        }
        let worst = outcome.steps.iter().map(|step| &step.end).max_by_key(|end| match end {
            End::Good => 0,
            End::Refused(_) => 1,
            End::Wrong(_) => 2,
        });
        match worst {
            Some(End::Good) => {}
            Some(End::Refused(why)) => {
                self.refused += 1;
                self.parts[part].refused += 1;
                self.count(part, why, true);
            }
            Some(End::Wrong(why)) => self.count_wrong(part, why),
            None => self.count_wrong(part, "nothing was asked"),
        }
    }

    fn count_wrong(&mut self, part: usize, why: &str) {
        self.wrong += 1;
        self.parts[part].wrong += 1;
        self.count(part, why, false);
    }

    fn count(&mut self, part: usize, why: &str, is_refusal: bool) {
        let of = |reasons: &[Reason], why: &str| {
            reasons.iter().position(|reason| reason.text == why && reason.is_refusal == is_refusal)
        };
        let why = if of(&self.reasons, why).is_none() && self.reasons.len() >= REASONS_MAX { OTHER } else { why };
        let nth = of(&self.reasons, why).unwrap_or_else(|| {
            self.reasons.push(Reason { text: why.to_owned(), is_refusal, visits: 0 });
            self.reasons.len() - 1
        });
        self.reasons[nth].visits += 1;
        let reasons = &mut self.parts[part].reasons;
        reasons.resize(reasons.len().max(nth + 1), 0);
        reasons[nth] += 1;
    }

    /// A line about a run that is going on.
    pub(crate) fn progress(&self, elapsed: Duration) -> String {
        let ms = |quantile| self.latency[0].value_at_quantile(quantile) as f64 / 1_000.0;
        format!(
            "{:>4.0} s  {} answered, {} refused, {} wrong, {:.0}/s, p50 {:.1} ms, p99 {:.1} ms",
            elapsed.as_secs_f64(),
            self.visits,
            self.refused,
            self.wrong,
            self.visits as f64 / elapsed.as_secs_f64().max(1e-3),
            ms(0.5),
            ms(0.99),
        )
    }

    pub(crate) fn visits(&self) -> u64 {
        self.visits
    }

    pub(crate) fn good(&self) -> u64 {
        self.visits - self.refused - self.wrong
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.wrong
    }

    /// Good visits a second, over the time in which visits began.
    pub(crate) fn good_rate(&self) -> f64 {
        self.good() as f64 / self.lasts.as_secs_f64()
    }

    /// Of all visits; none if there were none.
    pub(crate) fn percent(&self, visits: u64) -> Option<f64> {
        (self.visits > 0).then(|| visits as f64 * 100.0 / self.visits as f64)
    }

    /// Microseconds of a step (by default the first) that was not refused.
    pub(crate) fn latency(&self, step: Option<&str>) -> Option<&Histogram<u64>> {
        let nth = step.map_or(Some(0), |step| self.steps.iter().position(|known| *known == step))?;
        self.latency.get(nth)
    }

    /// Every step with its microseconds.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&'static str, &Histogram<u64>)> {
        self.steps.iter().copied().zip(&self.latency)
    }

    /// Microseconds until the refusal of a first step was heard.
    pub(crate) fn turned_away(&self) -> &Histogram<u64> {
        &self.turned_away
    }

    /// Microseconds of our own delay.
    pub(crate) fn late(&self) -> &Histogram<u64> {
        &self.late
    }

    pub(crate) fn lasts(&self) -> Duration {
        self.lasts
    }

    pub(crate) fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn part_seconds(&self) -> u64 {
        self.part_seconds
    }
}

impl Part {
    /// Visits with the reason of this number.
    pub(crate) fn of_reason(&self, nth: usize) -> u32 {
        self.reasons.get(nth).copied().unwrap_or(0)
    }
}

impl Default for Part {
    fn default() -> Part {
        let latency = Histogram::new_with_max(LONGEST_US, PART_DIGITS).expect("bounds that are constants");
        Part { visits: 0, refused: 0, wrong: 0, latency, reasons: Vec::new() }
    }
}

fn times() -> Histogram<u64> {
    Histogram::new_with_max(LONGEST_US, DIGITS).expect("bounds that are constants")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{End, Outcome, REASONS_MAX, Record, Step};

    fn visit(due: u64, ends: &[End]) -> Outcome {
        let took = Duration::from_millis(10);
        let steps = ends.iter().enumerate().map(|(nth, end)| Step { nth, took, end: end.clone() }).collect();
        Outcome { due: Duration::from_secs(due), late: Duration::ZERO, steps }
    }

    #[test]
    fn a_visit_is_as_good_as_its_worst_step_and_a_refusal_is_no_latency() {
        let mut run = Record::new(&["one", "two"], Duration::from_secs(3));
        run.add(&visit(0, &[End::Good, End::Good]));
        run.add(&visit(1, &[End::Good, End::refused("full")]));
        run.add(&visit(1, &[End::wrong("500"), End::refused("full")]));
        run.add(&visit(2, &[End::refused("full")]));
        run.add(&visit(9, &[]));
        assert_eq!([run.visits(), run.good(), run.refused(), run.wrong()], [5, 1, 2, 2]);
        let answers: Vec<u64> = run.steps().map(|(_, times)| times.len()).collect();
        assert_eq!((answers, run.turned_away().len()), (vec![3, 1], 1));
        let seconds: Vec<_> = run.parts().iter().map(|part| (part.visits, part.refused, part.wrong)).collect();
        assert_eq!(seconds, [(1, 0, 0), (2, 1, 1), (2, 1, 1)], "what was due after the end belongs to it");
        let reasons: Vec<_> = run.reasons().iter().map(|reason| (reason.text.as_str(), reason.visits)).collect();
        assert_eq!(reasons, [("full", 2), ("500", 1), ("nothing was asked", 1)]);
        assert_eq!((run.parts()[1].of_reason(0), run.parts()[1].of_reason(2)), (1, 0));
    }

    #[test]
    fn a_long_run_has_no_more_parts_than_a_page_can_show_and_no_more_reasons() {
        let mut run = Record::new(&["one"], Duration::from_secs(3_599));
        assert_eq!((run.parts().len(), run.part_seconds()), (600, 6));
        for nth in 0..100 {
            run.add(&visit(3_598, &[End::wrong(nth.to_string())]));
        }
        assert_eq!(run.reasons().len(), REASONS_MAX + 1);
        assert_eq!(run.reasons().last().map(|reason| reason.visits), Some(100 - REASONS_MAX as u64));
        assert_eq!(run.parts()[599].wrong, 100);
    }
}
