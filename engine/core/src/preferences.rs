//! When an owner wants to be reached.

use crate::reason::{Reason, ReasonSet};
use crate::time::{Timestamp, Zone};

/// Whether an owner has paused calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pause {
    /// Not paused.
    #[default]
    Off,
    /// Paused until a point in time, exclusive.
    Until(Timestamp),
    /// Paused until the owner resumes.
    Indefinite,
}

/// A daily window in the owner's local time. It may span midnight; `from == to` is the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// First quiet minute of the day, 0 to 1439.
    pub from_minute: u16,
    /// First minute that is no longer quiet, 0 to 1439.
    pub to_minute: u16,
}

/// When people sleep who said nothing of it.
const NIGHT: QuietHours = QuietHours { from_minute: 22 * 60, to_minute: 6 * 60 };

impl QuietHours {
    fn contains(self, minute: u16) -> bool {
        if self.from_minute < self.to_minute {
            (self.from_minute..self.to_minute).contains(&minute)
        } else {
            minute >= self.from_minute || minute < self.to_minute
        }
    }
}

/// An owner's wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// A pause of all calls.
    pub pause: Pause,
    /// Quiet hours, if any.
    pub quiet_hours: Option<QuietHours>,
    /// Reasons that ring even while paused or quiet.
    pub night_reasons: ReasonSet,
    /// The zone of the quiet hours.
    pub zone: Zone,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { pause: Pause::Off, quiet_hours: None, night_reasons: ReasonSet::URGENT, zone: Zone::utc() }
    }
}

impl Preferences {
    /// The reasons for which the owner can be reached at `now`.
    pub fn reachable_for(&self, now: Timestamp) -> ReasonSet {
        if self.is_quiet(now) { self.night_reasons } else { Reason::ALL.into_iter().collect() }
    }

    /// Whether it is night where the owner is: from ten in the evening to six in the morning.
    pub fn is_night(&self, now: Timestamp) -> bool {
        NIGHT.contains(self.zone.minute_of_day(now))
    }

    fn is_quiet(&self, now: Timestamp) -> bool {
        let paused = match self.pause {
            Pause::Off => false,
            Pause::Until(end) => now < end,
            Pause::Indefinite => true,
        };
        paused || self.quiet_hours.is_some_and(|q| q.contains(self.zone.minute_of_day(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: u64, minute: u64) -> Timestamp {
        Timestamp::from_millis(1_763_683_200_000 + (hour * 60 + minute) * 60_000)
    }

    #[test]
    fn quiet_hours_may_span_midnight() {
        let night = Preferences {
            quiet_hours: Some(QuietHours { from_minute: 22 * 60, to_minute: 7 * 60 }),
            ..Preferences::default()
        };
        for (hour, minute, rings) in [(21, 59, true), (22, 0, false), (23, 30, false), (6, 59, false), (7, 0, true)] {
            let reachable = night.reachable_for(at(hour, minute));
            assert_eq!(reachable.contains(Reason::Blocking), rings, "{hour}:{minute}");
            assert!(reachable.contains(Reason::ChildOrPet), "urgent reasons ring at {hour}:{minute}");
        }
    }

    #[test]
    fn a_pause_ends_by_itself() {
        let paused = Preferences { pause: Pause::Until(at(12, 0)), ..Preferences::default() };
        assert!(!paused.reachable_for(at(11, 59)).contains(Reason::Other));
        assert!(paused.reachable_for(at(12, 0)).contains(Reason::Other));
    }
}
