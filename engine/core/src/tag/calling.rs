//! The telephone's side of a tag: who may be put through, and what became of the call.

use super::Tag;
use super::answers::{DialSettled, LegReaction};
use super::budget::{Budget, RingAllowance};
use crate::caller::Caller;
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::facts::Outcome;
use crate::instruction::{Announcement, Dial, Instruction};
use crate::language::Language;
use crate::leg::{LegEvent, LegId};
use crate::number::CallerId;
use crate::policy::{ACCEPT, Policy, WATCHDOG};
use crate::record::Record;
use crate::session::{Admission, Change, Stay};
use crate::session_id::SessionId;
use crate::time::Timestamp;

impl Tag {
    /// A caller gave the code of a session (or dials again), on `leg`.
    pub fn on_caller(
        &mut self,
        id: SessionId,
        leg: &LegId,
        caller: Caller,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> Instruction {
        let Some(index) = self.position(id) else {
            return say(Announcement::CodeRefused, Language::default());
        };
        let language = self.sessions[index].snapshot().language;
        match self.sessions[index].admits(leg, caller, now) {
            Admission::Refused => return say(Announcement::CodeRefused, language),
            // The first answer may be on its way to disk still: the repeated one waits for it too.
            Admission::Repeated => {
                self.record_advance(index, effects);
                return self.dial_instruction(index);
            }
            Admission::Ready => {}
        }
        self.sessions[index].bind(caller);
        let ring = match self.may_ring(index, now, desk) {
            Ok(ring) => ring,
            Err(announcement) => {
                self.record_advance(index, effects);
                return say(announcement, language);
            }
        };
        self.rings.charge(self.budget(index), ring, desk);
        if let Some(owner) = desk.owner.as_mut() {
            owner.live = Some((id, latest_end(&self.policy, now)));
        }
        self.sessions[index].dial(leg.clone(), now);
        self.record_advance(index, effects);
        self.dial_instruction(index)
    }

    /// Settles a dial for `leg` whose record is safe (`kept`) or too late: whether the owner rings. Answers to a repeated
    /// webhook race; the first that sends the instruction settles that the owner rings, for all of them. A dial that
    /// nobody sent is withheld: the session waits again, the owner's line is free, and nobody has paid for the ring that
    /// was none.
    pub fn on_dial_settled(
        &mut self,
        id: SessionId,
        leg: &LegId,
        kept: bool,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> DialSettled {
        let Some(index) = self.position(id) else { return DialSettled::Void };
        let session = &mut self.sessions[index];
        if !session.is_dialed_for(leg) {
            return DialSettled::Void;
        }
        if kept {
            session.send_dial();
        }
        if session.dial_is_sent() {
            return DialSettled::Rings;
        }
        session.withhold_dial();
        self.rings.refund(self.budget(index), &self.policy, desk);
        if let Some(owner) = desk.owner.as_mut() {
            owner.release(id);
        }
        effects.push(Effect::ForgetLeg { leg: leg.clone(), session: id });
        self.record_advance(index, effects);
        DialSettled::Withheld
    }

    /// A provider told something about the legs of a session.
    pub fn on_leg_event(
        &mut self,
        id: SessionId,
        event: LegEvent,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> LegReaction {
        let Some(index) = self.position(id) else {
            return LegReaction::UnknownSession;
        };
        let change = self.sessions[index].apply(event, now);
        let facts = self.sessions[index].snapshot().facts;
        if facts.over()
            && let Some(owner) = desk.owner.as_mut()
        {
            owner.release(id);
        }
        match change {
            // A repeated event may overtake the commit of the first: it waits for a commit of its own.
            Change::Moved | Change::Noted | Change::Stay(Stay::Duplicate) => self.record_advance(index, effects),
            Change::Stay(Stay::Late | Stay::NotDialed) => {}
        }
        let parting = match facts.outcome() {
            Outcome::Completed => Announcement::Goodbye,
            Outcome::Busy => Announcement::OwnerBusy,
            Outcome::NoAnswer | Outcome::Declined | Outcome::Failed | Outcome::Expired | Outcome::Cancelled => {
                Announcement::NoAnswer
            }
        };
        LegReaction::Changed { change, parting, language: self.sessions[index].snapshot().language }
    }

    /// What to whisper to the owner of a session.
    pub fn whisper(&self, id: SessionId) -> Option<Instruction> {
        let session = &self.sessions[self.position(id)?];
        let owner = self.config.owner.as_ref()?;
        Some(Instruction::Whisper { reason: session.snapshot().reason, language: owner.language })
    }

    /// Asks everyone who may forbid a ring, and charges nobody.
    fn may_ring(&self, index: usize, now: Timestamp, desk: &Desk<'_>) -> Result<RingAllowance, Announcement> {
        let session = self.sessions[index].snapshot();
        let unavailable = Announcement::OwnerUnavailable;
        let owner = self.config.owner.as_ref().ok_or(unavailable)?;
        if !self.config.answers() {
            return Err(unavailable);
        }
        if desk.owner.as_ref().is_some_and(|o| o.engaged_by_other(session.id, now)) {
            return Err(Announcement::OwnerBusy);
        }
        if !self.reachable_for(owner, now).contains(session.reason) {
            return Err(unavailable);
        }
        self.rings.ask(self.budget(index), &self.policy, now, desk).map_err(|_| unavailable)
    }

    fn dial_instruction(&self, index: usize) -> Instruction {
        let session = self.sessions[index].snapshot();
        let Some(owner) = &self.config.owner else {
            return say(Announcement::OwnerUnavailable, session.language);
        };
        Instruction::Dial(Dial {
            session: session.id,
            to: owner.phone.clone(),
            caller_id: CallerId::new(self.policy.owner_caller_id.unwrap_or(session.number)),
            ring: self.policy.ring,
            talk: self.policy.talk,
        })
    }

    fn budget(&self, index: usize) -> Budget {
        Budget::of(self.sessions[index].snapshot().reason)
    }

    fn record_advance(&self, index: usize, effects: &mut Effects) {
        effects.push(Effect::Record(Record::SessionAdvanced(Box::new(self.sessions[index].snapshot().clone()))));
    }
}

/// The last moment at which a call that is dialled at `now` can still be on.
pub fn latest_end(policy: &Policy, now: Timestamp) -> Timestamp {
    now.plus(policy.ring).plus(ACCEPT).plus(policy.talk).plus(WATCHDOG)
}

fn say(announcement: Announcement, language: Language) -> Instruction {
    Instruction::Say { announcement, language }
}
