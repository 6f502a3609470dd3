//! The telephone's side of a tag: who may be put through, and what became of the call.

use super::Tag;
use super::answers::{CallTurn, DialSettled, FollowUp, LegReaction, OnLine, Redialled};
use super::budget::{Ring, RingAllowance};
use super::config::OwnerProfile;
use crate::caller::{BlockToken, Caller};
use crate::desk::Desk;
use crate::effects::{Effect, Effects};
use crate::facts::Outcome;
use crate::instruction::{Announcement, CHALLENGE_ATTEMPTS_MAX, ChallengeDigits, Dial, HOLD_TURNS_MAX, Instruction};
use crate::language::{Language, Languages};
use crate::leg::{LegEvent, LegId};
use crate::number::CallerId;
use crate::policy::{ACCEPT, Policy, WATCHDOG};
use crate::record::Record;
use crate::session::{Admission, Change, Session, SessionSnapshot, Stay};
use crate::session_id::SessionId;
use crate::time::Timestamp;

impl Tag {
    /// A caller gave the code of a session, answered its challenge, or waited for an engaged owner.
    pub fn on_caller(
        &mut self,
        on_line: &OnLine<'_>,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> Instruction {
        let &OnLine { session: id, leg, caller, turn, line_is_free } = on_line;
        let Some(index) = self.position(id) else {
            return Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every };
        };
        let language = self.sessions[index].snapshot().language;
        match self.sessions[index].admits(leg, caller, now) {
            // Without a word of whose session it is, not even by the language.
            Admission::Refused => {
                return Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every };
            }
            // The first answer may be on its way to disk still: the repeated one waits for it too.
            Admission::Repeated => {
                self.record_advance(index, effects);
                return self.dial_instruction(index);
            }
            Admission::Ready => {}
        }
        self.bind(index, caller, effects);
        if let Some(from) = self.sessions[index].first_use() {
            effects.push(Effect::UsedSession { from });
        }
        if let Some(refusal) = self.weigh(index, now, desk) {
            self.record_advance(index, effects);
            return refusal;
        }
        if let Some(challenge) = self.challenge(index, leg, turn, language) {
            self.record_advance(index, effects);
            return challenge;
        }
        let ring = match self.may_ring(index, (caller, line_is_free), now, desk) {
            Ok(ring) => ring,
            Err(announcement) => {
                self.record_advance(index, effects);
                return hold(id, turn, announcement, language).unwrap_or(say(announcement, language));
            }
        };
        self.rings.charge(self.ring(index), ring, desk);
        if let Some(owner) = desk.owner.as_mut() {
            owner.live = Some((id, latest_end(&self.policy, now)));
        }
        self.sessions[index].dial(leg.clone(), now);
        if let Some(from) = self.sessions[index].speaks_for() {
            let urgent = self.sessions[index].snapshot().reason.is_urgent();
            effects.push(Effect::CreditAddress { from, urgent, caller: caller.token() });
        }
        self.record_advance(index, effects);
        self.dial_instruction(index)
    }

    /// The caller that a session is bound to dials its number again, without a code. A session that still waits is dialled; after
    /// a call that is over, `follow_up` is opened for the same reason, and dialled.
    pub fn on_redial(
        &mut self,
        from: SessionId,
        follow_up: &FollowUp,
        (leg, caller): (&LegId, Caller),
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> Redialled {
        let session = match self.dialled_for(leg).or_else(|| self.redialled(from, leg, caller, now)) {
            Some(known) => known,
            None => match self.follow(from, follow_up, caller, now, desk, effects) {
                Ok(session) => session,
                Err(announcement) => {
                    let instruction = Instruction::Say { announcement, languages: Languages::Every };
                    return Redialled { session: from, instruction };
                }
            },
        };
        let line_is_free = follow_up.line_is_free;
        let on_line = OnLine { session, leg, caller, turn: CallTurn::Code, line_is_free };
        Redialled { session, instruction: self.on_caller(&on_line, now, desk, effects) }
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
            // Not before: a dial that is withheld is none that an owner could report.
            let owner = desk.owner.as_mut().filter(|o| o.live.is_some_and(|(live, _)| live == id));
            if let (Some(owner), Some(dialed_at)) = (owner, session.snapshot().dialed_at) {
                owner.note_ring(id, dialed_at);
            }
        }
        if session.dial_is_sent() {
            return DialSettled::Rings;
        }
        if session.dial_is_told() {
            // A call that we never asked for: the session stands, but what is not safe is not sent for that.
            return DialSettled::Void;
        }
        session.withhold_dial();
        self.rings.refund(self.ring(index), &self.policy, desk);
        if let Some(owner) = desk.owner.as_mut() {
            owner.release(id);
        }
        effects.push(Effect::ForgetLeg { leg: leg.clone(), session: id });
        self.record_advance(index, effects);
        DialSettled::Withheld
    }

    /// A provider told something about the legs of a session; `owner_leg` is its call to the owner, where it says which.
    pub fn on_leg_event(
        &mut self,
        id: SessionId,
        (event, owner_leg): (LegEvent, Option<LegId>),
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> LegReaction {
        let Some(index) = self.position(id) else {
            return LegReaction::UnknownSession;
        };
        let session = &mut self.sessions[index];
        let mut change = session.apply(event, now);
        let learnt = owner_leg.is_some_and(|leg| session.learn_owner_leg(leg));
        if learnt && change == Change::Stay(Stay::Duplicate) {
            change = Change::Noted;
        }
        let facts = session.snapshot().facts;
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
            _ if facts.coming() => Announcement::OwnerComing,
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
        Some(Instruction::Whisper { session: id, reason: session.snapshot().reason, language: owner.language })
    }

    /// Binds a session to a caller, who may dial its number again from now on.
    fn bind(&mut self, index: usize, caller: Caller, effects: &mut Effects) {
        if self.sessions[index].bind(caller) {
            self.remember_caller(index, effects);
        }
    }

    pub(super) fn remember_caller(&self, index: usize, effects: &mut Effects) {
        let s = self.sessions[index].snapshot();
        if let Some(caller) = s.bound_to {
            let (number, session, code, until) = (s.number, s.id, s.code, s.expires_at);
            effects.push(Effect::RememberCaller { number, caller, session, code, until });
        }
    }

    /// Weighs what stands against the caller: from so many points on a challenge is required, from more on nobody is rung. For
    /// an urgent reason it takes half as many more.
    fn weigh(&mut self, index: usize, now: Timestamp, desk: &Desk<'_>) -> Option<Instruction> {
        let against_caller = desk.assess_caller(now);
        if against_caller.points() == 0 {
            return None;
        }
        let against = self.assess(desk, now);
        if against.reaches(self.policy.challenge_at) {
            self.sessions[index].require_challenge(against.because);
        }
        let session = self.sessions[index].snapshot();
        let more = if session.reason.is_urgent() { self.policy.refuse_at / 2 } else { 0 };
        let is_refused = against_caller.reaches(self.policy.refuse_at.saturating_add(more));
        is_refused.then(|| say(Announcement::OwnerUnavailable, session.language))
    }

    /// What the challenge of a session still wants of the caller on `leg`; `None` when it wants nothing.
    fn challenge(&mut self, index: usize, leg: &LegId, turn: CallTurn<'_>, language: Language) -> Option<Instruction> {
        let session = &mut self.sessions[index];
        if !session.wants_challenge(leg) {
            return None;
        }
        let id = session.snapshot().id;
        let attempt = match turn {
            CallTurn::Code | CallTurn::Held { .. } => 1,
            CallTurn::Challenge { keyed, attempt } if ChallengeDigits::of(id, leg, attempt).are(keyed) => {
                session.meet_challenge(leg.clone());
                return None;
            }
            CallTurn::Challenge { attempt, .. } if attempt >= CHALLENGE_ATTEMPTS_MAX => {
                return Some(Instruction::Say { announcement: Announcement::CodeRefused, languages: Languages::Every });
            }
            CallTurn::Challenge { attempt, .. } => attempt + 1,
        };
        Some(Instruction::Challenge { session: id, attempt, spoken: ChallengeDigits::of(id, leg, attempt), language })
    }

    /// The session that `leg` was dialled for, an open one before any other: a repeated webhook means that one, even when
    /// its call is over.
    fn dialled_for(&self, leg: &LegId) -> Option<SessionId> {
        let dialled = self.sessions.iter().filter(|s| s.snapshot().scanner_leg.as_ref() == Some(leg));
        dialled.max_by_key(|s| s.is_dialed_for(leg)).map(|s| s.snapshot().id)
    }

    /// The session that waits for `caller`, on the number of `from`: `from` itself before any other.
    fn redialled(&self, from: SessionId, leg: &LegId, caller: Caller, now: Timestamp) -> Option<SessionId> {
        let number = self.sessions[self.position(from)?].snapshot().number;
        let waits = |s: &&Session| {
            s.is_bound_to(caller) && s.snapshot().number == number && s.admits(leg, caller, now) == Admission::Ready
        };
        let waiting = self.sessions.iter().filter(waits).min_by_key(|s| s.snapshot().id != from);
        waiting.map(|s| s.snapshot().id)
    }

    /// Opens the session that follows `from`, or says what the caller hears instead.
    fn follow(
        &mut self,
        from: SessionId,
        follow_up: &FollowUp,
        caller: Caller,
        now: Timestamp,
        desk: &mut Desk<'_>,
        effects: &mut Effects,
    ) -> Result<SessionId, Announcement> {
        let index = self.position(from).ok_or(Announcement::CodeRefused)?;
        let before = &self.sessions[index];
        // What followed it counts too: after a restart the last of a chain may not be the one that is remembered.
        let since = before.snapshot().opened_at;
        let was_unwanted = |s: &Session| s.snapshot().opened_at >= since && s.is_bound_to(caller) && s.was_unwanted();
        if !before.may_be_followed(caller, now) || self.sessions.iter().any(was_unwanted) {
            return Err(Announcement::CodeRefused);
        }
        if !self.config.answers() {
            return Err(Announcement::OwnerUnavailable);
        }
        let urgent = before.snapshot().reason.is_urgent();
        let owner = self.may_open(before.snapshot().reason, now).map_err(|_| Announcement::OwnerUnavailable)?;
        if owner != before.snapshot().owner || self.blocks(caller.for_owner()) {
            return Err(Announcement::OwnerUnavailable);
        }
        let (number, code) = follow_up.line.ok_or(Announcement::TryAgain)?;
        if self.make_room(urgent, None, now, desk, effects).is_err() {
            return Err(Announcement::OwnerUnavailable);
        }
        let before = &self.sessions[index];
        let session = Session::following(before, follow_up.id, (number, code), owner, now);
        effects.push(Effect::Record(Record::SessionOpened(Box::new(session.snapshot().clone()))));
        self.sessions.push(session);
        self.remember_caller(self.sessions.len() - 1, effects);
        Ok(follow_up.id)
    }

    /// Asks everyone who may forbid a ring, and charges nobody.
    fn may_ring(
        &self,
        index: usize,
        (caller, line_is_free): (Caller, bool),
        now: Timestamp,
        desk: &Desk<'_>,
    ) -> Result<RingAllowance, Announcement> {
        let session = self.sessions[index].snapshot();
        let unavailable = Announcement::OwnerUnavailable;
        let owner = self.owner_of(session).ok_or(unavailable)?;
        if !self.config.answers() {
            return Err(unavailable);
        }
        if desk.owner.as_ref().is_some_and(|o| o.engaged_by_other(session.id, now)) {
            return Err(Announcement::OwnerBusy);
        }
        // Who is blocked hears what everybody hears whom the owner does not want to hear now.
        if !self.reachable_for(owner, now).contains(session.reason) || self.blocks(session.block_token) {
            return Err(unavailable);
        }
        if !self.bears(index, caller, now) {
            return Err(unavailable);
        }
        let allowance = self.rings.ask(self.ring(index), &self.policy, now, desk).map_err(|_| unavailable)?;
        // The last question: whoever may not ring anyway shall not hear that it is the lines.
        if line_is_free { Ok(allowance) } else { Err(Announcement::LinesBusy) }
    }

    /// Whether the owner has blocked the caller of this name. Who has none cannot be blocked.
    fn blocks(&self, caller: Option<BlockToken>) -> bool {
        let owner = self.config.owner.as_ref();
        caller.zip(owner).is_some_and(|(caller, owner)| owner.blocked.include(&caller))
    }

    /// Whom a session reaches. A tag that changed hands meanwhile has another owner, with whom its scanner has no business.
    fn owner_of(&self, session: &SessionSnapshot) -> Option<&OwnerProfile> {
        self.config.owner.as_ref().filter(|owner| owner.id == session.owner)
    }

    fn dial_instruction(&self, index: usize) -> Instruction {
        let session = self.sessions[index].snapshot();
        let Some(owner) = self.owner_of(session) else {
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

    fn ring(&self, index: usize) -> Ring {
        Ring::of(self.sessions[index].snapshot())
    }

    fn record_advance(&self, index: usize, effects: &mut Effects) {
        effects.push(Effect::Record(Record::SessionAdvanced(Box::new(self.sessions[index].snapshot().clone()))));
    }
}

/// The last moment at which a call that is dialled at `now` can still be on.
pub fn latest_end(policy: &Policy, now: Timestamp) -> Timestamp {
    now.plus(policy.ring).plus(ACCEPT).plus(policy.talk).plus(WATCHDOG)
}

/// An engaged owner may be free soon: the caller is held for a minute in all.
fn hold(session: SessionId, turn: CallTurn<'_>, why: Announcement, language: Language) -> Option<Instruction> {
    let over = match turn {
        CallTurn::Code | CallTurn::Challenge { .. } => 0,
        CallTurn::Held { turn } => turn,
    };
    let may_hold = why == Announcement::OwnerBusy && over < HOLD_TURNS_MAX;
    may_hold.then(|| Instruction::Hold { session, turn: over + 1, language })
}

fn say(announcement: Announcement, language: Language) -> Instruction {
    Instruction::Say { announcement, languages: Languages::Only(language) }
}
