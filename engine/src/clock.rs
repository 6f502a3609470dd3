//! The one place that reads a clock by which anything is decided; how long something took is measured where it happens.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use qnect_core::time::{Span, Timestamp};

/// A machine's clock before 2025 or after 2099 is wrong: nothing that this program wrote is older, and times that it would
/// write could not be taken back.
const EARLIEST: Timestamp = Timestamp::from_millis(1_735_689_600_000);
const END: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// A machine's clock that is so far behind the last commit is wrong, or was wrong when that was written.
const BEHIND_MAX: Span = Span::DAY;

/// Wall time at start plus what a monotonic clock counted since, never below the time of the last commit: a clock that
/// is set back refills no budget and ends no session early, and one that is set under a running process changes nothing.
///
/// A clock that leaps forward between two starts cannot be told from time that passed while the process was down, so it is
/// believed, up to a gap. The kernel's time since boot would tell the two apart within one boot, at the price that a
/// restart no longer took over a corrected clock, and that a machine that was restored from a snapshot lived in its past.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Timestamp,
    since: Instant,
}

/// A machine's clock by which nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// No clock is right that shows this.
    #[error("the machine's clock shows a year before 2025 or after 2099; set it, and start again")]
    Impossible,
    /// It is too far behind the last commit.
    #[error(
        "the machine's clock is {days} days behind the last commit in the data folder; set it, and start again. If it is \
         right, an earlier start had a wrong one: restore a backup from before that, or start with \
         QNECT__STORAGE__CLOCK_GAP_DAYS_MAX=0, and time goes on from the last commit"
    )]
    Behind {
        /// Whole days.
        days: u64,
    },
    /// It is too far ahead of the last commit.
    #[error(
        "the machine's clock is {days} days ahead of the last commit in the data folder; if it is wrong, set it, and start \
         again, or everything that lasts for a time would be over. If it is right, start once with \
         QNECT__STORAGE__CLOCK_GAP_DAYS_MAX=0"
    )]
    Ahead {
        /// Whole days.
        days: u64,
    },
}

impl Clock {
    /// The machine's clock; an error when it shows what cannot be.
    #[allow(clippy::disallowed_methods)] // This is the engine's clock.
    pub fn of_machine() -> Result<Self, ClockError> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let start = possible(Timestamp::from_millis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)))?;
        Ok(Self { start, since: Instant::now() })
    }

    /// The same clock for a folder whose last commit was at `last`: it never falls below that. An error when it is more
    /// than `gap_days_max` days ahead, or more than one behind; 0 accepts any gap.
    pub fn after(self, last: Timestamp, gap_days_max: u16) -> Result<Self, ClockError> {
        Ok(Self { start: start_after(self.start, last, gap_days_max)?, ..self })
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.start.plus(Span::from_millis(elapsed))
    }
}

fn possible(wall: Timestamp) -> Result<Timestamp, ClockError> {
    if (EARLIEST..END).contains(&wall) { Ok(wall) } else { Err(ClockError::Impossible) }
}

/// Where time goes on after a last commit at `last`, by a machine's clock that shows `wall`.
fn start_after(wall: Timestamp, last: Timestamp, gap_days_max: u16) -> Result<Timestamp, ClockError> {
    let (behind, ahead) = (last.since(wall), wall.since(last));
    let accepts_any = gap_days_max == 0;
    let days = |span: Span| span.as_millis() / Span::DAY.as_millis();
    if behind > BEHIND_MAX && !accepts_any {
        return Err(ClockError::Behind { days: days(behind) });
    }
    if behind > Span::ZERO {
        let behind_ms = behind.as_millis();
        tracing::warn!(behind_ms, "the machine's clock is behind the last commit; time goes on from there");
        return Ok(last);
    }
    // A folder that holds nothing has no time of its own.
    if last == Timestamp::default() {
        return Ok(wall);
    }
    if ahead > Span::from_secs(u64::from(gap_days_max) * 86_400) && !accepts_any {
        return Err(ClockError::Ahead { days: days(ahead) });
    }
    if ahead > Span::DAY {
        let ahead_ms = ahead.as_millis();
        tracing::warn!(ahead_ms, "the last commit was days ago by the machine's clock, which is believed");
    }
    Ok(wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some day in 2026.
    const LAST: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const GAP_DAYS_MAX: u16 = 30;

    fn earlier(by: Span) -> Timestamp {
        Timestamp::from_millis(LAST.as_millis() - by.as_millis())
    }

    fn days(days: u64) -> Span {
        Span::from_secs(days * 86_400)
    }

    #[test]
    fn time_goes_on_from_the_last_commit_when_the_clock_is_a_little_behind() {
        for behind in [Span::ZERO, Span::from_millis(1), Span::from_secs(5), Span::HOUR, Span::DAY] {
            assert_eq!(start_after(earlier(behind), LAST, GAP_DAYS_MAX), Ok(LAST), "{behind:?}");
        }
    }

    #[test]
    fn a_clock_that_may_be_right_is_believed() {
        for ahead in [Span::from_millis(1), Span::from_secs(5), Span::HOUR, Span::DAY, days(30)] {
            let wall = LAST.plus(ahead);
            assert_eq!(start_after(wall, LAST, GAP_DAYS_MAX), Ok(wall), "{ahead:?}");
        }
        assert_eq!(start_after(LAST, Timestamp::default(), GAP_DAYS_MAX), Ok(LAST), "a new folder");
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_refused_unless_any_gap_is_accepted() {
        let behind = earlier(Span::DAY.plus(Span::from_millis(1)));
        assert_eq!(start_after(behind, LAST, GAP_DAYS_MAX), Err(ClockError::Behind { days: 1 }));
        assert_eq!(start_after(behind, LAST, 0), Ok(LAST));
        let ahead = LAST.plus(days(30)).plus(Span::from_millis(1));
        assert_eq!(start_after(ahead, LAST, GAP_DAYS_MAX), Err(ClockError::Ahead { days: 30 }));
        assert_eq!(start_after(ahead, LAST, 0), Ok(ahead));
        // A folder that an earlier program took to 2262.
        let in_2262 = Timestamp::from_millis(9_223_372_036_855);
        let refused = start_after(LAST, in_2262, GAP_DAYS_MAX);
        assert!(matches!(refused, Err(ClockError::Behind { days: 86_000.. })), "{refused:?}");
        assert_eq!(start_after(LAST, in_2262, 0), Ok(in_2262));
    }

    #[test]
    fn nothing_overflows_at_the_ends_of_time() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(start_after(LAST, end, 0), Ok(end));
        assert!(start_after(LAST, end, u16::MAX).is_err());
        assert_eq!(Clock { start: end, since: Instant::now() }.now(), end);
    }

    #[test]
    fn a_year_that_cannot_be_is_refused_whatever_the_folder_holds() {
        for (ms, is_possible) in [
            (0, false),
            (1_735_689_599_999, false),
            (1_735_689_600_000, true),
            (2_147_483_648_000, true),
            (4_102_444_799_999, true),
            (4_102_444_800_000, false),
            (9_223_372_036_855, false),
            (u64::MAX, false),
        ] {
            assert_eq!(possible(Timestamp::from_millis(ms)).is_ok(), is_possible, "{ms}");
        }
    }
}
