//! What a run must keep, said as a flag: `p99<20ms`, `errors<0.1%`, `rate>500`, `session:p99<50ms`.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::load::Record;

/// Said with every flag that cannot be read.
const EXAMPLES: &str = "say p99<20ms, errors<0.1% or rate>500";

/// One flag.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Threshold {
    text: String,
    /// Of which answers; none: of those that the scenario is about.
    step: Option<String>,
    quantity: Quantity,
    /// The bound itself is not within it.
    strict: bool,
    /// Microseconds, percent, or a second.
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Quantity {
    Quantile(f64),
    Max,
    Mean,
    Errors,
    Refused,
    Rate,
}

/// In what a quantity is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Time,
    Percent,
    PerSecond,
}

/// A threshold and what was measured.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) text: String,
    /// In the threshold's unit; none if nothing was measured, which keeps no threshold.
    measured: Option<f64>,
    unit: Unit,
    pub(crate) kept: bool,
}

impl Quantity {
    fn named(name: &str) -> Option<Quantity> {
        match name {
            "p50" => Some(Quantity::Quantile(0.5)),
            "p90" => Some(Quantity::Quantile(0.9)),
            "p99" => Some(Quantity::Quantile(0.99)),
            "p99.9" => Some(Quantity::Quantile(0.999)),
            "max" => Some(Quantity::Max),
            "mean" => Some(Quantity::Mean),
            "errors" => Some(Quantity::Errors),
            "refused" => Some(Quantity::Refused),
            "rate" => Some(Quantity::Rate),
            _ => None,
        }
    }

    fn unit(self) -> Unit {
        match self {
            Quantity::Quantile(_) | Quantity::Max | Quantity::Mean => Unit::Time,
            Quantity::Errors | Quantity::Refused => Unit::Percent,
            Quantity::Rate => Unit::PerSecond,
        }
    }
}

impl Unit {
    /// The number in the unit that thresholds are compared in. An error says how such a bound is written.
    fn read(self, text: &str) -> Result<f64, &'static str> {
        let (number, factor) = match self {
            // "ms" and "us" end in "s", too.
            Unit::Time => {
                let known = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
                let found = known.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
                found.ok_or("a time needs its unit: 500us, 20ms or 1.5s")?
            }
            Unit::Percent => (text.strip_suffix('%').ok_or("a share is told in percent: 0.1%")?, 1.0),
            Unit::PerSecond => (text, 1.0),
        };
        let number: f64 = number.trim().parse().map_err(|_| "the bound is no number")?;
        let is_possible = number.is_finite() && number >= 0.0 && (self != Unit::Percent || number <= 100.0);
        if is_possible { Ok(number * factor) } else { Err("no such bound exists") }
    }

    fn show(self, value: f64) -> String {
        match self {
            Unit::Time if value < 1e3 => format!("{value:.0} us"),
            Unit::Time if value < 1e6 => format!("{:.2} ms", value / 1e3),
            Unit::Time => format!("{:.2} s", value / 1e6),
            Unit::Percent => format!("{value:.3} %"),
            Unit::PerSecond => format!("{value:.1}/s"),
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let wrong = |why: &str| format!("{why}; {EXAMPLES}");
        let at = text.find(['<', '>']).ok_or_else(|| wrong("there is neither < nor > in it"))?;
        let (left, right) = text.split_at(at);
        let below = right.starts_with('<');
        let (strict, bound) = match right[1..].strip_prefix('=') {
            Some(bound) => (false, bound),
            None => (true, &right[1..]),
        };
        let (step, name) = match left.split_once(':') {
            Some((step, name)) => (Some(step.trim().to_owned()), name.trim()),
            None => (None, left.trim()),
        };
        let quantity = Quantity::named(name)
            .ok_or_else(|| wrong("known are p50, p90, p99, p99.9, max, mean, errors, refused and rate"))?;
        match (quantity.unit(), below) {
            (Unit::PerSecond, true) => return Err(wrong("a rate is to be above its bound")),
            (Unit::Time | Unit::Percent, false) => return Err(wrong("a time or a share is to be below its bound")),
            (Unit::PerSecond, false) | (Unit::Time | Unit::Percent, true) => {}
        }
        if step.is_some() && quantity.unit() != Unit::Time {
            return Err(wrong("only times are known for a step"));
        }
        let bound = quantity.unit().read(bound.trim()).map_err(wrong)?;
        Ok(Threshold { text: text.to_owned(), step, quantity, strict, bound })
    }
}

impl Threshold {
    /// An error if it is about a step that is none of `steps`.
    pub(crate) fn is_about(&self, steps: &[&str]) -> Result<(), String> {
        match &self.step {
            Some(step) if !steps.contains(&step.as_str()) => {
                Err(format!("--threshold {}: this scenario has the steps {}", self.text, steps.join(", ")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Compares it with a run.
    pub(crate) fn judge(&self, run: &Record) -> Judged {
        let times = run.latency(self.step.as_deref()).filter(|times| !times.is_empty());
        let measured = match self.quantity {
            Quantity::Quantile(quantile) => times.map(|times| times.value_at_quantile(quantile) as f64),
            Quantity::Max => times.map(|times| times.max() as f64),
            Quantity::Mean => times.map(hdrhistogram::Histogram::mean),
            Quantity::Errors => run.percent(run.wrong()),
            Quantity::Refused => run.percent(run.refused()),
            Quantity::Rate => Some(run.good_rate()),
        };
        let unit = self.quantity.unit();
        let kept = measured.is_some_and(|measured| match (unit, self.strict) {
            (Unit::PerSecond, true) => measured > self.bound,
            (Unit::PerSecond, false) => measured >= self.bound,
            (Unit::Time | Unit::Percent, true) => measured < self.bound,
            (Unit::Time | Unit::Percent, false) => measured <= self.bound,
        });
        Judged { text: self.text.clone(), measured, unit, kept }
    }
}

impl Judged {
    /// What was measured, with its unit.
    pub(crate) fn measured(&self) -> String {
        self.measured.map_or_else(|| "nothing measured".to_owned(), |measured| self.unit.show(measured))
    }

    pub(crate) fn json(&self) -> Value {
        json!({"threshold": self.text, "measured": self.measured, "kept": self.kept})
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.kept { "kept" } else { "not kept" };
        write!(f, "{:<16} {verdict}: {}", self.text, self.measured())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Threshold;
    use crate::load::{End, Outcome, Record, Step};

    const STEPS: &[&str] = &["scan", "session"];

    fn read(text: &str) -> Threshold {
        text.parse().unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    /// Ten visits in two seconds: scans of 1 to 10 ms, one refused, one wrong.
    fn run() -> Record {
        let mut run = Record::new(STEPS, Duration::from_secs(2));
        for ms in 1..=10 {
            let end = match ms {
                1 => End::refused("full"),
                2 => End::wrong("500"),
                _ => End::Good,
            };
            let steps = vec![Step { nth: 0, took: Duration::from_millis(ms), end }];
            run.add(&Outcome { due: Duration::ZERO, late: Duration::ZERO, steps });
        }
        run
    }

    #[test]
    fn each_quantity_is_compared_in_its_own_direction() {
        let run = run();
        for kept in [
            "p50<6.1ms",
            "p90<10.1ms",
            "p99<=10.1ms",
            "p99.9<0.0101s",
            "max<10100us",
            "mean<7ms",
            "errors<=10%",
            "refused<10.1%",
            "rate>3.9",
            "rate>=4",
            " p50 < 7 ms ",
        ] {
            let judged = read(kept).judge(&run);
            assert!(judged.kept, "{judged}");
        }
        for broken in ["p50<5ms", "max<10ms", "mean<6ms", "errors<10%", "refused<9.9%", "rate>4", "session:p50<1s"] {
            let judged = read(broken).judge(&run);
            assert!(!judged.kept, "{judged}");
        }
        assert_eq!(read("session:p50<1s").judge(&run).measured(), "nothing measured");
        assert_eq!(read("errors<1%").judge(&run).measured(), "10.000 %");
    }

    #[test]
    fn what_is_no_threshold_says_how_one_is_written() {
        for (wrong, why) in [
            ("p99", "neither < nor >"),
            ("p95<20ms", "known are p50"),
            ("p99<20", "a time needs its unit"),
            ("p99<ms", "no number"),
            ("p99>20ms", "below its bound"),
            ("errors<1", "in percent"),
            ("errors<101%", "no such bound"),
            ("rate<5", "above its bound"),
            ("rate>inf", "no such bound"),
            ("p99<-1ms", "no such bound"),
            ("scan:errors<1%", "only times"),
            ("", "neither"),
        ] {
            let problem = wrong.parse::<Threshold>().expect_err(wrong);
            assert!(problem.contains(why) && problem.ends_with("say p99<20ms, errors<0.1% or rate>500"), "{problem}");
        }
    }

    #[test]
    fn a_step_must_be_one_of_the_scenarios() {
        assert!(read("session:p99<1s").is_about(STEPS).is_ok() && read("p99<1s").is_about(STEPS).is_ok());
        let problem = read("ring:p99<1s").is_about(STEPS).expect_err("no such step");
        assert!(problem.ends_with("the steps scan, session"), "{problem}");
    }
}
