//! What the host of a virtual machine gives to others: time in which the machine wants to run and may not. Linux counts it as
//! `steal` (proc_stat(5)). Whoever is measured meanwhile is slower, whatever it does.

use std::fs;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

/// From one reading to the next.
const STEP: Duration = Duration::from_millis(500);
/// Readings that are kept: two hours of them. A longer run knows of what comes later only that nothing is known.
const READINGS_MAX: usize = 14_400;

/// Ticks of all processors since the machine began.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    stolen: u64,
    all: u64,
}

/// Reads as long as it lives.
#[derive(Debug)]
pub(super) struct Host {
    readings: Arc<Mutex<Vec<(Instant, Ticks)>>>,
    reader: JoinHandle<()>,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Stolen(Vec<(Instant, Ticks)>);

impl Host {
    pub(super) fn watch() -> Host {
        let readings = Arc::new(Mutex::new(Vec::new()));
        let read = Arc::clone(&readings);
        let reader = tokio::spawn(async move {
            let mut steps = interval(STEP);
            for _ in 0..READINGS_MAX {
                steps.tick().await;
                // Nothing of another system than Linux, and nothing is known then.
                let Some(ticks) = fs::read_to_string("/proc/stat").ok().and_then(|stat| ticks(&stat)) else { return };
                read.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), ticks));
            }
        });
        Host { readings, reader }
    }

    pub(super) fn end(self) -> Stolen {
        self.reader.abort();
        Stolen(std::mem::take(&mut self.readings.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Stolen {
    /// As if it had been read once a second, and so many percent had been taken in each.
    #[cfg(test)]
    pub(super) fn of_seconds(began: Instant, percents: impl Iterator<Item = u64>) -> Stolen {
        let mut stolen = 0;
        let reading = |(nth, percent): (u64, u64)| {
            let now = (began + Duration::from_secs(nth), Ticks { stolen, all: nth * 100 });
            stolen += percent;
            now
        };
        Stolen((0..).zip(percents).map(reading).collect())
    }

    /// Of all that the processors could have done within `time`, so many percent, from the reading before it to the one after
    /// it; 0 where nothing is known.
    pub(super) fn percent(&self, time: Range<Instant>) -> f64 {
        let first = self.0.iter().rfind(|(at, _)| *at <= time.start).or(self.0.first());
        let last = self.0.iter().find(|(at, _)| *at >= time.end).or(self.0.last());
        let Some(((_, first), (_, last))) = first.zip(last) else { return 0.0 };
        let all = last.all.saturating_sub(first.all).max(1);
        last.stolen.saturating_sub(first.stolen) as f64 * 100.0 / all as f64
    }
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user.
fn ticks(stat: &str) -> Option<Ticks> {
    let mut words = stat.lines().next()?.split_ascii_whitespace();
    if words.next() != Some("cpu") {
        return None;
    }
    let kinds: Vec<u64> = words.take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    Some(Ticks { stolen: *kinds.get(7)?, all: kinds.iter().sum() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Host, Stolen, Ticks, ticks};

    #[test]
    fn steal_is_the_eighth_and_guests_are_not_counted_twice() {
        let Ticks { stolen, all } = ticks("cpu  100 1 20 700 5 0 4 70 50 2\ncpu0 1 2\n").unwrap();
        assert_eq!((stolen, all), (70, 900));
        for old in ["cpu 100 1 20 700 5 0 4\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu a b c d e f g h", ""] {
            assert!(ticks(old).is_none(), "{old}");
        }
    }

    #[test]
    fn a_share_is_that_of_its_own_seconds() {
        let began = Instant::now();
        let stolen = Stolen::of_seconds(began, (0..30).map(|second| if (10..20).contains(&second) { 10 } else { 0 }));
        let percent = |from, to| stolen.percent(began + Duration::from_secs(from)..began + Duration::from_secs(to));
        assert_eq!((percent(0, 10), percent(12, 18), percent(20, 30)), (0.0, 10.0, 0.0));
        assert_eq!(percent(50, 60), 0.0, "after the last reading nothing is known");
        let stalled = Stolen(vec![stolen.0[12], stolen.0[20]]);
        let of_stall = |from, to| stalled.percent(began + Duration::from_secs(from)..began + Duration::from_secs(to));
        assert_eq!((of_stall(10, 15), of_stall(15, 20)), (10.0, 10.0), "who cannot read is in it on both sides");
        assert_eq!(Stolen::default().percent(began..began + Duration::from_secs(5)), 0.0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_reads_while_it_is_watched() {
        let host = Host::watch();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let Stolen(readings) = host.end();
        if cfg!(target_os = "linux") {
            assert!((9..=11).contains(&readings.len()), "{readings:?}");
        }
    }
}
