//! The rate limiter: the generic cell rate algorithm (GCRA; ATM Forum TM 4.1, the "virtual scheduling" form), one
//! number of state for each thing that is limited.
//!
//! Asking and charging are two steps, so that several limits can be asked before any of them is charged: what one
//! refuses, none has paid for.

use crate::time::{Span, Timestamp};

/// How often something may happen: `limit` times in `period`, evenly refilled, all at once if unused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    interval_ns: u64,
    burst_ns: u64,
}

impl Quota {
    /// A quota of `limit` in `period`; `None` when `limit` is 0, which switches the limit off.
    pub fn new(limit: u32, period: Span) -> Option<Self> {
        let interval_ns = (period.as_millis() * 1_000_000).checked_div(u64::from(limit))?.max(1);
        Some(Self { interval_ns, burst_ns: interval_ns * u64::from(limit) })
    }

    /// How many fit into the period.
    pub fn limit(self) -> u32 {
        u32::try_from(self.burst_ns / self.interval_ns).unwrap_or(u32::MAX)
    }

    /// One of so many times as much in the same period.
    pub fn times(self, times: u32) -> Self {
        Self::new(self.limit().saturating_mul(times), self.period()).unwrap_or(self)
    }

    /// The period.
    pub fn period(self) -> Span {
        Span::from_millis(self.burst_ns.div_ceil(1_000_000))
    }
}

/// The state of one limited thing: the theoretical arrival time, in nanoseconds since the Unix epoch (until 2554: from
/// then on there is no limit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    arrival_ns: u64,
}

/// What is left of a quota, for whoever wants to know before asking too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    /// Of which quota.
    pub quota: Quota,
    /// How many more fit now.
    pub left: u32,
    /// After how long all of them fit again.
    pub reset: Span,
}

/// Leave to charge a cell, given by [`Cell::ask`].
#[derive(Debug, Clone, Copy)]
#[must_use = "an allowance that is not charged costs nothing"]
pub struct Allowance {
    arrival_ns: u64,
}

impl Cell {
    /// Whether one more fits at `when`; if not, how long until one does. Changes nothing. No quota always fits.
    pub fn ask(&self, quota: Option<Quota>, when: Timestamp) -> Result<Allowance, Span> {
        self.ask_leaving(0, quota, when)
    }

    /// The same, but `reserve` of the quota stay for others who are in greater need.
    pub fn ask_leaving(&self, reserve: u32, quota: Option<Quota>, when: Timestamp) -> Result<Allowance, Span> {
        let Some(quota) = quota else {
            return Ok(Allowance { arrival_ns: self.arrival_ns });
        };
        let now_ns = when.as_millis().saturating_mul(1_000_000);
        let arrival_ns = self.arrival_ns.max(now_ns).saturating_add(quota.interval_ns);
        let usable_ns = quota.burst_ns.saturating_sub(quota.interval_ns.saturating_mul(u64::from(reserve)));
        let too_early_ns = arrival_ns.saturating_sub(now_ns.saturating_add(usable_ns));
        if too_early_ns == 0 {
            Ok(Allowance { arrival_ns })
        } else {
            Err(Span::from_millis(too_early_ns.div_ceil(1_000_000)))
        }
    }

    /// How many more fit at `now`, and after how long all would fit again.
    pub fn remaining(&self, quota: Quota, now: Timestamp) -> Remaining {
        let now_ns = now.as_millis().saturating_mul(1_000_000);
        let used_ns = self.arrival_ns.saturating_sub(now_ns);
        let left = quota.burst_ns.saturating_sub(used_ns) / quota.interval_ns;
        Remaining {
            quota,
            left: u32::try_from(left).unwrap_or(u32::MAX),
            reset: Span::from_millis(used_ns.div_ceil(1_000_000)),
        }
    }

    /// Charges what was asked for.
    pub fn charge(&mut self, allowance: Allowance) {
        self.arrival_ns = self.arrival_ns.max(allowance.arrival_ns);
    }

    /// Gives back one charge, because what it was made for did not happen. What has drained since is not kept apart, so
    /// this is exact only while nothing else was charged; it never gives back more than one.
    pub fn refund(&mut self, quota: Option<Quota>) {
        if let Some(quota) = quota {
            self.arrival_ns = self.arrival_ns.saturating_sub(quota.interval_ns);
        }
    }

    /// Charges one event that has already happened at `when`, fitting or not: how a budget is rebuilt from records.
    pub fn replay(&mut self, quota: Option<Quota>, when: Timestamp) {
        if let Some(quota) = quota {
            let now_ns = when.as_millis().saturating_mul(1_000_000);
            self.arrival_ns = self.arrival_ns.max(now_ns).saturating_add(quota.interval_ns);
        }
    }

    /// Whether nothing of the budget is in use at `now`: such a cell may be forgotten.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.arrival_ns <= now.as_millis().saturating_mul(1_000_000)
    }
}
