//! An open-loop run from its options to its report.
//!
//! Visitors come when they are due, however slow the answers are, and a visit's first step counts from then. `options` is
//! what can be said, `pace` when visitors come, `people` who they are, `record` what was seen, `engine` what the engine says
//! of itself meanwhile, `verdict` what came of it all. A scenario brings [`Visit`]: what one visitor does.

mod engine;
mod machine;
mod options;
mod pace;
mod people;
mod record;
mod verdict;

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::door::Door;
use crate::open_loop;
use crate::threshold::Threshold;

pub(crate) use engine::{Sample, values};
pub(crate) use machine::Machine;
pub(crate) use options::{LoadOptions, Usual};
pub(crate) use pace::Pace;
pub(crate) use people::{People, Person, address};
pub(crate) use record::{End, Outcome, Part, Record, Step};
pub(crate) use verdict::Verdict;

use engine::Watch;

/// How often a run says how far it is: to somebody who looks on, and into a file.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
const PROGRESS_EVERY_IN_FILES: Duration = Duration::from_secs(10);

/// A run that can begin.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) scenario: &'static str,
    pub(crate) steps: &'static [&'static str],
    /// What the report repeats of what was asked for.
    pub(crate) options: Vec<(&'static str, String)>,
    pub(crate) pace: Pace,
    pub(crate) lasts: Duration,
    pub(crate) in_flight: usize,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) json: bool,
    pub(crate) html: Option<PathBuf>,
    pub(crate) operations: Option<Door>,
    pub(crate) pid: Option<u32>,
}

/// What a visitor does. Everybody shares what this is implemented for.
pub(crate) trait Visit: Send + Sync + 'static {
    /// Visitor number `nth`, who was to come at `due`.
    fn visit(&self, nth: u64, due: Instant) -> impl Future<Output = Vec<Step>> + Send;
}

/// A run with its visitors.
#[derive(Debug)]
pub(crate) struct Plan<V> {
    pub(crate) course: Course,
    pub(crate) visitors: Arc<V>,
}

impl<V: Visit> Plan<V> {
    pub(crate) fn new(course: Course, visitors: V) -> Plan<V> {
        Plan { course, visitors: Arc::new(visitors) }
    }

    /// Lets all of them come and prints what they saw.
    pub(crate) async fn run(self) -> ExitCode {
        let verdict = self.measure().await;
        if self.course.json {
            println!("{}", verdict.json());
        } else {
            print!("{verdict}");
        }
        self.end(&verdict, verdict.good())
    }

    /// Lets all of them come and waits for the last one.
    pub(crate) async fn measure(&self) -> Verdict {
        let machine = Machine::look();
        let watch = Watch::begin(self.course.operations.clone(), self.course.pid);
        let visit = |nth, due| {
            let visitors = self.visitors.clone();
            async move { visitors.visit(nth, due).await }
        };
        let record = play(&self.course, visit).await;
        Verdict::new(&self.course, machine, record, watch.map(Watch::end).unwrap_or_default())
    }

    /// Writes the page, if one was asked for, and ends as the run did.
    pub(crate) fn end(&self, verdict: &Verdict, is_good: bool) -> ExitCode {
        if let Some(file) = &self.course.html
            && let Err(cause) = std::fs::write(file, crate::page::render(verdict))
        {
            eprintln!("{}: {cause}", file.display());
            return ExitCode::FAILURE;
        }
        if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Lets all visitors come and waits for the last one. `visit` is what one does: it gets the visitor's number and when the
/// visit was due.
async fn play<F>(course: &Course, visit: impl Fn(u64, Instant) -> F) -> Record
where
    F: Future<Output = Vec<Step>> + Send + 'static,
{
    let record = Arc::new(Mutex::new(Record::new(course.steps, course.lasts)));
    let progress = tell(record.clone());
    let (began, begun) = (Instant::now(), Cell::new(0));
    let begin = |nth, due: Instant| {
        begun.update(|visits| visits + 1);
        let visit = visit(nth, due);
        async move {
            let late = due.elapsed();
            Outcome { due: due - began, late, steps: visit.await }
        }
    };
    let skipped = open_loop::begin_at(course.in_flight, course.pace.arrivals(course.lasts), begin, |outcome| {
        lock(&record).add(&outcome);
    })
    .await;
    progress.abort();
    let mut record = std::mem::replace(&mut *lock(&record), Record::new(course.steps, course.lasts));
    // A visit of which nothing was heard is one that panicked.
    record.skipped = skipped + (begun.get() - record.visits());
    record
}

/// Says again and again how far a run is.
fn tell(record: Arc<Mutex<Record>>) -> JoinHandle<()> {
    let is_watched = std::io::stderr().is_terminal();
    let every = if is_watched { PROGRESS_EVERY } else { PROGRESS_EVERY_IN_FILES };
    tokio::spawn(async move {
        let began = Instant::now();
        let mut ticks = tokio::time::interval_at(began + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let line = lock(&record).progress(began.elapsed());
            // Nobody needs progress so much that a run should end for want of it.
            let _ = match is_watched {
                true => write!(std::io::stderr(), "\r\x1b[K{line}"),
                false => writeln!(std::io::stderr(), "{line}"),
            };
        }
    })
}

/// Nothing panics while it holds this lock, so a poisoned one is whole.
fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Course, End, Pace, Step, Usual, play};

    fn course(in_flight: usize) -> Course {
        Course {
            scenario: "test",
            steps: &["one"],
            options: Vec::new(),
            pace: Pace { rate: 100.0, curve: Usual::EVEN, seed: 1 },
            lasts: Duration::from_secs(4),
            in_flight,
            thresholds: Vec::new(),
            json: false,
            html: None,
            operations: None,
            pid: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_engine_is_asked_as_often_and_everybody_who_waits_is_counted() {
        let record = play(&course(1_000), |_, due| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            vec![Step::first(due, End::Good)]
        })
        .await;
        assert!((320..480).contains(&record.visits()), "{}", record.visits());
        assert_eq!((record.visits(), record.skipped), (record.good(), 0));
        let latency = record.latency(None).expect("the first step");
        assert!((999_000..1_003_000).contains(&latency.value_at_quantile(0.5)), "{}", latency.mean());
        assert!(record.late().max() <= 1_000, "the grain of timers is our only delay");
    }

    #[tokio::test(start_paused = true)]
    async fn who_panics_is_missed() {
        let record = play(&course(10), |nth, due| async move {
            assert_ne!(nth, 7, "on purpose");
            vec![Step::first(due, End::Good)]
        })
        .await;
        assert_eq!(record.skipped, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_place_is_left_out_and_counted() {
        let hour = Duration::from_secs(3_600);
        let record = play(&course(10), |_, due| async move {
            tokio::time::sleep(hour).await;
            vec![Step::first(due, End::Good)]
        })
        .await;
        assert_eq!(record.visits(), 10);
        assert!(record.skipped > 300, "{}", record.skipped);
    }
}
