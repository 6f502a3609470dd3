//! How one caller stands with one tag: computed from the sessions that the caller was bound to, so a restart forgives nothing.
//!
//! One caller never uses up what a tag has for all: somebody else may see a child in the car.

use super::Tag;
use super::budget::Budget;
use crate::caller::Caller;
use crate::limiter::Quota;
use crate::policy::{COOLDOWN, COOLDOWN_MAX, SHARE_PERIOD};
use crate::session::{Session, SessionSnapshot};
use crate::time::{Span, Timestamp};

/// Halves of a strike from which on a caller leaves a tag alone.
const HALVES_MAX: u32 = 4;
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
        self.has_share(this, &past, now) && (self.policy.refuse_at == 0 || has_cooled_down(this, &past, now))
    }

    /// One caller rings at most half of what a tag has in an hour, calm reasons within six hours, and in a day half of what its owner
    /// has; all callers without a number together a quarter, because nobody can tell them apart, and of a tag's calm rings what
    /// they have in an hour. At least once each: who may not ring at all cannot help.
    fn has_share(&self, this: &SessionSnapshot, past: &[&Session], now: Timestamp) -> bool {
        let (urgent, is_known) = (this.reason.is_urgent(), this.bound_to.is_some());
        let parts = if is_known { 2 } else { 4 };
        let is_shared = |quota: &Quota| quota.limit() >= SHARED_FROM;
        let has_left = |rings: u32, period: Span, counts: fn(&SessionSnapshot, bool) -> bool| {
            let since = |at: Timestamp| now.since(at) < period;
            let past = past.iter().map(|s| s.snapshot());
            past.filter(|s| s.dialed_at.is_some_and(since) && counts(s, urgent)).count() < rings.max(1) as usize
        };
        let of_tag = if is_known || urgent {
            Budget::of(this.reason).quota(&self.policy).filter(is_shared).map(|quota| quota.limit() / parts)
        } else {
            self.policy.withheld_rings.map(Quota::limit)
        };
        let of_owner = self.policy.owner_rings.filter(is_shared);
        let period = if urgent { Span::HOUR } else { SHARE_PERIOD };
        of_tag.is_none_or(|rings| has_left(rings, period, |s, urgent| s.reason.is_urgent() == urgent))
            && of_owner.is_none_or(|quota| has_left(quota.limit() / parts, quota.period(), |_, _| true))
    }
}

fn same_caller(a: &SessionSnapshot, b: &SessionSnapshot) -> bool {
    match (a.bound_to, b.bound_to) {
        (Some(a), Some(b)) => a.same(&b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether a caller who was not wanted may ring again. Somebody else without a number may have something urgent to say.
fn has_cooled_down(this: &SessionSnapshot, past: &[&Session], now: Timestamp) -> bool {
    let urgent = this.reason.is_urgent();
    let mut strikes: Vec<(u32, Timestamp)> = past.iter().filter_map(|s| s.half_strikes()).collect();
    strikes.sort_by_key(|(_, at)| *at);
    let (mut halves, mut since) = (0, None);
    for &(more, at) in &strikes {
        halves += more;
        if halves >= HALVES_MAX {
            since = since.or(Some(at));
        }
    }
    let (Some(since), Some((_, last))) = (since, strikes.last()) else { return true };
    let cooldown = if halves < HALVES_MAX + 2 { COOLDOWN } else { COOLDOWN_MAX };
    let was_heard =
        |s: &&Session| s.snapshot().reason.is_urgent() && s.snapshot().dialed_at.is_some_and(|dialed| dialed >= since);
    now >= last.plus(cooldown) || urgent && (this.bound_to.is_none() || !past.iter().any(was_heard))
}
