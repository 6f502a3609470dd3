//! What a herd's visits show: how long people waited, when all was as before, whether a session was lost.

use std::fmt;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::middle::middle;
use crate::restart_herd::host::Stolen;

/// What comes before is the begin of the run, with connections and tags that are new.
const WARM_UP: Duration = Duration::from_secs(5);
/// A look at how it is now takes the visits of so long.
const WINDOW: Duration = Duration::from_secs(5);
/// From one such look to the next.
const STEP: Duration = Duration::from_secs(1);

/// What the engine must keep.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Bounds {
    /// So long after the strike everything must be as before.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    back_within: u32,
    /// As before is a p99 of at most so many percent more.
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    back_to: f64,
    /// Five seconds in which the host gave more percent than this of the machine to others tell nothing, and are left out.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    stolen_max: f64,
}

/// One visit, however often its visitor had to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came {
    pub(super) due: Instant,
    pub(super) took: Duration,
    pub(super) tries: u32,
    pub(super) is_good: bool,
}

/// The sessions that people were given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) given: u64,
    /// The engine does not know them.
    pub(super) lost: u64,
    /// The engine does not say.
    pub(super) unknown: u64,
}

/// Five seconds.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// From the begin of the run.
    at: Duration,
    /// None without visits.
    p99: Option<Duration>,
    /// Percent of the machine that its host gave to others.
    stolen: f64,
}

/// A run around a strike.
#[derive(Debug)]
pub(super) struct Recovery {
    bounds: Bounds,
    /// All fives of seconds before the strike, and those from `back_within` after it.
    before: Vec<Look>,
    after: Vec<Look>,
    /// The p99 of five seconds of the calm, and of five from `back_within` after the strike: the middle one of all such that
    /// tell. A host that stands still for a tenth of a second is in a few of them. None without visits.
    calm: Option<Duration>,
    later: Option<Duration>,
    /// From the strike to the begin of the first five seconds that were as before.
    back: Option<Duration>,
    /// Whether that was within the bound, or so were the first five seconds that tell after it; none if the host took those.
    in_time: Option<bool>,
    /// The longest visit that began after the strike, or was under way when it came.
    longest: Duration,
    /// Visitors who had to come again, and how often they came on the average.
    again: u64,
    tries: f64,
    kept: Kept,
}

impl Bounds {
    /// Whether a run that lasts so long shows whether they are kept. An error is a sentence for who typed it.
    pub(super) fn fit(self, strike: Duration, lasts: Duration) -> Result<(), String> {
        if strike < WARM_UP + WINDOW {
            return Err(format!("--strike-at must be at least {} seconds", (WARM_UP + WINDOW).as_secs()));
        }
        let needed = strike + self.within() + WINDOW;
        if lasts >= needed { Ok(()) } else { Err(format!("--seconds must be at least {}", needed.as_secs())) }
    }

    fn within(self) -> Duration {
        Duration::from_secs(u64::from(self.back_within))
    }

    fn tells(self, look: &Look) -> bool {
        look.stolen <= self.stolen_max
    }

    /// The middle p99 of the looks that tell.
    fn usual(self, looks: &[Look]) -> Option<Duration> {
        middle(looks.iter().filter(|look| self.tells(look)).filter_map(|look| look.p99), Duration::cmp)
    }

    fn is_as_before(self, calm: Duration, now: Duration) -> bool {
        now.as_secs_f64() <= calm.as_secs_f64() * (1.0 + self.back_to / 100.0)
    }
}

impl Recovery {
    /// Of a run that began at `began`, was struck `strike` later, and in which visitors came for so long.
    pub(super) fn of(
        visits: &[Came],
        began: Instant,
        [strike, lasts]: [Duration; 2],
        bounds: Bounds,
        kept: Kept,
        stolen: &Stolen,
    ) -> Recovery {
        let p99 = |from: Duration| {
            let within = |came: &&Came| (began + from..began + from + WINDOW).contains(&came.due);
            let mut took: Vec<Duration> = visits.iter().filter(within).map(|came| came.took).collect();
            took.sort_unstable();
            took.get((took.len() * 99).div_ceil(100).saturating_sub(1)).copied()
        };
        let look = |at| Look { at, p99: p99(at), stolen: stolen.percent(began + at..began + at + WINDOW) };
        let looks = |from, to, step| {
            let starts = std::iter::successors(Some(from), move |at| Some(*at + step));
            starts.take_while(move |at| *at + WINDOW <= to).map(look).collect::<Vec<_>>()
        };
        let before = looks(WARM_UP, strike, WINDOW);
        let after = looks(strike + bounds.within(), lasts, WINDOW);
        let calm = bounds.usual(&before);
        let since = looks(strike, lasts, STEP);
        let told = since.iter().filter(|look| bounds.tells(look));
        let is_back = |look: &&Look| calm.zip(look.p99).is_some_and(|(calm, now)| bounds.is_as_before(calm, now));
        let back = told.clone().find(is_back).map(|look| look.at - strike);
        let bound = strike + bounds.within();
        let in_question = told.clone().find(|look| (bound..bound + WINDOW).contains(&look.at));
        let in_time = match back {
            Some(back) if back <= bounds.within() => Some(true),
            _ => in_question.as_ref().map(is_back),
        };
        let struck = visits.iter().filter(|came| came.due + came.took >= began + strike);
        let again = visits.iter().filter(|came| came.tries > 1);
        let tries: u64 = again.clone().map(|came| u64::from(came.tries)).sum();
        let again = again.count() as u64;
        Recovery {
            bounds,
            calm,
            later: bounds.usual(&after),
            before,
            after,
            back,
            in_time,
            longest: struck.filter(|came| came.is_good).map(|came| came.took).max().unwrap_or_default(),
            again,
            tries: tries as f64 / again.max(1) as f64,
            kept,
        }
    }

    /// Whether all is as before in time, and nothing is lost.
    pub(super) fn good(&self) -> bool {
        let is_back = self.calm.zip(self.later).is_some_and(|(calm, later)| self.bounds.is_as_before(calm, later));
        is_back && self.in_time == Some(true) && self.tells() && self.kept.lost == 0 && self.kept.unknown == 0
    }

    /// Whether the host left the machine alone for half of the time, before and after: else this tells not how people wait.
    fn tells(&self) -> bool {
        let half_is_told = |looks: &[Look]| self.told(looks) * 2 >= looks.len().max(1);
        half_is_told(&self.before) && half_is_told(&self.after) && self.in_time.is_some()
    }

    fn told(&self, looks: &[Look]) -> usize {
        looks.iter().filter(|look| self.bounds.tells(look)).count()
    }

    fn times(&self) -> Option<f64> {
        let (calm, later) = self.calm.zip(self.later)?;
        Some(later.as_secs_f64() / calm.as_secs_f64())
    }

    pub(super) fn json(&self) -> Value {
        let us = |time: Option<Duration>| time.map(|time| time.as_micros() as u64);
        let looks = |looks: &[Look]| -> Vec<Value> {
            let one = |look: &Look| json!({"at_s": look.at.as_secs(), "p99_us": us(look.p99), "stolen_percent": (look.stolen * 10.0).round() / 10.0});
            looks.iter().map(one).collect()
        };
        json!({"looks_before": looks(&self.before), "looks_after": looks(&self.after), "tells": self.tells(), "in_time": self.in_time,
            "told_before": self.told(&self.before), "told_after": self.told(&self.after),
            "calm_p99_us": us(self.calm), "later_p99_us": us(self.later), "later_to_calm": self.times(),
            "back_after_s": self.back.map(|back| back.as_secs()), "longest_visit_us": us(Some(self.longest)),
            "came_again": self.again, "tries_of_those": self.tries, "sessions_given": self.kept.given,
            "sessions_lost": self.kept.lost, "sessions_unknown": self.kept.unknown, "good": self.good()})
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Option<Duration>| {
            time.map_or("unknown".to_owned(), |time| format!("{:.2} ms", time.as_secs_f64() * 1_000.0))
        };
        writeln!(f, "herd       {} came again, {:.1} times on the average", self.again, self.tries)?;
        writeln!(f, "           the longest wait {:.2} s", self.longest.as_secs_f64())?;
        let times = self.times().map_or("no figure".to_owned(), |times| format!("{times:.2} times"));
        let (calm, later, within) = (ms(self.calm), ms(self.later), self.bounds.back_within);
        writeln!(f, "p99 of 5 s {calm} before the strike, {later} from {within} s after it: {times} (medians)")?;
        match self.back {
            Some(back) => writeln!(f, "           as before for 5 s from {} s after it", back.as_secs()),
            None => writeln!(f, "           never as before"),
        }?;
        let (before, after) = (self.told(&self.before), self.told(&self.after));
        let (of_before, of_after, most) = (self.before.len(), self.after.len(), self.bounds.stolen_max);
        write!(
            f,
            "host       {before} of {of_before} times 5 s before and {after} of {of_after} after tell: at most "
        )?;
        writeln!(f, "{most} % of the machine were given to others{}", if self.tells() { "" } else { "; too few" })?;
        let Kept { given, lost, unknown } = self.kept;
        writeln!(f, "sessions   {given} given: {lost} lost, {unknown} of which the engine does not say")?;
        writeln!(f, "{}", if self.good() { "recovered" } else { "not recovered" })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Bounds, Came, Kept, Recovery};
    use crate::restart_herd::host::Stolen;

    const BOUNDS: Bounds = Bounds { back_within: 10, back_to: 10.0, stolen_max: 5.0 };
    const NONE: Kept = Kept { given: 9, lost: 0, unknown: 0 };
    const SECONDS: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(50)];

    /// A hundred visits a second, each of which takes so many milliseconds as `took` says of its second.
    fn recovery(took: impl Fn(u64) -> u64, kept: Kept) -> Recovery {
        beside(took, kept, |_| 0)
    }

    /// The same, on a machine whose host gives so many percent of it to others as `stolen` says of a second.
    fn beside(took: impl Fn(u64) -> u64, kept: Kept, stolen: impl Fn(u64) -> u64) -> Recovery {
        let began = Instant::now();
        let stolen = Stolen::of_seconds(began, (0..50).map(stolen));
        let came = |nth: u64| Came {
            due: began + Duration::from_millis(10 * nth),
            took: Duration::from_millis(took(nth / 100)),
            tries: if took(nth / 100) > 100 { 3 } else { 1 },
            is_good: true,
        };
        Recovery::of(&(0..5_000).map(came).collect::<Vec<_>>(), began, SECONDS, BOUNDS, kept, &stolen)
    }

    #[test]
    fn the_begin_of_a_run_is_no_calm_and_the_strike_may_be_long_as_its_bound() {
        // Slow while it begins, away from second 20 to 26, as before from 27.
        let struck = recovery(
            |second| {
                if second < 5 {
                    90
                } else if (20..27).contains(&second) {
                    2_000
                } else {
                    10
                }
            },
            NONE,
        );
        assert_eq!((struck.calm, struck.later), (Some(Duration::from_millis(10)), Some(Duration::from_millis(10))));
        assert_eq!((struck.back, struck.longest), (Some(Duration::from_secs(7)), Duration::from_secs(2)));
        assert_eq!((struck.again, struck.tries), (700, 3.0));
        assert!(struck.good() && struck.to_string().ends_with("\nrecovered\n"), "{struck}");
    }

    #[test]
    fn every_bound_counts() {
        let away = |later: u64| {
            move |second| {
                if (20..25).contains(&second) {
                    500
                } else if second < 25 {
                    10
                } else {
                    later
                }
            }
        };
        assert!(recovery(away(11), NONE).good());
        let slow = recovery(away(12), NONE);
        assert_eq!((slow.good(), slow.back), (false, None), "{slow}");
        assert!(!recovery(away(10), Kept { lost: 1, ..NONE }).good());
        assert!(!recovery(away(10), Kept { unknown: 1, ..NONE }).good());
        let late = recovery(|second| if (20..32).contains(&second) { 500 } else { 10 }, NONE);
        assert!(!late.good() && late.back == Some(Duration::from_secs(12)), "{late}");
        let empty = Recovery::of(&[], Instant::now(), SECONDS, BOUNDS, NONE, &Stolen::default());
        assert!(!empty.good(), "nothing was seen");
    }

    #[test]
    fn five_seconds_that_are_unlike_all_others_tell_nothing_and_half_of_them_do() {
        let calm = recovery(|second| if second == 8 { 400 } else { 10 }, NONE);
        assert_eq!(calm.calm, Some(Duration::from_millis(10)));
        assert!(recovery(|second| if second == 41 { 400 } else { 10 }, NONE).good());
        assert!(!recovery(|second| if [31, 36].contains(&second) { 400 } else { 10 }, NONE).good(), "two of four");
    }

    #[test]
    fn what_the_host_takes_tells_nothing_of_the_engine() {
        // Ten times as slow while the host takes a fifth: before the strike, at the bound, and once later.
        let is_taken = |second| [10..15, 28..35, 45..50].iter().any(|seconds| seconds.contains(&second));
        let took = |second| if is_taken(second) { 100 } else { 10 };
        let taken = beside(took, NONE, |second| if is_taken(second) { 20 } else { 0 });
        assert!(taken.good(), "{taken}");
        assert_eq!((taken.told(&taken.before), taken.told(&taken.after)), (2, 2));
        let slow_by_itself = recovery(took, NONE);
        assert!(!slow_by_itself.good() && slow_by_itself.tells(), "{slow_by_itself}");
        // Whoever is slow in seconds that tell is late, however much the host takes in others.
        let late = |second| if (20..37).contains(&second) { 100 } else { 10 };
        let late = beside(late, NONE, |second| if (20..29).contains(&second) { 20 } else { 0 });
        assert!(late.in_time == Some(false) && late.tells() && !late.good(), "{late}");
        let is_unknown = |second| if (24..40).contains(&second) { 20 } else { 0 };
        let unknown = beside(|second| if (20..40).contains(&second) { 100 } else { 10 }, NONE, is_unknown);
        assert!(unknown.in_time.is_none() && !unknown.tells() && !unknown.good(), "{unknown}");
        let too_much = beside(|_| 10, NONE, |second| if second < 16 { 20 } else { 0 });
        assert!(!too_much.tells() && !too_much.good() && too_much.to_string().contains("too few"), "{too_much}");
    }

    #[test]
    fn a_run_must_be_long_enough_to_tell() {
        let fits = |strike, lasts| BOUNDS.fit(Duration::from_secs(strike), Duration::from_secs(lasts)).is_ok();
        assert!(fits(20, 35) && !fits(20, 34) && !fits(9, 100));
    }
}
