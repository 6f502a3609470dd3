//! What came of a run, for people and for programs.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::load::{Course, Machine, Record, Sample};
use crate::report::Latencies;
use crate::threshold::Judged;

/// Our own delay at most, at p99, in microseconds: with more the generator is measured and not the engine.
const LATE_MAX_US: u64 = 10_000;

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) scenario: &'static str,
    pub(crate) options: Vec<(&'static str, String)>,
    pub(crate) machine: Machine,
    pub(crate) record: Record,
    pub(crate) samples: Vec<Sample>,
    pub(crate) thresholds: Vec<Judged>,
}

impl Verdict {
    pub(crate) fn new(course: &Course, machine: Machine, record: Record, samples: Vec<Sample>) -> Verdict {
        let thresholds = course.thresholds.iter().map(|threshold| threshold.judge(&record)).collect();
        Verdict { scenario: course.scenario, options: course.options.clone(), machine, record, samples, thresholds }
    }

    /// Why the figures are the generator's and not the engine's; none if they are the engine's.
    pub(crate) fn invalid(&self) -> Option<String> {
        let late = self.record.late().value_at_quantile(0.99);
        if self.record.skipped > 0 {
            return Some(format!(
                "{} visits were left out: too many were under way, or the generator broke",
                self.record.skipped
            ));
        }
        (late > LATE_MAX_US).then(|| {
            format!("the generator was late by {:.1} ms at p99; give it more of the machine", late as f64 / 1_000.0)
        })
    }

    /// Whether the run is valid and every threshold kept.
    pub(crate) fn good(&self) -> bool {
        self.invalid().is_none() && self.thresholds.iter().all(|threshold| threshold.kept)
    }

    /// One word, or a few.
    pub(crate) fn word(&self) -> &'static str {
        match (self.invalid(), self.good()) {
            (Some(_), _) => "invalid",
            (None, true) => "good",
            (None, false) => "a threshold is not kept",
        }
    }

    /// One line.
    pub(crate) fn json(&self) -> Value {
        let run = &self.record;
        let reasons = |refusals| {
            let of = run.reasons().iter().filter(|reason| reason.is_refusal == refusals);
            of.map(|reason| (reason.text.clone(), json!(reason.visits))).collect::<Map<_, _>>()
        };
        let latency: Map<String, Value> =
            run.steps().map(|(step, times)| (step.to_owned(), json!(Latencies::of(times)))).collect();
        let options: Map<String, Value> =
            self.options.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({"scenario": self.scenario, "options": options, "machine": self.machine, "visits": run.visits(),
            "good_visits": run.good(), "refused": run.refused(), "wrong": run.wrong(), "skipped": run.skipped,
            "refused_by_reason": reasons(true), "wrong_by_reason": reasons(false), "good_per_second": run.good_rate(),
            "latency_us": latency, "refused_us": Latencies::of(run.turned_away()),
            "generator_late_us": Latencies::of(run.late()),
            "thresholds": self.thresholds.iter().map(Judged::json).collect::<Vec<_>>(),
            "invalid": self.invalid(), "valid": self.invalid().is_none(), "good": self.good()})
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = &self.record;
        let options: Vec<String> = self.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(f, "{}: {}", self.scenario, options.join(", "))?;
        writeln!(f, "on {}", self.machine.line())?;
        writeln!(
            f,
            "visits     {}: {} good ({:.1}/s), {} refused, {} wrong",
            run.visits(),
            run.good(),
            run.good_rate(),
            run.refused(),
            run.wrong()
        )?;
        for reason in run.reasons() {
            let kind = if reason.is_refusal { "refused" } else { "wrong" };
            writeln!(f, "  {:<8} {kind}: {}", reason.visits, reason.text)?;
        }
        for (step, times) in run.steps() {
            writeln!(f, "{step:<10} {}", Latencies::of(times))?;
        }
        if !run.turned_away().is_empty() {
            writeln!(f, "refusals   {}", Latencies::of(run.turned_away()))?;
        }
        writeln!(f, "generator  late by {}", Latencies::of(run.late()))?;
        for threshold in &self.thresholds {
            writeln!(f, "{threshold}")?;
        }
        match self.invalid() {
            Some(why) => writeln!(f, "invalid: {why}"),
            None => writeln!(f, "{}", self.word()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Verdict;
    use crate::load::{Course, End, Machine, Outcome, Pace, Record, Step, Usual};

    /// Visits of which the generator began all so late, and left some out.
    fn verdict(late: u64, skipped: u64, threshold: &str) -> Verdict {
        let course = Course {
            scenario: "test",
            steps: &["one"],
            options: vec![("rate", "1/s".to_owned())],
            pace: Pace { rate: 1.0, curve: Usual::EVEN, seed: 1 },
            lasts: Duration::from_secs(1),
            in_flight: 1,
            thresholds: vec![threshold.parse().expect("a threshold")],
            json: true,
            html: None,
            operations: None,
            pid: None,
        };
        let mut record = Record::new(course.steps, course.lasts);
        let steps = vec![Step { nth: 0, took: Duration::from_millis(20), end: End::Good }];
        record.add(&Outcome { due: Duration::ZERO, late: Duration::from_millis(late), steps });
        record.skipped = skipped;
        Verdict::new(&course, Machine::look(), record, Vec::new())
    }

    #[test]
    fn a_run_in_which_the_generator_lagged_is_invalid_whatever_it_shows() {
        for (late, skipped, threshold, word) in [
            (0, 0, "p99<1s", "good"),
            (9, 0, "p99<1s", "good"),
            (11, 0, "p99<1s", "invalid"),
            (0, 1, "p99<1s", "invalid"),
            (11, 0, "p99<1ms", "invalid"),
            (0, 0, "p99<20ms", "a threshold is not kept"),
        ] {
            let verdict = verdict(late, skipped, threshold);
            assert_eq!((verdict.word(), verdict.good()), (word, word == "good"), "{late} ms, {skipped} skipped");
            assert_eq!(verdict.json()["good"], word == "good");
            assert!(verdict.to_string().lines().last().expect("lines").starts_with(word), "{verdict}");
        }
    }
}
