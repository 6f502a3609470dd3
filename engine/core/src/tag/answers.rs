//! What a tag is asked, and what it answers.

use crate::access_code::AccessCode;
use crate::facts::Outcome;
use crate::instruction::Announcement;
use crate::language::Language;
use crate::number::IntermediaryNumber;
use crate::reason::Reason;
use crate::scan::Refusal;
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
        /// When to come back, for limits; else zero.
        retry_after: Span,
    },
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
    /// There is no dial for this leg: another answer withheld it, or the session is over.
    Void,
}
