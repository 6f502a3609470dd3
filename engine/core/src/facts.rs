//! What is known about a call, as a set: joining is the only operation, so the order in which providers tell does not
//! matter, and neither does hearing a thing twice.

use crate::leg::{LegEnd, LegEvent};

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The two talked: the owner had pressed 1.
    Completed,
    /// Nobody took the call, or a machine did.
    NoAnswer,
    /// The owner's line was engaged.
    Busy,
    /// The owner refused.
    Declined,
    /// The call could not be put through.
    Failed,
    /// Nobody called within the session's life.
    Expired,
    /// The scanner gave up while it rang.
    Cancelled,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 7] =
        [Self::Completed, Self::NoAnswer, Self::Busy, Self::Declined, Self::Failed, Self::Expired, Self::Cancelled];

    /// The fixed id of the public interface, also a metric label.
    pub fn id(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A set of facts about one session's call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts(u16);

impl Facts {
    const RANG: Self = Self(1);
    const ANSWERED: Self = Self(1 << 1);
    const ACCEPTED: Self = Self(1 << 2);
    const REFUSED: Self = Self(1 << 3);
    const OWNER_HUNG_UP: Self = Self(1 << 4);
    const COMPLETED: Self = Self(1 << 5);
    const BUSY: Self = Self(1 << 6);
    const NO_ANSWER: Self = Self(1 << 7);
    const CANCELLED: Self = Self(1 << 8);
    const FAILED: Self = Self(1 << 9);
    const OWNER_LEG_OVER: Self = Self(1 << 10);
    const DIAL_OVER: Self = Self(1 << 11);
    pub(crate) const SCANNER_LEG_OVER: Self = Self(1 << 12);
    const COMING: Self = Self(1 << 13);

    /// The facts that an event tells.
    pub fn told_by(event: LegEvent) -> Self {
        match event {
            LegEvent::OwnerRang => Self::RANG,
            LegEvent::OwnerAnswered => Self::ANSWERED,
            LegEvent::OwnerAccepted => Self::ANSWERED.and(Self::ACCEPTED),
            LegEvent::OwnerRefused => Self::ANSWERED.and(Self::REFUSED),
            LegEvent::OwnerComing => Self::ANSWERED.and(Self::COMING),
            LegEvent::OwnerLegEnded(end) => Self::OWNER_LEG_OVER.and(Self::of_end(end)),
            LegEvent::DialEnded(end) => Self::DIAL_OVER.and(Self::of_end(end)),
            LegEvent::ScannerLegEnded => Self::SCANNER_LEG_OVER,
        }
    }

    /// The join of two sets.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without the facts of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every fact of `other` is known.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the owner pressed 1.
    pub const fn accepted(self) -> bool {
        self.has(Self::ACCEPTED)
    }

    /// Whether the owner pressed 2: no talk, but the owner comes.
    pub const fn coming(self) -> bool {
        self.has(Self::COMING)
    }

    /// Whether the owner's telephone rang or was answered.
    pub const fn rang(self) -> bool {
        self.has(Self::RANG) || self.has(Self::ANSWERED)
    }

    /// Whether the call is known to be over, in any of three ways.
    pub const fn over(self) -> bool {
        self.has(Self::OWNER_LEG_OVER) || self.has(Self::DIAL_OVER) || self.has(Self::SCANNER_LEG_OVER)
    }

    /// The outcome that these facts mean: a function of the set alone.
    pub fn outcome(self) -> Outcome {
        if self.has(Self::REFUSED) {
            Outcome::Declined
        } else if self.accepted() {
            Outcome::Completed
        } else if self.has(Self::COMING) || self.has(Self::OWNER_HUNG_UP) {
            // Answered, heard the whisper, and comes instead of talking, or put the receiver down: a person who did not
            // take the call.
            Outcome::Declined
        } else if self.has(Self::BUSY) {
            Outcome::Busy
        } else if self.has(Self::NO_ANSWER) || self.has(Self::COMPLETED) {
            // Completed without a pressed key is a voicemail.
            Outcome::NoAnswer
        } else if self.has(Self::CANCELLED) || self.has(Self::SCANNER_LEG_OVER) {
            Outcome::Cancelled
        } else {
            Outcome::Failed
        }
    }

    /// The set as bits, for the record.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The set that [`Facts::bits`] described.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    fn of_end(end: LegEnd) -> Self {
        match end {
            LegEnd::Completed => Self::COMPLETED,
            LegEnd::HungUp => Self::COMPLETED.and(Self::OWNER_HUNG_UP),
            LegEnd::Busy => Self::BUSY,
            LegEnd::NoAnswer => Self::NO_ANSWER,
            LegEnd::Rejected => Self::REFUSED,
            LegEnd::Cancelled => Self::CANCELLED,
            LegEnd::Failed => Self::FAILED,
        }
    }
}
