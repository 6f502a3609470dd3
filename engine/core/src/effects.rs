//! Consequences of a decision, for someone else to carry out.

use crate::abuse::Signal;
use crate::access_code::AccessCode;
use crate::caller::DayToken;
use crate::leg::LegId;
use crate::number::IntermediaryNumber;
use crate::provider_request::ProviderRequest;
use crate::record::Record;
use crate::scan::AddressKey;
use crate::session_id::SessionId;
use crate::tag::OwnerId;
use crate::time::Timestamp;

/// One consequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Remember this.
    Record(Record),
    /// The access code of a session is free again.
    ReleaseCode {
        /// On which number.
        number: IntermediaryNumber,
        /// Which code.
        code: AccessCode,
        /// Whose it was: a code that somebody else holds by now stays taken.
        session: SessionId,
    },
    /// A caller has used a session's code, and may dial its number again without one.
    RememberCaller {
        /// The number that was dialled.
        number: IntermediaryNumber,
        /// Who.
        caller: DayToken,
        /// What may be dialled again.
        session: SessionId,
        /// The code, which the telephone may send again by itself.
        code: AccessCode,
        /// Until when.
        until: Timestamp,
    },
    /// Somebody calls for a session that was opened from this address: it is no unused one.
    UsedSession {
        /// The address.
        from: AddressKey,
    },
    /// A call rings an owner that came of a session from this address: good conduct.
    CreditAddress {
        /// The address.
        from: AddressKey,
        /// Whether the session was opened for an urgent reason.
        urgent: bool,
        /// Who calls, unless the number is withheld.
        caller: Option<DayToken>,
    },
    /// A caller gave a sign of abuse.
    NoteCaller {
        /// Who.
        caller: DayToken,
        /// What.
        signal: Signal,
        /// Whom the call was to.
        owner: OwnerId,
    },
    /// A session that waited gave way to another, and expired: one less is open.
    GaveWay,
    /// Ask something of the provider that carries a call.
    Ask(ProviderRequest),
    /// The scanner's leg does not belong to this session any more.
    ForgetLeg {
        /// Which leg.
        leg: LegId,
        /// Whose it was.
        session: SessionId,
    },
}

/// The lane of consequences: what one input led to, in order.
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// An empty lane.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a consequence.
    pub fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    /// Takes all, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> + '_ {
        self.0.drain(..)
    }

    /// What is in the lane.
    pub fn as_slice(&self) -> &[Effect] {
        &self.0
    }
}
