//! The tag machine: one QR sticker, its owner's wishes, its limits and its sessions. What it is and what it remembers
//! stands here; what scanners ask of it in `scanning`, what telephones do to it in `calling`.

mod answers;
mod budget;
mod calling;
mod config;
mod scanning;

use std::sync::Arc;

pub use answers::{DialSettled, LegReaction, OpenDecision, OpenSession, SessionView};
pub use calling::latest_end;
pub use config::{OwnerId, OwnerProfile, TagConfig, TagStatus};

use self::budget::RingBudgets;
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::facts::Outcome;
use crate::policy::Policy;
use crate::record::Record;
use crate::session::{Session, SessionSnapshot, State};
use crate::session_id::SessionId;
use crate::tag_code::TagId;
use crate::time::Timestamp;

/// Ended sessions that a tag keeps in memory; older ones are read from storage.
pub const ENDED_SESSIONS_MAX: usize = 64;

/// One tag, hosted by one actor.
#[derive(Debug)]
pub struct Tag {
    config: Arc<TagConfig>,
    policy: Arc<Policy>,
    rings: RingBudgets,
    sessions: Vec<Session>,
}

impl Tag {
    /// Revives a tag with the sessions that storage remembers; its ring budgets are rebuilt from them, so that no
    /// restart gives anyone a fresh budget.
    pub fn restore(
        config: Arc<TagConfig>,
        policy: Arc<Policy>,
        sessions: Vec<SessionSnapshot>,
        now: Timestamp,
    ) -> Self {
        let mut sessions: Vec<_> = sessions.into_iter().map(Session::restore).collect();
        sessions.sort_by_key(|s| s.snapshot().opened_at);
        let mut rings: Vec<_> =
            sessions.iter().filter_map(|s| Some((s.snapshot().dialed_at?, s.snapshot().reason))).collect();
        rings.sort_by_key(|(at, _)| *at);
        let mut tag = Self { rings: RingBudgets::after(rings, &policy), config, policy, sessions };
        tag.forget_stale(now);
        tag
    }

    /// All that is needed to restore this tag's sessions and budgets.
    pub fn snapshot(&self) -> Vec<SessionSnapshot> {
        self.sessions.iter().map(|s| s.snapshot().clone()).collect()
    }

    /// Which tag.
    pub fn id(&self) -> TagId {
        self.config.id
    }

    /// Whose tag.
    pub fn owner(&self) -> Option<OwnerId> {
        self.config.owner.as_ref().map(|o| o.id)
    }

    /// When a session was opened, while it is in memory.
    pub fn opened_at(&self, id: SessionId) -> Option<Timestamp> {
        Some(self.sessions[self.position(id)?].snapshot().opened_at)
    }

    /// Records a session as it stands, for somebody who must wait for a commit of their own.
    pub fn record(&self, id: SessionId, effects: &mut Effects) {
        if let Some(index) = self.position(id) {
            let snapshot = self.sessions[index].snapshot().clone();
            effects.push(Effect::Record(Record::SessionAdvanced(Box::new(snapshot))));
        }
    }

    /// How many sessions have not ended.
    pub fn open_sessions(&self) -> usize {
        self.sessions.iter().filter(|s| s.state() != State::Ended).count()
    }

    /// When [`Tag::on_time`] next has something to do: to end a session, or to forget one that ended a day ago. Whether
    /// the tag may leave memory is for [`Tag::open_sessions`] to say.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let forget = self.sessions.iter().filter_map(Session::stale_at).min();
        self.next_end().into_iter().chain(forget).min()
    }

    /// The clock reached [`Tag::next_deadline`]: sessions that are due end, with their outcomes, and stale ones go.
    pub fn on_time(&mut self, now: Timestamp, desk: &mut Desk<'_>, effects: &mut Effects) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for session in &mut self.sessions {
            let Some(outcome) = session.end_if_due(&self.policy, now) else {
                continue;
            };
            outcomes.push(outcome);
            let s = session.snapshot();
            if let Some(owner) = desk.owner.as_mut() {
                owner.release(s.id);
            }
            effects.push(Effect::ReleaseCode { number: s.number, code: s.code, session: s.id });
            if let Some(leg) = &s.scanner_leg {
                effects.push(Effect::ForgetLeg { leg: leg.clone(), session: s.id });
            }
            effects.push(Effect::Record(Record::SessionEnded(Box::new(s.clone()))));
        }
        self.forget_stale(now);
        outcomes
    }

    /// What the holder of a session's id may see; `None` when the session is not in memory.
    pub fn view(&self, id: SessionId) -> Option<SessionView> {
        Some(SessionView::of(&self.sessions[self.position(id)?]))
    }

    /// When the next open session ends if nothing happens.
    fn next_end(&self) -> Option<Timestamp> {
        self.sessions.iter().filter_map(|s| s.deadline(&self.policy)).min()
    }

    fn forget_stale(&mut self, now: Timestamp) {
        self.sessions.retain(|s| !s.is_stale(now));
        let mut surplus = (self.sessions.len() - self.open_sessions()).saturating_sub(ENDED_SESSIONS_MAX);
        self.sessions.retain(|s| {
            let forget = surplus > 0 && s.state() == State::Ended;
            surplus -= usize::from(forget);
            !forget
        });
    }

    fn position(&self, id: SessionId) -> Option<usize> {
        self.sessions.iter().position(|s| s.snapshot().id == id)
    }
}
