//! Where values stand on a plot, and which of them are named.

/// Lines across a plot at most, but for those of powers.
const TICKS_MAX: f64 = 5.0;

/// One direction of a plot. Values are placed evenly between `low` and `high`; who wants powers placed evenly gives
/// logarithms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Named places, from low to high.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to at least `most`, in even steps of 1, 2 or 5 times a power of ten.
    pub(super) fn amounts(most: f64) -> Axis {
        let (most, step) = if most > 0.0 { (most, nice(most / TICKS_MAX)) } else { (1.0, 1.0) };
        let steps = (most / step).ceil() as u32;
        let ticks = (0..=steps).map(|nth| (f64::from(nth) * step, amount(f64::from(nth) * step, step))).collect();
        Axis { low: 0.0, high: f64::from(steps) * step, ticks }
    }

    /// Seconds of a run.
    pub(super) fn seconds(lasts: f64) -> Axis {
        let lasts = lasts.max(1.0);
        let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];
        let step = steps.into_iter().find(|step| lasts / step <= TICKS_MAX + 1.0).unwrap_or(600.0);
        let ticks = (0..=(lasts / step) as u32).map(|nth| f64::from(nth) * step);
        let name = |at: f64| if at >= 60.0 && step >= 30.0 { clock(at) } else { format!("{at:.0} s") };
        Axis { low: 0.0, high: lasts, ticks: ticks.map(|at| (at, name(at))).collect() }
    }

    /// Times between two of them in milliseconds, as logarithms to the base of ten.
    pub(super) fn times(least: f64, most: f64) -> Axis {
        let (low, high) = (least.max(0.01).log10().floor(), most.max(0.1).log10().ceil());
        let high = high.max(low + 1.0);
        let ticks = (low as i32..=high as i32).map(|power| (f64::from(power), time(10_f64.powi(power)))).collect();
        Axis { low, high, ticks }
    }

    /// Parts of all answers, the last of `answers` at the end: each nine has as much room as the one before.
    pub(super) fn nines(answers: u64) -> Axis {
        let high = (answers.max(10) as f64).log10().clamp(1.0, 6.0);
        let names = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
        let ticks = (0..=high as u32).zip(names).map(|(nines, name)| (f64::from(nines), name.to_owned())).collect();
        Axis { low: 0.0, high, ticks }
    }

    /// 0 at the low end, 1 at the high one.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// A quantile on an axis of nines.
pub(super) fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-9).log10()
}

/// Milliseconds, as long as they need to be.
pub(super) fn time(ms: f64) -> String {
    match ms {
        ms if ms < 0.095 => format!("{:.0} us", ms * 1_000.0),
        ms if ms < 9.95 => trimmed(format!("{ms:.1}")) + " ms",
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => trimmed(format!("{:.1}", ms / 1_000.0)) + " s",
    }
}

/// A count with its thousands set apart.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn amount(value: f64, step: f64) -> String {
    if step >= 1.0 { count(value as u64) } else { trimmed(format!("{value:.3}")) }
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The least of 1, 2, 5, 10, 20, ... and their fractions that is not below `value`.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(10.0 * power)
}

fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::{Axis, count, nines, time};

    fn names(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, name)| name.as_str()).collect()
    }

    #[test]
    fn amounts_have_round_names_and_room_for_the_largest() {
        for (most, expected) in [
            (0.0, vec!["0", "1"]),
            (7.0, vec!["0", "2", "4", "6", "8"]),
            (5_100.0, vec!["0", "2,000", "4,000", "6,000"]),
            (0.013, vec!["0", "0.005", "0.01", "0.015"]),
        ] {
            let axis = Axis::amounts(most);
            assert_eq!(names(&axis), expected);
            assert!(axis.high >= most && axis.place(most) <= 1.0);
        }
    }

    #[test]
    fn seconds_become_minutes_in_longer_runs() {
        assert_eq!(names(&Axis::seconds(10.0)), ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]);
        assert_eq!(names(&Axis::seconds(300.0)), ["0 s", "1:00", "2:00", "3:00", "4:00", "5:00"]);
        assert!(names(&Axis::seconds(3_600.0)).len() <= 7);
    }

    #[test]
    fn times_and_nines_are_powers() {
        let axis = Axis::times(0.4, 35.0);
        assert_eq!(names(&axis), ["0.1 ms", "1 ms", "10 ms", "100 ms"]);
        assert!((axis.place(1.0) - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(names(&Axis::nines(30_000)), ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert!((nines(0.99) - 2.0).abs() < 1e-9);
        assert_eq!(
            [time(0.04), time(0.5), time(2.0), time(120.0), time(1_500.0)],
            ["40 us", "0.5 ms", "2 ms", "120 ms", "1.5 s"]
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([count(0), count(999), count(1_000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
