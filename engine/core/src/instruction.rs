//! What a provider is to do next on the scanner's line, in our words.

use crate::language::Language;
use crate::number::CallerId;
use crate::phone::Phone;
use crate::reason::Reason;
use crate::session_id::SessionId;
use crate::time::Span;

/// How often a caller may key a code within one call.
pub const CODE_ATTEMPTS_MAX: u8 = 3;

/// The next step on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Listen for the access code.
    AskForCode {
        /// How many digits.
        digits: u8,
        /// Which attempt this is, from 1; above 1 the last one was wrong.
        attempt: u8,
        /// In which language to prompt.
        language: Language,
    },
    /// Ring the owner.
    Dial(Dial),
    /// Tell the owner, alone, why someone calls, and wait for the key 1.
    Whisper {
        /// The reason.
        reason: Reason,
        /// The owner's language.
        language: Language,
    },
    /// Say something and hang up.
    Say {
        /// What to say.
        announcement: Announcement,
        /// In which language.
        language: Language,
    },
    /// Nothing to do: the event was noted.
    Acknowledge,
}

/// How to ring an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// The session; callback addresses carry it.
    pub session: SessionId,
    /// Whom to ring. The one place where an owner's number goes out, to the provider that carries this call.
    pub to: Phone,
    /// What the owner's telephone displays: one of our numbers.
    pub caller_id: CallerId,
    /// How long to ring.
    pub ring: Span,
    /// How long the two may talk.
    pub talk: Span,
}

/// What a caller may hear before the line is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// The code leads nowhere: wrong, expired, or another caller's. All sound alike.
    CodeRefused,
    /// The owner cannot be reached now: paused, quiet, limits used up. All sound alike.
    OwnerUnavailable,
    /// The owner is on another call of ours.
    OwnerBusy,
    /// Something on our side took too long; the session waits again.
    TryAgain,
    /// The owner did not take the call.
    NoAnswer,
    /// The call is over.
    Goodbye,
}
