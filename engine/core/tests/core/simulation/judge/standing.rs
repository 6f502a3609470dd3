//! Whoever was not wanted leaves a tag alone for a while, and is heard once within it for something urgent.

use qnect_core::facts::Outcome;
use qnect_core::session::SessionSnapshot;
use qnect_core::time::{Span, Timestamp};

use super::routes::Answered;
use super::{Judge, Notes};

/// After the first unwanted call; six times as long after each further one, and at most a day.
const COOLDOWN_SECS: u64 = 600;

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
        let unwanted: Vec<Timestamp> = past.iter().filter_map(|s| unwanted_at(s)).collect();
        let Some(last) = unwanted.iter().max() else { return };
        let secs = COOLDOWN_SECS * 6_u64.pow(unwanted.len().min(4) as u32 - 1);
        if now >= last.plus(Span::from_secs(secs).min(Span::DAY)) {
            return;
        }
        let was_heard = past.iter().any(|s| s.reason.is_urgent() && s.dialed_at.is_some_and(|at| at >= *last));
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

/// When the owner said so.
fn unwanted_at(s: &SessionSnapshot) -> Option<Timestamp> {
    let declined = s.ended.filter(|(outcome, _)| *outcome == Outcome::Declined && !s.facts.coming());
    s.reported_at.or(declined.map(|(_, at)| at))
}
