//! What a tag's actor can be told. Each message is one input of the machine.

use std::sync::Arc;

use actix::Message;
use qnect_core::caller::CallerRoot;
use qnect_core::instruction::Instruction;
use qnect_core::language::Language;
use qnect_core::leg::{LegEvent, LegId};
use qnect_core::number::IntermediaryNumber;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressKey, Scan, ScanDecision};
use qnect_core::session::Idempotency;
use qnect_core::session_id::SessionId;
use qnect_core::tag::{CallTurn, DialSettled, LegReaction, OpenDecision, Redialled, SessionView, TagConfig};
use qnect_storage::{Promise, QueueFull};

use crate::cells::Calling;

/// A reply, and what must be on stable storage before it is given; `None` when nothing was recorded. [`QueueFull`]:
/// it was decided, but the promise cannot be made.
pub(crate) type Promised<T> = Result<(T, Option<Promise>), QueueFull>;

/// `None` from a tag that answers nobody.
#[derive(Message)]
#[rtype(result = "Option<ScanDecision>")]
pub(crate) struct ScanTag {
    pub(crate) scan: Scan,
    pub(crate) address: AddressKey,
}

/// Like a scan, but nobody stands at the car: nothing is charged or recorded.
#[derive(Message)]
#[rtype(result = "Option<ScanDecision>")]
pub(crate) struct PreviewTag;

/// What came of a request for a session.
pub(crate) struct Opening {
    pub(crate) decision: OpenDecision,
    /// There are numbers, but the accounts that carry them have no line left.
    pub(crate) lines_are_busy: bool,
}

/// `None` from a tag that answers nobody.
#[derive(Message)]
#[rtype(result = "Promised<Option<Opening>>")]
pub(crate) struct OpenSession {
    pub(crate) id: SessionId,
    pub(crate) reason: Reason,
    pub(crate) language: Language,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) address: AddressKey,
}

#[derive(Message)]
#[rtype(result = "Option<SessionView>")]
pub(crate) struct ViewSession(pub(crate) SessionId);

#[derive(Message)]
#[rtype(result = "Promised<Instruction>")]
pub(crate) struct TakeCaller {
    pub(crate) session: SessionId,
    pub(crate) leg: LegId,
    pub(crate) calling: Calling,
    /// For the caller's name with the owner, and for nothing else: it ends with the message.
    pub(crate) root: Option<CallerRoot>,
    pub(crate) turn: Turn,
    /// Whether there is a line to ring the owner with.
    pub(crate) line_is_free: bool,
}

/// What brings a caller to a session; [`CallTurn`] that owns what was keyed.
pub(crate) enum Turn {
    Code,
    Challenge { keyed: String, attempt: u8 },
    Held { turn: u8 },
}

impl Turn {
    pub(crate) fn as_core(&self) -> CallTurn<'_> {
        match self {
            Self::Code => CallTurn::Code,
            Self::Challenge { keyed, attempt } => CallTurn::Challenge { keyed, attempt: *attempt },
            Self::Held { turn } => CallTurn::Held { turn: *turn },
        }
    }
}

/// The caller of `from` dials its number again, without a code.
#[derive(Message)]
#[rtype(result = "Promised<Redialled>")]
pub(crate) struct Redial {
    pub(crate) from: SessionId,
    pub(crate) follow_up: SessionId,
    pub(crate) number: IntermediaryNumber,
    pub(crate) leg: LegId,
    pub(crate) calling: Calling,
    /// As in [`TakeCaller`].
    pub(crate) root: Option<CallerRoot>,
    /// Whether there is a line to ring the owner with.
    pub(crate) line_is_free: bool,
}

/// The dial's record is safe (`kept`), or too late.
#[derive(Message)]
#[rtype(result = "DialSettled")]
pub(crate) struct SettleDial {
    pub(crate) session: SessionId,
    pub(crate) leg: LegId,
    pub(crate) calling: Calling,
    pub(crate) kept: bool,
}

#[derive(Message)]
#[rtype(result = "Promised<LegReaction>")]
pub(crate) struct ApplyLegEvent {
    pub(crate) session: SessionId,
    pub(crate) event: LegEvent,
    /// The provider's call to the owner, where it is told.
    pub(crate) owner_leg: Option<LegId>,
}

/// The scanner does not want the call any more.
#[derive(Message)]
#[rtype(result = "Promised<Option<SessionView>>")]
pub(crate) struct CancelSession(pub(crate) SessionId);

/// The owner reports the call of a session as abuse, perhaps again. Whether there was one to report; `None` when the session
/// is not in memory.
#[derive(Message)]
#[rtype(result = "Promised<Option<bool>>")]
pub(crate) struct ReportAbuse(pub(crate) SessionId);

#[derive(Message)]
#[rtype(result = "Option<Instruction>")]
pub(crate) struct Whisper(pub(crate) SessionId);

/// Nobody may have needed the tag for a while: the actor of this generation leaves, or says when to be asked again.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct AreYouIdle(pub(crate) u64);

/// The tag, or its owner, was changed.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Configure(pub(crate) Arc<TagConfig>);

/// Makes the actor panic: the fault that tests inject.
#[cfg(test)]
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Panic;
