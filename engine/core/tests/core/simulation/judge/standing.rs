//! Whoever was not wanted twice leaves a tag alone for a while, and is heard once within it for something urgent.

use qnect_core::facts::Outcome;
use qnect_core::session::{Session, SessionSnapshot};
use qnect_core::time::{Span, Timestamp};

use super::routes::Answered;
use super::{Judge, Notes};

/// After two unwanted calls, and after more.
const COOLDOWN_HOURS: [u64; 2] = [6, 24];
/// Who talks for less has been hung up on.
const SHORT_MS: u64 = 4_000;

impl Judge {
    /// The caller is put through: nothing in the caller's past with this tag forbids it.
    pub(super) fn bears(&mut self, a: &Answered<'_>, now: Timestamp) {
        let this = &self.notes[&a.session];
        if self.rules.policy.refuse_at == 0 || this.bound_person.is_none() {
            return;
        }
        let past: Vec<&SessionSnapshot> = self
            .opened
            .iter()
            .map(|id| &self.notes[id])
            .filter(|n| n.last.id != a.session && n.last.id.tag() == a.session.tag() && self.is_same(n, this, now))
            .map(|n| &n.last)
            .collect();
        let mut unwanted: Vec<(u32, Timestamp)> = past.iter().filter_map(|s| unwanted_at(s)).collect();
        unwanted.sort_by_key(|(_, at)| *at);
        let halves = |until: usize| unwanted[..until].iter().map(|(halves, _)| halves).sum::<u32>();
        let Some(second) = (1..=unwanted.len()).find(|until| halves(*until) >= 4) else { return };
        let (since, last) = (unwanted[second - 1].1, unwanted[unwanted.len() - 1].1);
        let hours = COOLDOWN_HOURS[usize::from(halves(unwanted.len()) >= 6)];
        if now >= last.plus(Span::from_secs(hours * 3_600)) {
            return;
        }
        let was_heard = past.iter().any(|s| s.reason.is_urgent() && s.dialed_at.is_some_and(|at| at >= since));
        assert!(this.last.reason.is_urgent() && !was_heard, "one who was not wanted rings again");
        self.census.saw("an urgent call of one who was not wanted");
    }

    /// Whether a session that is remembered still is one of the same caller, as far as a tag can know.
    fn is_same(&self, other: &Notes, this: &Notes, now: Timestamp) -> bool {
        let (Some(person), Some(token)) = (this.bound_person, other.last.bound_to) else { return false };
        let day = now.utc_day();
        let is_yesterdays = !self.rules.luck.no_yesterday && token == person.token(day - 1);
        other.is_kept(now) && (is_yesterdays || token == person.token(day) || this.last.bound_to == Some(token))
    }
}

/// How many halves of an unwanted call it is, and when that was known.
fn unwanted_at(s: &SessionSnapshot) -> Option<(u32, Timestamp)> {
    let talk = || Session::restore(s.clone()).talk().map_or(0, Span::as_millis);
    match (s.reported_at, s.ended.unwrap_or((Outcome::Expired, Timestamp::default()))) {
        (Some(at), _) => Some((4, at)),
        (None, (Outcome::Declined, at)) if !s.facts.coming() => Some((2, at)),
        (None, (Outcome::Completed, at)) if (1..SHORT_MS).contains(&talk()) => Some((1, at)),
        (None, _) => None,
    }
}
