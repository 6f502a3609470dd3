//! What a tag is asked, and what it answers.

use crate::abuse::SignalSet;
use crate::access_code::AccessCode;
use crate::caller::Caller;
use crate::facts::Outcome;
use crate::instruction::{Announcement, Instruction};
use crate::language::Language;
use crate::leg::LegId;
use crate::number::IntermediaryNumber;
use crate::reason::Reason;
use crate::scan::{AddressKey, Refusal};
use crate::session::{Change, Idempotency, Session, State};
use crate::session_id::SessionId;
use crate::time::{Span, Timestamp};

/// A request to open a session; the number, the code and the random bits are handed in.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The new session's name.
    pub id: SessionId,
    /// The leased number and code; `None` when all are in use.
    pub line: Option<(IntermediaryNumber, AccessCode)>,
    /// Why.
    pub reason: Reason,
    /// The scanner's language.
    pub language: Language,
    /// The request's own name, if it has one.
    pub idempotency: Option<Idempotency>,
    /// Where it comes from, if that is known.
    pub from: Option<AddressKey>,
}

/// What anyone who holds a session's id may see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Which session.
    pub id: SessionId,
    /// Where it stands.
    pub state: State,
    /// How it ended, once it did.
    pub outcome: Option<Outcome>,
    /// When it ends if nobody calls.
    pub expires_at: Timestamp,
    /// The number to dial.
    pub number: IntermediaryNumber,
    /// The digits to key.
    pub code: AccessCode,
    /// Why the scanner calls.
    pub reason: Reason,
    /// The scanner's language.
    pub language: Language,
    /// How long the two talked, once over.
    pub talk: Option<Span>,
    /// The line asks for two spoken digits before the owner is rung.
    pub challenge: bool,
    /// The signs of abuse for which it does.
    pub because: SignalSet,
    /// The owner said to come within five minutes.
    pub coming: bool,
}

impl SessionView {
    /// What a remembered session shows.
    pub fn of(session: &Session) -> Self {
        let s = session.snapshot();
        Self {
            id: s.id,
            state: session.state(),
            outcome: s.ended.map(|(outcome, _)| outcome),
            expires_at: s.expires_at,
            number: s.number,
            code: s.code,
            reason: s.reason,
            language: s.language,
            talk: session.talk(),
            challenge: s.challenge,
            because: s.because,
            coming: s.facts.coming(),
        }
    }
}

/// The answer to [`Tag::on_open_session`](super::Tag::on_open_session).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenDecision {
    /// It is open. The lease of number and code is used.
    Opened(SessionView),
    /// The same request had opened this one. The lease is not used.
    Replayed(SessionView),
    /// It would be open, but all numbers are in use.
    NumbersExhausted,
    /// Another request bore the same name.
    IdempotencyConflict,
    /// Not now, or not at all.
    Refused {
        /// Why.
        refusal: Refusal,
        /// When to come back, for limits and scores; else zero.
        retry_after: Span,
        /// The signs of abuse for which, where it is the score.
        because: SignalSet,
    },
}

/// A caller on the line of a session.
#[derive(Debug, Clone)]
pub struct OnLine<'a> {
    /// Which session.
    pub session: SessionId,
    /// The caller's leg.
    pub leg: &'a LegId,
    /// Who it is.
    pub caller: Caller,
    /// What brings the caller here.
    pub turn: CallTurn<'a>,
    /// Whether the provider has a line left to ring the owner with.
    pub line_is_free: bool,
}

/// What brings a caller to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallTurn<'a> {
    /// The session's code, or the wish to dial it again.
    Code,
    /// An answer to its challenge.
    Challenge {
        /// What was keyed.
        keyed: &'a str,
        /// Which attempt it was, from 1.
        attempt: u8,
    },
    /// The end of a turn of waiting for an engaged owner.
    Held {
        /// Which turn is over, from 1.
        turn: u8,
    },
}

/// What a session needs that follows one whose call is over: a name, and a number with a code of its own.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// The new session's name.
    pub id: SessionId,
    /// The leased number and code; `None` when all are in use.
    pub line: Option<(IntermediaryNumber, AccessCode)>,
    /// Whether the provider has a line left to ring the owner with.
    pub line_is_free: bool,
}

/// The answer to [`Tag::on_redial`](super::Tag::on_redial).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redialled {
    /// The session that the caller is on the line of now: that of before, or the one that follows it.
    pub session: SessionId,
    /// What comes next on the line.
    pub instruction: Instruction,
}

/// The answer to [`Tag::on_leg_event`](super::Tag::on_leg_event).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegReaction {
    /// What it did.
    Changed {
        /// To the session.
        change: Change,
        /// What the scanner may be told if still on the line.
        parting: Announcement,
        /// In which language.
        language: Language,
    },
    /// There is no such session in memory: it ended long ago.
    UnknownSession,
}

/// The answer to [`Tag::on_dial_settled`](super::Tag::on_dial_settled).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialSettled {
    /// The instruction may be sent, or was sent already: the owner rings.
    Rings,
    /// The instruction must not be sent; the session waits again.
    Withheld,
    /// There is no dial for this leg that may be sent: another answer withheld it, the session is over, or a provider tells
    /// of a call that we did not ask for.
    Void,
}
