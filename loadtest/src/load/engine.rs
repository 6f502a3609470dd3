//! The engine's own figures, a sample each second: what it had to do while people came.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::door::Door;
use crate::memory::resident_kib;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Samples at most: the longest run, and what comes after it.
const SAMPLES_MAX: usize = 4_000;

/// One look. A figure that could not be read is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// Seconds from the begin of the run.
    pub(crate) at: f64,
    pub(crate) commit_queue: Option<f64>,
    /// 99 of 100 commits since the sample before took at most so many milliseconds; none if there were none.
    pub(crate) commit_p99_ms: Option<f64>,
    /// Requests turned away unread since the sample before, a second.
    pub(crate) shed_rate: Option<f64>,
    pub(crate) sessions_open: Option<f64>,
    pub(crate) resident_mib: Option<f64>,
}

/// A watch on an engine.
#[derive(Debug)]
pub(crate) struct Watch {
    looks: JoinHandle<()>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

/// What is kept of a page of metrics, to compare the next one with.
#[derive(Debug)]
struct Page {
    at: f64,
    shed: f64,
    /// Bounds in seconds, and how many commits took at most as long.
    commits: Vec<(f64, f64)>,
}

impl Watch {
    /// Looks at what there is to look at, from now on. None if there is nothing.
    pub(crate) fn begin(operations: Option<Door>, pid: Option<u32>) -> Option<Watch> {
        if operations.is_none() && pid.is_none() {
            return None;
        }
        let samples = Arc::new(Mutex::new(Vec::new()));
        let looks = tokio::spawn(look(operations, pid, samples.clone()));
        Some(Watch { looks, samples })
    }

    pub(crate) fn end(self) -> Vec<Sample> {
        self.looks.abort();
        // Nothing panics while it holds this lock, so a poisoned one is whole.
        std::mem::take(&mut self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn look(operations: Option<Door>, pid: Option<u32>, samples: Arc<Mutex<Vec<Sample>>>) {
    let (began, mut before) = (Instant::now(), None);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for _ in 0..SAMPLES_MAX {
        ticks.tick().await;
        let at = began.elapsed().as_secs_f64();
        let mut sample = Sample { at, ..Sample::default() };
        if let Some(door) = &operations
            && let Ok(answer) = door.ask(Method::GET, "/metrics", Bytes::new(), &[]).await
        {
            (sample, before) = read(at, &String::from_utf8_lossy(&answer.body), before.as_ref());
        }
        sample.resident_mib = pid.and_then(|pid| resident_kib(pid).ok()).map(|kib| kib as f64 / 1_024.0);
        samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }
}

fn read(at: f64, metrics: &str, before: Option<&Page>) -> (Sample, Option<Page>) {
    let shed = values(metrics, "qnect_http_requests_shed_total").map(|(_, value)| value).sum();
    let commits: Vec<(f64, f64)> = values(metrics, "qnect_commit_seconds_bucket")
        .filter_map(|(labels, count)| {
            let bound = labels.split("le=\"").nth(1)?.split('"').next()?;
            Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? }, count))
        })
        .collect();
    let gauge = |name| values(metrics, name).map(|(_, value)| value).reduce(|a, b| a + b);
    let sample = Sample {
        at,
        commit_queue: gauge("qnect_commit_queue_records"),
        sessions_open: gauge("qnect_sessions_open"),
        commit_p99_ms: before.and_then(|before| p99_ms(&before.commits, &commits)),
        shed_rate: before.filter(|before| at > before.at).map(|before| (shed - before.shed) / (at - before.at)),
        resident_mib: None,
    };
    (sample, Some(Page { at, shed, commits }))
}

/// The 99th percentile of what came between two pages, by the bound of its bucket, in milliseconds.
fn p99_ms(before: &[(f64, f64)], after: &[(f64, f64)]) -> Option<f64> {
    let earlier = |bound: f64| before.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
    let new: Vec<(f64, f64)> = after.iter().map(|(bound, count)| (*bound, count - earlier(*bound))).collect();
    let all = new.last().map(|(_, count)| *count).filter(|all| *all > 0.0)?;
    let (bound, _) = new.iter().find(|(_, count)| *count >= all * 0.99)?;
    // What is above the last bound is at least that.
    let last = new.iter().rev().map(|(bound, _)| *bound).find(|bound| bound.is_finite())?;
    Some(bound.min(last) * 1_000.0)
}

/// The labels and the value of each line of a metric.
pub(crate) fn values<'a>(metrics: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
    metrics.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.split_once('}')?,
            None => ("", rest),
        };
        Some((labels, value.strip_prefix(' ')?.trim().parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::{p99_ms, read};

    fn page(queue: u32, shed: u32, fast: u32, slow: u32, slowest: u32) -> String {
        format!(
            "# TYPE qnect_commit_seconds histogram\nqnect_commit_seconds_bucket{{le=\"0.001\"}} {fast}\n\
             qnect_commit_seconds_bucket{{le=\"0.01\"}} {slow}\nqnect_commit_seconds_bucket{{le=\"+Inf\"}} {slowest}\n\
             qnect_commit_seconds_sum 1\nqnect_commit_queue_records {queue}\nqnect_http_requests_shed_total {shed}\n"
        )
    }

    #[test]
    fn a_sample_is_what_came_since_the_one_before() {
        let (first, before) = read(1.0, &page(3, 10, 900, 1_000, 1_000), None);
        assert_eq!((first.commit_queue, first.commit_p99_ms, first.shed_rate), (Some(3.0), None, None));
        assert_eq!(first.sessions_open, None, "what is not there is not 0");
        let (second, _) = read(3.0, &page(0, 16, 1_000, 1_100, 1_100), before.as_ref());
        assert_eq!(second.commit_p99_ms, Some(1.0), "a hundred fast ones, however many slow ones were before");
        assert_eq!(second.shed_rate, Some(3.0));
    }

    #[test]
    fn a_percentile_is_its_buckets_bound() {
        let of = |fast, slow, slowest| p99_ms(&[], &[(0.001, fast), (0.01, slow), (f64::INFINITY, slowest)]);
        assert_eq!(of(99.0, 100.0, 100.0), Some(1.0));
        assert_eq!(of(98.0, 100.0, 100.0), Some(10.0));
        assert_eq!(of(0.0, 0.0, 100.0), Some(10.0), "at least");
        assert_eq!(of(0.0, 0.0, 0.0), None);
    }
}
