//! Ring budgets: the tag's own, and the caller's and the owner's that the same ring is charged to.

use crate::desk::Desk;
use crate::limiter::{Allowance, Cell, Quota};
use crate::policy::Policy;
use crate::reason::Reason;
use crate::session::SessionSnapshot;
use crate::time::{Span, Timestamp};

/// Which of a tag's two budgets: urgent reasons have one of their own, so that pranks cannot use it up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Budget {
    Calm,
    Urgent,
}

impl Budget {
    pub(super) fn of(reason: Reason) -> Self {
        if reason.is_urgent() { Self::Urgent } else { Self::Calm }
    }

    pub(super) fn quota(self, policy: &Policy) -> Option<Quota> {
        match self {
            Self::Calm => policy.tag_rings,
            Self::Urgent => policy.tag_urgent_rings,
        }
    }

    /// Of an owner's rings of the day, a fifth is for urgent reasons.
    fn owner_reserve(self, policy: &Policy) -> u32 {
        match self {
            Self::Calm => policy.owner_rings.map_or(0, |quota| quota.limit() / 5),
            Self::Urgent => 0,
        }
    }
}

/// A ring, as far as budgets depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    budget: Budget,
    /// All callers without a number share one budget of the tag, because none of them has one of their own.
    withheld: bool,
}

impl Ring {
    /// The ring of a session, whose caller is bound by now if there is a number to bind.
    pub(super) fn of(session: &SessionSnapshot) -> Self {
        Self { budget: Budget::of(session.reason), withheld: session.bound_to.is_none() }
    }
}

/// How often a tag may still ring.
#[derive(Debug, Default)]
pub(super) struct RingBudgets {
    calm: Cell,
    urgent: Cell,
    withheld: Cell,
}

/// Leave to ring once, of everyone who was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct RingAllowance {
    tag: Allowance,
    withheld: Option<Allowance>,
    caller: Allowance,
    owner: Allowance,
}

impl RingBudgets {
    /// The budgets after rings of the past, which are given in the order of time.
    pub(super) fn after(rings: impl IntoIterator<Item = (Timestamp, Ring)>, policy: &Policy) -> Self {
        let mut budgets = Self::default();
        for (at, ring) in rings {
            budgets.cell(ring.budget).replay(ring.budget.quota(policy), at);
            if ring.withheld {
                budgets.withheld.replay(policy.withheld_rings, at);
            }
        }
        budgets
    }

    /// Whether the tag alone has one more ring; if not, how long until it has.
    pub(super) fn ask_tag(&self, budget: Budget, policy: &Policy, now: Timestamp) -> Result<Allowance, Span> {
        let cell = match budget {
            Budget::Calm => &self.calm,
            Budget::Urgent => &self.urgent,
        };
        cell.ask(budget.quota(policy), now)
    }

    /// Asks everyone who pays for a ring, and charges nobody.
    pub(super) fn ask(
        &self,
        ring: Ring,
        policy: &Policy,
        now: Timestamp,
        desk: &Desk<'_>,
    ) -> Result<RingAllowance, Span> {
        let caller = desk.caller.as_ref().map_or_else(Cell::default, |c| c.rings);
        let owner = desk.owner.as_ref().map_or_else(Cell::default, |o| o.rings);
        Ok(RingAllowance {
            tag: self.ask_tag(ring.budget, policy, now)?,
            withheld: ring.withheld.then(|| self.withheld.ask(policy.withheld_rings, now)).transpose()?,
            caller: caller.ask(policy.caller_rings, now)?,
            owner: owner.ask_leaving(ring.budget.owner_reserve(policy), policy.owner_rings, now)?,
        })
    }

    /// Charges everyone who was asked.
    pub(super) fn charge(&mut self, ring: Ring, allowance: RingAllowance, desk: &mut Desk<'_>) {
        self.cell(ring.budget).charge(allowance.tag);
        if let Some(withheld) = allowance.withheld {
            self.withheld.charge(withheld);
        }
        if let Some(caller) = desk.caller.as_mut() {
            caller.rings.charge(allowance.caller);
        }
        if let Some(owner) = desk.owner.as_mut() {
            owner.rings.charge(allowance.owner);
        }
    }

    /// Gives back what a ring cost that did not happen.
    pub(super) fn refund(&mut self, ring: Ring, policy: &Policy, desk: &mut Desk<'_>) {
        self.cell(ring.budget).refund(ring.budget.quota(policy));
        if ring.withheld {
            self.withheld.refund(policy.withheld_rings);
        }
        if let Some(caller) = desk.caller.as_mut() {
            caller.rings.refund(policy.caller_rings);
        }
        if let Some(owner) = desk.owner.as_mut() {
            owner.rings.refund(policy.owner_rings);
        }
    }

    fn cell(&mut self, budget: Budget) -> &mut Cell {
        match budget {
            Budget::Calm => &mut self.calm,
            Budget::Urgent => &mut self.urgent,
        }
    }
}
