//! A row of the table, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::day::figures::{STOPPED_WITHIN, quantile};

/// A row, for people and programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Line {
    pub(crate) kind: &'static str,
    pub(crate) people: u64,
    pub(crate) actions: u64,
    /// Actions by the answer that ended them.
    pub(crate) said: BTreeMap<&'static str, u64>,
    /// Calls that rang an owner's telephone.
    pub(crate) rang: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) honest: Option<HonestLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attack: Option<AttackLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tap_to_ring_ms: Option<Spread>,
}

/// What became of honest people.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct HonestLine {
    pub(crate) left: u64,
    pub(crate) owner_away: u64,
    pub(crate) reached: u64,
    pub(crate) turned_away: u64,
    pub(crate) turned_away_by: BTreeMap<&'static str, u64>,
    pub(crate) challenged: u64,
}

/// What became of attackers who had more than ten tries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct AttackLine {
    pub(crate) attackers: u64,
    /// Percent that got nothing any more from the tenth action or before.
    pub(crate) stopped_percent: f64,
    /// The same, where a challenge counts as stopping.
    pub(crate) stopped_or_challenged_percent: f64,
    /// The action at which half of them, and 95 of 100, were stopped; `None`: more were never.
    pub(crate) stopped_at_median: Option<usize>,
    pub(crate) stopped_at_p95: Option<usize>,
    /// Calls of one attacker that rang.
    pub(crate) rang_median: u64,
    pub(crate) rang_max: u64,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    pub(crate) calls: u64,
    pub(crate) median: u64,
    pub(crate) p95: u64,
    pub(crate) max: u64,
}

impl Spread {
    pub(crate) fn of(values: &[u64]) -> Option<Spread> {
        let at = |percent| quantile(values, percent);
        Some(Spread { calls: values.len() as u64, median: at(50)?, p95: at(95)?, max: at(100)? })
    }
}

impl fmt::Display for HonestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HonestLine { left, owner_away, reached, turned_away, turned_away_by, challenged } = self;
        write!(f, "{reached} reached, {left} left, {owner_away} found the owner away, {challenged} were challenged, ")?;
        write!(f, "{turned_away} were turned away")?;
        let mut joint = ": ";
        for (why, count) in turned_away_by {
            write!(f, "{joint}{count} {why}")?;
            joint = ", ";
        }
        Ok(())
    }
}

impl fmt::Display for AttackLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |action: Option<usize>| action.map_or("never".to_owned(), |action| action.to_string());
        write!(
            f,
            "{:.1} % of {} stopped within {STOPPED_WITHIN} actions ({:.1} % or challenged), at action {} (median), {} (p95); \
             rang {} (median), {} (most)",
            self.stopped_percent,
            self.attackers,
            self.stopped_or_challenged_percent,
            at(self.stopped_at_median),
            at(self.stopped_at_p95),
            self.rang_median,
            self.rang_max,
        )
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        let Spread { calls, median, p95, max } = *self;
        let [median, p95, max] = [median, p95, max].map(seconds);
        write!(
            f,
            "urgent, from tap to ring: {median:.1} s (median), {p95:.1} s (p95), {max:.1} s (most), {calls} calls"
        )
    }
}
