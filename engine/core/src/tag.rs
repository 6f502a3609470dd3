//! The tag machine: one QR sticker, its owner's wishes, its limits and its sessions. What it is and what it remembers
//! stands here; what scanners ask of it in `scanning`, what telephones do to it in `calling`.

mod answers;
mod budget;
mod calling;
mod config;
mod room;
mod scanning;
mod score;
mod standing;

use std::sync::Arc;

pub use answers::{
    CallTurn, DialSettled, FollowUp, LegReaction, OnLine, OpenDecision, OpenSession, Redialled, SessionView,
};
pub use calling::latest_end;
pub use config::{OwnerId, OwnerProfile, TagConfig, TagStatus};

use self::budget::{Ring, RingBudgets};
use crate::abuse::Signal;
use crate::caller::Caller;
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::facts::Outcome;
use crate::leg::LegId;
use crate::policy::Policy;
use crate::provider_request::{Operation, ProviderRequest};
use crate::record::Record;
use crate::session::{Cancelled, Due, Session, SessionSnapshot, State};
use crate::session_id::SessionId;
use crate::tag_code::TagId;
use crate::time::Timestamp;

/// Ended sessions that a tag keeps in memory, those that were called before the others; the rest is read from storage.
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
            sessions.iter().filter_map(|s| Some((s.snapshot().dialed_at?, Ring::of(s.snapshot())))).collect();
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

    /// The country calling code of the owner's telephone: a call within one country is the one that works everywhere.
    pub fn owner_calling_code(&self) -> Option<u16> {
        self.config.owner.as_ref().map(|o| o.phone.calling_code())
    }

    /// Whether the tag answers scanners; one that does not looks exactly like an unknown one. What was begun before goes
    /// on: its sessions keep their clock and hear of their legs.
    pub fn answers(&self) -> bool {
        self.config.answers()
    }

    /// The tag, or its owner, was changed: from now on decisions follow `config`, which is of this same tag. Sessions,
    /// budgets and what has been dialled stay as they are.
    pub fn on_configured(&mut self, config: Arc<TagConfig>) {
        debug_assert_eq!(config.id, self.config.id, "a tag does not become another one");
        self.config = config;
    }

    /// Whom a session reaches, while it is in memory.
    pub fn owner_of_session(&self, id: SessionId) -> Option<OwnerId> {
        Some(self.sessions[self.position(id)?].snapshot().owner)
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

    /// Whether the owner has reported the call of a session.
    pub fn is_reported(&self, id: SessionId) -> bool {
        self.position(id).is_some_and(|index| self.sessions[index].snapshot().reported_at.is_some())
    }

    /// The caller that a session is bound to may dial it again, whatever the same caller was put through to meanwhile.
    pub fn remember_caller_of(&self, id: SessionId, caller: Caller, effects: &mut Effects) {
        if let Some(index) = self.position(id)
            && self.sessions[index].is_bound_to(caller)
        {
            self.remember_caller(index, effects);
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
            match session.on_time(&self.policy, now) {
                None => {}
                Some(Due::Overdue) => ask_both_legs(session.snapshot(), Operation::FetchCall, effects),
                Some(Due::Ended { outcome, lost }) => {
                    outcomes.push(outcome);
                    if lost {
                        // The watchdog's last word: whoever is still on the line is not any more.
                        ask_both_legs(session.snapshot(), Operation::HangUp, effects);
                    }
                    let_go(session.snapshot(), desk, effects);
                    if let (Some(caller), Some((signal, _))) = (session.snapshot().bound_to, session.sign_at_end()) {
                        effects.push(Effect::NoteCaller { caller, signal, owner: session.snapshot().owner });
                    }
                    effects.push(Effect::Record(Record::SessionEnded(Box::new(session.snapshot().clone()))));
                }
            }
        }
        self.forget_stale(now);
        outcomes
    }

    /// The scanner does not want the call any more: a session that nobody has called ends, a call is hung up. Returns
    /// what became of it; `None` when the session is not in memory.
    pub fn on_cancel(
        &mut self,
        id: SessionId,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> Option<Cancelled> {
        let index = self.position(id)?;
        let session = &mut self.sessions[index];
        let cancelled = session.cancel(now);
        match cancelled {
            Cancelled::Now => {
                let_go(session.snapshot(), desk, effects);
                self.record(id, effects);
            }
            Cancelled::HangUp => ask_scanner_leg(session.snapshot(), Operation::HangUp, effects),
            Cancelled::TooLate => {}
        }
        Some(cancelled)
    }

    /// The owner reports the call of a session as abuse. Returns whether there was one that had not been reported.
    pub fn on_abuse_reported(&mut self, id: SessionId, now: Timestamp, effects: &mut Effects) -> bool {
        let Some(index) = self.position(id) else { return false };
        let is_new = self.sessions[index].report(now);
        if is_new {
            if let Some(caller) = self.sessions[index].snapshot().bound_to {
                let (signal, owner) = (Signal::ReportedCalls, self.sessions[index].snapshot().owner);
                effects.push(Effect::NoteCaller { caller, signal, owner });
            }
            self.record(id, effects);
        }
        is_new
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
        // Those that nobody called go first: opening sessions must not wash away the calls that the score is made of.
        for was_dialed in [false, true] {
            self.sessions.retain(|s| {
                let is_next = s.state() == State::Ended && s.snapshot().dialed_at.is_some() == was_dialed;
                let forget = surplus > 0 && is_next;
                surplus -= usize::from(forget);
                !forget
            });
        }
    }

    fn position(&self, id: SessionId) -> Option<usize> {
        self.sessions.iter().position(|s| s.snapshot().id == id)
    }
}

/// A session that has ended lets go of what it held.
fn let_go(s: &SessionSnapshot, desk: &mut Desk<'_>, effects: &mut Effects) {
    if let Some(owner) = desk.owner.as_mut() {
        owner.release(s.id);
    }
    effects.push(Effect::ReleaseCode { number: s.number, code: s.code, session: s.id });
    if let Some(leg) = &s.scanner_leg {
        effects.push(Effect::ForgetLeg { leg: leg.clone(), session: s.id });
    }
}

fn ask_scanner_leg(s: &SessionSnapshot, operation: Operation, effects: &mut Effects) {
    ask(s, s.scanner_leg.as_ref(), true, operation, effects);
}

/// The owner's leg too: a scanner's leg that is over does not end it everywhere.
fn ask_both_legs(s: &SessionSnapshot, operation: Operation, effects: &mut Effects) {
    ask_scanner_leg(s, operation, effects);
    ask(s, s.owner_leg.as_ref(), false, operation, effects);
}

fn ask(s: &SessionSnapshot, leg: Option<&LegId>, is_scanner_leg: bool, operation: Operation, effects: &mut Effects) {
    if let Some(leg) = leg {
        let request = ProviderRequest { number: s.number, session: s.id, leg: leg.clone(), is_scanner_leg, operation };
        effects.push(Effect::Ask(request));
    }
}
