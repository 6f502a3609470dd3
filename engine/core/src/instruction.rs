//! What a provider is to do next on a line, in our words.

use sha2::{Digest, Sha256};

use crate::language::{Language, Languages};
use crate::leg::LegId;
use crate::number::CallerId;
use crate::phone::Phone;
use crate::reason::Reason;
use crate::session_id::SessionId;
use crate::time::Span;

/// How often a caller may key a code within one call.
pub const CODE_ATTEMPTS_MAX: u8 = 3;
/// How often a caller may key the spoken digits of a challenge within one call.
pub const CHALLENGE_ATTEMPTS_MAX: u8 = 2;
/// How many digits a challenge has.
pub const CHALLENGE_DIGITS: u8 = 2;
/// How long one turn of holding the line for an engaged owner is.
pub const HOLD_TURN: Span = Span::from_secs(10);
/// How many turns a caller is held: a minute in all.
pub const HOLD_TURNS_MAX: u8 = 6;

/// The next step on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instruction {
    /// Listen for an access code.
    Ask {
        /// What to do with silence, and how to prompt.
        question: Question,
        /// How many digits a code has.
        digits: u8,
        /// In which languages to prompt.
        languages: Languages,
    },
    /// Speak two digits and listen for them: a person keys them, an automatic dialler does not.
    Challenge {
        /// The session whose owner is not rung before.
        session: SessionId,
        /// Which attempt this is, from 1 to [`CHALLENGE_ATTEMPTS_MAX`].
        attempt: u8,
        /// What to speak.
        spoken: ChallengeDigits,
        /// In which language.
        language: Language,
    },
    /// Keep the caller on the line for [`HOLD_TURN`], because the owner is engaged; then ask again.
    Hold {
        /// The session that waits.
        session: SessionId,
        /// Which turn this is, from 1 to [`HOLD_TURNS_MAX`].
        turn: u8,
        /// In which language.
        language: Language,
    },
    /// Ring the owner.
    Dial(Dial),
    /// Tell the owner, alone, why someone calls, and wait for a key: 1, or no bridge.
    Whisper {
        /// The session whose owner listens.
        session: SessionId,
        /// The reason.
        reason: Reason,
        /// The owner's language.
        language: Language,
    },
    /// On the owner's leg: connect the two. Only after [`OwnerKey::Accept`], and only when that is on stable storage.
    Connect,
    /// Say something and hang up: on the scanner's leg, or on the owner's alone.
    Say {
        /// What to say.
        announcement: Announcement,
        /// In which languages.
        languages: Languages,
    },
    /// Nothing to do: the event was noted.
    Acknowledge,
}

/// What a caller is asked while no session is known, and what happens when nothing is keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// For an access code: silence is prompted, then ends the call.
    Code {
        /// Which attempt this is, from 1 to [`CODE_ATTEMPTS_MAX`]; above 1 the last one was wrong.
        attempt: u8,
    },
    /// For an access code, of a caller whose last session may be dialled again: silence means just that. A code goes
    /// first, because its caller may stand at another car by now.
    CodeOrRedial,
    /// For an access code or a [`MenuChoice`], of an owner who calls one of our numbers back.
    CodeOrMenu,
}

/// What an owner who calls back may choose: one key each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MenuChoice {
    /// 1: no calls for an hour.
    Mute,
    /// 2: the last call was abuse.
    ReportAbuse,
    /// 9: the caller of the last call reaches this owner no more.
    BlockCaller,
}

impl MenuChoice {
    /// The choice behind what was keyed.
    pub fn of(keyed: &str) -> Option<Self> {
        match keyed {
            "1" => Some(Self::Mute),
            "2" => Some(Self::ReportAbuse),
            "9" => Some(Self::BlockCaller),
            _ => None,
        }
    }
}

/// What an owner may answer to the whisper: one key each. A provider that takes one key only takes [`OwnerKey::Accept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OwnerKey {
    /// 1: put the caller through.
    Accept,
    /// 2: no call, but the owner comes within five minutes.
    Coming,
    /// 3: no call, the owner cannot come.
    CannotCome,
}

impl OwnerKey {
    /// The key behind what was keyed.
    pub fn of(keyed: &str) -> Option<Self> {
        match keyed {
            "1" => Some(Self::Accept),
            "2" => Some(Self::Coming),
            "3" => Some(Self::CannotCome),
            _ => None,
        }
    }
}

/// The digits of a challenge. They depend on the provider's id of the leg, which no caller knows beforehand, so that they
/// have to be heard; and on nothing that changes, so that a repeated webhook speaks the same ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChallengeDigits([u8; CHALLENGE_DIGITS as usize]);

impl ChallengeDigits {
    /// The digits that the caller on `leg` must key for `session` at this attempt.
    pub fn of(session: SessionId, leg: &LegId, attempt: u8) -> Self {
        let hash = Sha256::new().chain_update(session.secret()).chain_update([attempt]).chain_update(leg.as_str());
        let hash = hash.finalize();
        Self([hash[0] % 10, hash[1] % 10])
    }

    /// The digits, in the order in which they are spoken.
    pub fn digits(self) -> [u8; CHALLENGE_DIGITS as usize] {
        self.0
    }

    /// Whether `keyed` is these digits.
    pub fn are(self, keyed: &str) -> bool {
        keyed.bytes().eq(self.0.into_iter().map(|digit| b'0' + digit))
    }
}

impl std::fmt::Debug for ChallengeDigits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChallengeDigits(hidden)")
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Announcement {
    /// The code leads nowhere: wrong, expired, another caller's, or the caller is locked out. All sound alike.
    CodeRefused,
    /// The owner cannot be reached now: paused, quiet, limits used up, the caller blocked. All sound alike.
    OwnerUnavailable,
    /// The owner is on another call of ours.
    OwnerBusy,
    /// Something on our side took too long; the session waits again.
    TryAgain,
    /// All lines of the account at the provider are taken; the session waits on.
    LinesBusy,
    /// The owner did not take the call.
    NoAnswer,
    /// The owner pressed 2: no talk, but help is on its way.
    OwnerComing,
    /// The call is over.
    Goodbye,
    /// To an owner: the answer was noted, the line closes.
    Noted,
    /// To an owner who called back: no calls for an hour.
    Muted,
    /// To an owner who called back: the report was noted.
    Reported,
    /// To an owner who called back: there was no call to report.
    NothingToReport,
    /// To an owner who called back: the caller of the last call reaches them no more.
    Blocked,
    /// To an owner who called back: there was no call, or its caller withheld the number.
    NothingToBlock,
    /// To an owner who called back: as many callers are blocked as can be.
    BlockedCallersFull,
}

impl Announcement {
    /// All announcements.
    pub const ALL: [Self; 15] = [
        Self::CodeRefused,
        Self::OwnerUnavailable,
        Self::OwnerBusy,
        Self::TryAgain,
        Self::LinesBusy,
        Self::NoAnswer,
        Self::OwnerComing,
        Self::Goodbye,
        Self::Noted,
        Self::Muted,
        Self::Reported,
        Self::NothingToReport,
        Self::Blocked,
        Self::NothingToBlock,
        Self::BlockedCallersFull,
    ];
}
