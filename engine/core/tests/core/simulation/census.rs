//! How often which corner of the machines was visited: a simulation that never goes somewhere proves nothing about it.

use std::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(super) struct Census(BTreeMap<&'static str, u64>);

/// What every larger run must have seen.
pub(super) const CORNERS: [&str; 57] = [
    "a session that gave way",
    "an old session that gave way to an urgent one",
    "a session of an address that has its share",
    "a session refused for a score",
    "a call that does credit",
    "an urgent call of one who was not wanted",
    "a session opened",
    "a request replayed",
    "a request refused",
    "a dial",
    "a dial across midnight",
    "a dial for a caller without a number",
    "a dial after a challenge",
    "a dial after holding",
    "the same dial again",
    "a dial that rings",
    "a dial that is withheld",
    "a dial that is void",
    "a follow-up",
    "a redial of what waits",
    "a redial refused",
    "a challenge",
    "a hold",
    "a code refused",
    "an owner unavailable",
    "an owner busy",
    "try again",
    "a caller locked out",
    "a cancelled session",
    "a call hung up",
    "a report",
    "a caller blocked",
    "a blocked caller turned away",
    "an owner's leg learnt",
    "the provider asked after a call",
    "an end completed",
    "an end no_answer",
    "an end busy",
    "an end declined",
    "an end failed",
    "an end expired",
    "an end cancelled",
    "an end of a lost call",
    "news that move",
    "news told again",
    "news too late",
    "news of nobody dialled",
    "a crash",
    "a crash that loses records",
    "a session lost with its crash",
    "an end lost with its crash",
    "a tag revived",
    "a clock that jumps",
    "a start with a clock that is behind",
    "a start from the last commit",
    "a start with a clock that leapt",
    "a session kept for a day",
];

impl Census {
    pub(super) fn saw(&mut self, corner: &'static str) {
        debug_assert!(CORNERS.contains(&corner), "{corner} is no corner");
        *self.0.entry(corner).or_default() += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (corner, times) in &other.0 {
            *self.0.entry(corner).or_default() += times;
        }
    }

    pub(super) fn times(&self, corner: &str) -> u64 {
        self.0.get(corner).copied().unwrap_or(0)
    }
}
