//! The budgets, counted once more by brute force over the rings that really happened.

use qnect_core::caller::DayToken;
use qnect_core::tag::OwnerId;
use qnect_core::tag_code::TagId;
use qnect_core::time::{Span, Timestamp};

use super::cast::Person;
use super::rules::{Limit, Limits};

/// One ring, and everyone who pays for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub(super) at: Timestamp,
    pub(super) tag: TagId,
    pub(super) is_urgent: bool,
    pub(super) owner: OwnerId,
    /// The caller's name of that day; `None` for a caller without a number.
    pub(super) caller: Option<DayToken>,
    /// Who that is.
    pub(super) person: Option<Person>,
    /// Whether the budget of that name is found again after a restart: not where a session was bound the day before.
    pub(super) is_of_its_day: bool,
}

/// A dial that was charged and given back, from when to when.
#[derive(Debug, Clone, Copy)]
struct Refund {
    ring: Ring,
    until: Timestamp,
}

#[derive(Debug)]
pub(super) struct Recount {
    limits: Limits,
    /// A caller of yesterday is known today.
    links_days: bool,
    rings: Vec<Ring>,
    refunds: Vec<Refund>,
}

/// Whether a ring is paid from the same budget as another.
type Shares = fn(&Ring, &Ring) -> bool;

impl Recount {
    pub(super) fn new(limits: Limits, links_days: bool) -> Self {
        Self { limits, links_days, rings: Vec::new(), refunds: Vec::new() }
    }

    /// A dial that was withheld: its ring was none.
    pub(super) fn refunded(&mut self, ring: Ring, until: Timestamp) {
        self.refunds.push(Refund { ring, until });
    }

    /// An owner is rung.
    pub(super) fn rung(&mut self, ring: Ring) {
        self.rings.push(ring);
        let tags: Shares = |a, b| a.tag == b.tag && a.is_urgent == b.is_urgent;
        let limit = if ring.is_urgent { self.limits.urgent } else { self.limits.calm };
        self.check("tag", limit, &ring, tags);
        self.check("owner", self.limits.owner, &ring, |a, b| a.owner == b.owner);
        self.shared(&ring);
        if ring.caller.is_none() {
            let withheld: Shares = |a, b| a.tag == b.tag && b.caller.is_none();
            self.check("callers without a number", self.limits.withheld, &ring, withheld);
        } else if ring.is_of_its_day {
            let callers: Shares = |a, b| a.caller == b.caller && b.is_of_its_day;
            self.check("caller", self.limits.caller, &ring, callers);
        }
    }

    /// One caller rings at most half of what a tag has in an hour, and of what an owner has in a day; those without a number
    /// together a quarter, but for the calm rings of a tag, of which they have a budget of their own. Each at least once.
    fn shared(&self, ring: &Ring) {
        let parts = if ring.person.is_some() { 2 } else { 4 };
        let limit = if ring.is_urgent { self.limits.urgent } else { self.limits.calm };
        let of_tag = limit.filter(|_| ring.is_urgent || ring.person.is_some());
        self.has_share(of_tag, parts, ring, |a, b| a.is_urgent == b.is_urgent);
        // Whoever was known by yesterday's name then is a stranger to the name of today's yesterday.
        self.has_share(self.limits.owner.filter(|_| ring.is_of_its_day), parts, ring, |_, b| b.is_of_its_day);
    }

    fn has_share(&self, limit: Option<Limit>, parts: u32, ring: &Ring, shares: Shares) {
        let Some(Limit { times, period }) = limit.filter(|limit| limit.times >= 3) else { return };
        let is_known = |b: &Ring| b.person == ring.person && (self.links_days || b.caller == ring.caller);
        let theirs = self.rings.iter().filter(|b| b.tag == ring.tag && is_known(b) && shares(ring, b));
        let count = theirs.filter(|b| b.at <= ring.at && ring.at.since(b.at) < period).count();
        let share = (times / parts).max(1) as usize;
        assert!(count <= share, "one caller rings {count} times, whose share is {share}");
    }

    /// The bound of an evenly refilled budget: from one ring to another, both included, there are at most `times` and what
    /// was refilled between them. A refund gives back what has drained meanwhile too, if another ring was charged
    /// meanwhile: at most the time that the dial had waited.
    fn check(&self, whose: &str, limit: Option<Limit>, ring: &Ring, shares: Shares) {
        let Some(Limit { times, period }) = limit else { return };
        let mut at: Vec<_> = self.rings.iter().filter(|other| shares(ring, other)).map(|other| other.at).collect();
        at.sort_unstable();
        let refunds = self.refunds.iter().filter(|r| shares(ring, &r.ring));
        let slack: u64 = refunds
            .filter(|r| at.iter().any(|at| r.ring.at <= *at && *at <= r.until))
            .map(|r| r.until.since(r.ring.at).as_millis())
            .sum();
        let interval_ns = period.as_millis() * 1_000_000 / u64::from(times);
        for (n, first) in at.iter().enumerate() {
            for (count, last) in (1..).zip(&at[n..]) {
                let refilled_ns = last.since(*first).plus(Span::from_millis(slack)).as_millis() * 1_000_000;
                let bound = u64::from(times) + refilled_ns / interval_ns;
                assert!(count <= bound, "the {whose} budget is exceeded: {count} rings where {bound} may be");
            }
        }
    }
}
