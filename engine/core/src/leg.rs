//! Legs: single calls at a provider, and what providers tell about them, in our words.

use crate::instruction::{OwnerKey, Question};
use crate::session_id::SessionId;

/// Longest provider call id that is accepted, in bytes.
pub const LEG_ID_BYTES_MAX: usize = 64;

/// A provider's id of one call. Sealed when stored; the provider could resolve it to numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LegId(Box<str>);

impl LegId {
    /// Wraps an id; `None` when it is empty, longer than [`LEG_ID_BYTES_MAX`] or not printable ASCII.
    pub fn new(id: &str) -> Option<Self> {
        let printable = id.bytes().all(|b| b.is_ascii_graphic());
        (!id.is_empty() && id.len() <= LEG_ID_BYTES_MAX && printable).then(|| Self(id.into()))
    }

    /// The provider's spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for LegId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LegId(hidden)")
    }
}

/// How a leg, or the attempt to make one, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegEnd {
    /// Someone or something answered, and then it ended.
    Completed,
    /// The called party itself ended an answered leg.
    HungUp,
    /// Engaged.
    Busy,
    /// It rang out.
    NoAnswer,
    /// The called party refused the call.
    Rejected,
    /// The calling party gave up before an answer.
    Cancelled,
    /// It could not be put through.
    Failed,
}

impl LegEnd {
    /// All ends.
    pub const ALL: [Self; 7] =
        [Self::Completed, Self::HungUp, Self::Busy, Self::NoAnswer, Self::Rejected, Self::Cancelled, Self::Failed];
}

/// What a provider told about the legs of a session that was dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegEvent {
    /// The owner's telephone rings.
    OwnerRang,
    /// Someone or something answered the owner's telephone.
    OwnerAnswered,
    /// The owner pressed 1: the two are connected.
    OwnerAccepted,
    /// The owner pressed the key that refuses.
    OwnerRefused,
    /// The owner pressed the key that says "coming in five minutes".
    OwnerComing,
    /// The owner's leg is over.
    OwnerLegEnded(LegEnd),
    /// The instruction to dial is over.
    DialEnded(LegEnd),
    /// The scanner's leg is over.
    ScannerLegEnded,
}

impl LegEvent {
    /// Every event there is.
    pub fn all() -> impl Iterator<Item = Self> {
        let single = [Self::OwnerRang, Self::OwnerAnswered, Self::OwnerAccepted, Self::OwnerRefused, Self::OwnerComing];
        single
            .into_iter()
            .chain([Self::ScannerLegEnded])
            .chain(LegEnd::ALL.into_iter().map(Self::OwnerLegEnded))
            .chain(LegEnd::ALL.into_iter().map(Self::DialEnded))
    }

    /// Whether the event ends a leg or the dial.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::OwnerLegEnded(_) | Self::DialEnded(_) | Self::ScannerLegEnded)
    }
}

/// What a provider's webhook says, in our words.
#[derive(Clone)]
pub enum ProviderEvent {
    /// A call arrived on an intermediary number.
    CallArrived(Call),
    /// The caller keyed digits, or kept silent where silence is an answer.
    DigitsGiven {
        /// The call.
        call: Call,
        /// What was keyed, digits only, at most 16; empty when nothing was.
        keyed: String,
        /// What had been asked.
        question: Question,
    },
    /// The caller answered a challenge.
    ChallengeAnswered {
        /// The call.
        call: Call,
        /// The session that was called.
        session: SessionId,
        /// What was keyed, digits only, at most 16; empty when nothing was.
        keyed: String,
        /// Which attempt this is, from 1.
        attempt: u8,
    },
    /// The caller was held for an engaged owner, and that turn is over.
    HoldOver {
        /// The call.
        call: Call,
        /// The session that waits.
        session: SessionId,
        /// Which turn is over, from 1.
        turn: u8,
    },
    /// The owner's telephone was answered and the provider asks what to whisper.
    WhisperWanted {
        /// The session whose owner listens.
        session: SessionId,
        /// The owner's leg, where the provider tells it.
        leg: Option<LegId>,
    },
    /// The owner pressed a key, or none in time.
    OwnerKeyed {
        /// The session whose owner listens.
        session: SessionId,
        /// Which; `None` for silence and for keys without a meaning.
        key: Option<OwnerKey>,
        /// The owner's leg, where the provider tells it.
        leg: Option<LegId>,
    },
    /// Something happened to a leg of a session.
    Leg {
        /// The session.
        session: SessionId,
        /// What happened.
        event: LegEvent,
        /// The owner's leg, where the provider tells it.
        leg: Option<LegId>,
    },
    /// A call on an intermediary number ended; which session it belonged to is for us to know.
    CallEnded {
        /// The scanner's leg.
        leg: LegId,
    },
    /// Something that needs no action: counted, and acknowledged.
    Ignored,
}

impl std::fmt::Debug for ProviderEvent {
    /// Hides what was keyed: mostly it is an access code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CallArrived(call) => f.debug_tuple("CallArrived").field(call).finish(),
            Self::DigitsGiven { call, keyed, question } => f
                .debug_struct("DigitsGiven")
                .field("call", call)
                .field("keyed", &format_args!("{} digits", keyed.len()))
                .field("question", question)
                .finish(),
            Self::ChallengeAnswered { call, session: _, keyed, attempt } => f
                .debug_struct("ChallengeAnswered")
                .field("call", call)
                .field("keyed", &format_args!("{} digits", keyed.len()))
                .field("attempt", attempt)
                .finish_non_exhaustive(),
            Self::HoldOver { call, session: _, turn } => {
                f.debug_struct("HoldOver").field("call", call).field("turn", turn).finish_non_exhaustive()
            }
            Self::WhisperWanted { .. } => f.write_str("WhisperWanted"),
            Self::OwnerKeyed { session: _, key, leg: _ } => {
                f.debug_struct("OwnerKeyed").field("key", key).finish_non_exhaustive()
            }
            Self::Leg { session: _, event, leg: _ } => {
                f.debug_struct("Leg").field("event", event).finish_non_exhaustive()
            }
            Self::CallEnded { leg } => f.debug_struct("CallEnded").field("leg", leg).finish(),
            Self::Ignored => f.write_str("Ignored"),
        }
    }
}

/// A call on an intermediary number.
#[derive(Debug, Clone)]
pub struct Call {
    /// The scanner's leg.
    pub leg: LegId,
    /// The number that was dialled.
    pub number: crate::number::IntermediaryNumber,
    /// Who calls, without a number.
    pub caller: crate::caller::CallingParty,
}
