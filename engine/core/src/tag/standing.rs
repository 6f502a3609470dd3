//! How one caller stands with one tag: computed from the sessions that the caller was bound to, so a restart forgives nothing.
//!
//! One caller never uses up what a tag has for all: somebody else may see a child in the car.

use super::Tag;
use super::budget::Budget;
use crate::caller::Caller;
use crate::limiter::Quota;
use crate::policy::{COOLDOWN, COOLDOWN_MAX};
use crate::session::{Session, SessionSnapshot};
use crate::time::{Span, Timestamp};

/// How much longer a tag is left alone after each further unwanted call.
const COOLDOWN_FACTOR: u64 = 6;
/// Fewer rings than this leave nothing to share.
const SHARED_FROM: u32 = 3;

impl Tag {
    /// Whether the caller of a session may ring once more at this tag, as far as the caller's own past goes. An urgent reason is
    /// heard once within the time in which the tag is to be left alone.
    pub(super) fn bears(&self, index: usize, caller: Caller, now: Timestamp) -> bool {
        let this = self.sessions[index].snapshot();
        // By the name of yesterday too: midnight forgives nothing.
        let is_theirs = |s: &Session| same_caller(s.snapshot(), this) || s.is_bound_to(caller);
        let past: Vec<&Session> = self.sessions.iter().filter(|s| s.snapshot().id != this.id && is_theirs(s)).collect();
        let may_annoy = self.policy.refuse_at == 0 || this.bound_to.is_none();
        self.has_share(this, &past, now) && (may_annoy || has_cooled_down(this, &past, now))
    }

    /// One caller rings at most half of what a tag has in an hour, and of what its owner has in a day; all callers without a
    /// number together a quarter, because nobody can tell them apart. At least once each: who may not ring at all cannot help.
    fn has_share(&self, this: &SessionSnapshot, past: &[&Session], now: Timestamp) -> bool {
        let parts = if this.bound_to.is_some() { 2 } else { 4 };
        let urgent = this.reason.is_urgent();
        let is_shared = |quota: &Quota| quota.limit() >= SHARED_FROM;
        let rings = |quota: Quota, counts: fn(&SessionSnapshot, bool) -> bool| {
            let since = |at: Timestamp| now.since(at) < quota.period();
            let rings =
                past.iter().map(|s| s.snapshot()).filter(|s| s.dialed_at.is_some_and(since) && counts(s, urgent));
            rings.count() < (quota.limit() / parts).max(1) as usize
        };
        // Of a tag's calm rings the budget for callers without a number is their share.
        let of_tag = Budget::of(this.reason).quota(&self.policy).filter(|_| urgent || this.bound_to.is_some());
        let of_owner = self.policy.owner_rings;
        of_tag.filter(is_shared).is_none_or(|quota| rings(quota, |s, urgent| s.reason.is_urgent() == urgent))
            && of_owner.filter(is_shared).is_none_or(|quota| rings(quota, |_, _| true))
    }
}

fn same_caller(a: &SessionSnapshot, b: &SessionSnapshot) -> bool {
    match (a.bound_to, b.bound_to) {
        (Some(a), Some(b)) => a.same(&b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn has_cooled_down(this: &SessionSnapshot, past: &[&Session], now: Timestamp) -> bool {
    let unwanted: Vec<Timestamp> = past.iter().filter_map(|s| Some(s.unwanted()?.1)).collect();
    let Some(last) = unwanted.iter().max().copied() else { return true };
    let times_longer = COOLDOWN_FACTOR.saturating_pow(unwanted.len() as u32 - 1);
    let cooldown = COOLDOWN_MAX.min(Span::from_millis(COOLDOWN.as_millis().saturating_mul(times_longer)));
    let was_heard =
        |s: &&Session| s.snapshot().reason.is_urgent() && s.snapshot().dialed_at.is_some_and(|dialed| dialed >= last);
    now >= last.plus(cooldown) || this.reason.is_urgent() && !past.iter().any(was_heard)
}
