//! Which plots a run has.

use crate::load::{Part, Record, Sample, Verdict};
use crate::page::axis::{Axis, nines};
use crate::page::plot::{LINES_MAX, Plot, Point};

/// Steps of a percentile curve for each nine.
const STEPS_OF_NINE: u32 = 24;

/// All plots, in the order in which they are read.
pub(super) fn all(verdict: &Verdict) -> Vec<Plot> {
    let run = &verdict.record;
    let mut plots = vec![rate(run), latency(run), percentiles(run)];
    plots.extend(reasons(run));
    plots.extend(engine(&verdict.samples, run.lasts().as_secs_f64()));
    plots
}

/// Begun, good, refused and wrong visits a second, by when they were due.
fn rate(run: &Record) -> Plot {
    let of = |count: fn(&Part) -> u64| by_part(run, |part| Some(count(part) as f64 / run.part_seconds() as f64));
    let mut lines = vec![
        ("good".to_owned(), of(|part| part.visits - part.refused - part.wrong)),
        ("wrong".to_owned(), of(|part| part.wrong)),
        ("refused".to_owned(), of(|part| part.refused)),
    ];
    lines.retain(|(name, points)| name == "good" || points.iter().any(|(_, value)| *value > Some(0.0)));
    let y = Axis::amounts(most(&lines));
    Plot { title: "Visits", note: "a second, by when they were due", x: seconds(run), y, lines }
}

fn latency(run: &Record) -> Plot {
    let of = |quantile: f64| {
        by_part(run, |part| {
            (!part.latency.is_empty()).then(|| part.latency.value_at_quantile(quantile) as f64 / 1_000.0)
        })
    };
    let lines = vec![("p99".to_owned(), of(0.99)), ("p50".to_owned(), of(0.5))];
    let (lines, y) = by_powers(lines);
    Plot { title: "Latency", note: "each power of ten has the same room", x: seconds(run), y, lines }
}

fn percentiles(run: &Record) -> Plot {
    let steps: Vec<_> = run.steps().filter(|(_, times)| !times.is_empty()).collect();
    let x = Axis::nines(steps.iter().map(|(_, times)| times.len()).max().unwrap_or(0));
    let lines = steps.into_iter().take(LINES_MAX).map(|(step, times)| {
        // Up to where a single answer stands.
        let last = nines(1.0 - 1.0 / times.len() as f64).min(x.high);
        let steps = (last * f64::from(STEPS_OF_NINE)) as u32;
        let points = (0..=steps).map(|nth| {
            let at = f64::from(nth) / f64::from(STEPS_OF_NINE);
            (at, Some(times.value_at_quantile(1.0 - 10_f64.powf(-at)) as f64 / 1_000.0))
        });
        (step.to_owned(), points.collect())
    });
    let (lines, y) = by_powers(lines.collect());
    Plot { title: "Percentiles", note: "so many were answered within the time", x, y, lines }
}

/// None if there were none.
fn reasons(run: &Record) -> Option<Plot> {
    let mut reasons: Vec<_> = run.reasons().iter().enumerate().collect();
    reasons.sort_by_key(|(_, reason)| std::cmp::Reverse(reason.visits));
    let lines: Vec<(String, Vec<Point>)> = reasons
        .into_iter()
        .take(LINES_MAX)
        .map(|(nth, reason)| {
            let kind = if reason.is_refusal { "refused" } else { "wrong" };
            let rate = |part: &Part| Some(f64::from(part.of_reason(nth)) / run.part_seconds() as f64);
            (format!("{kind}: {}", reason.text), by_part(run, rate))
        })
        .collect();
    let y = Axis::amounts(most(&lines));
    let note = "the most frequent, visits a second";
    (!lines.is_empty()).then(|| Plot { title: "Refusals and errors by reason", note, x: seconds(run), y, lines })
}

/// One figure of a sample, if it was read.
type Figure = fn(&Sample) -> Option<f64>;

/// What the engine said of itself; what it never said is left out.
fn engine(samples: &[Sample], lasts: f64) -> Vec<Plot> {
    let figures: [(&'static str, &'static str, Figure); 5] = [
        ("Commit queue", "jobs that wait for the commit thread", |sample| sample.commit_queue),
        ("Commits", "milliseconds at p99, the sync included, by the bound of their bucket", |s| s.commit_p99_ms),
        ("Shed", "requests turned away unread, a second", |sample| sample.shed_rate),
        ("Open sessions", "that have not ended", |sample| sample.sessions_open),
        ("Resident memory", "MiB of the engine's process", |sample| sample.resident_mib),
    ];
    let lasts = samples.last().map_or(lasts, |sample| sample.at.max(lasts));
    let plots = figures.into_iter().map(|(title, note, of)| {
        let lines = vec![(title.to_owned(), samples.iter().map(|sample| (sample.at, of(sample))).collect())];
        Plot { title, note, x: Axis::seconds(lasts), y: Axis::amounts(most(&lines)), lines }
    });
    plots.filter(|plot| plot.lines[0].1.iter().any(|(_, value)| value.is_some())).collect()
}

fn seconds(run: &Record) -> Axis {
    Axis::seconds(run.lasts().as_secs_f64())
}

/// A line through the middle of each part of the run.
fn by_part(run: &Record, value: impl Fn(&Part) -> Option<f64>) -> Vec<Point> {
    let width = run.part_seconds() as f64;
    (0..).zip(run.parts()).map(|(nth, part)| ((f64::from(nth) + 0.5) * width, value(part))).collect()
}

fn most(lines: &[(String, Vec<Point>)]) -> f64 {
    heights(lines).fold(0.0, f64::max)
}

/// Milliseconds become logarithms.
fn by_powers(mut lines: Vec<(String, Vec<Point>)>) -> (Vec<(String, Vec<Point>)>, Axis) {
    let least = heights(&lines).fold(f64::INFINITY, f64::min);
    let axis = Axis::times(if least.is_finite() { least } else { 1.0 }, most(&lines));
    for (_, value) in lines.iter_mut().flat_map(|(_, points)| points) {
        *value = value.map(|ms| ms.max(1e-3).log10());
    }
    (lines, axis)
}

fn heights(lines: &[(String, Vec<Point>)]) -> impl Iterator<Item = f64> {
    lines.iter().flat_map(|(_, points)| points).filter_map(|(_, value)| *value)
}
