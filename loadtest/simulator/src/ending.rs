//! Why a leg is over, before a provider words it.

/// How a leg ended. Each provider has words of its own for it: see `plivo::cause` and `twilio::cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    CallerHangsUp,
    CalleeHangsUp,
    /// The provider ends a leg at one of its limits: the talk is over, or nobody pressed the key.
    LimitReached,
    /// A document said so.
    HangupElement,
    EndOfDocument,
    /// A document refused the call before it was answered.
    RefusedBusy,
    RefusedRejected,
    NoAnswer,
    Busy,
    Rejected,
    /// The scanner left before the owner picked up.
    Cancelled,
    /// The scanner left while the owner listened to what comes before the bridge.
    LeftBeforeBridge,
    /// The engine asked the provider's API for it.
    HungUpByApi,
    /// The same for a leg that nobody had answered yet.
    CancelledByApi,
    /// The account has no line left, or places too many calls a second.
    NoLine,
    /// A document could not be fetched.
    Unreachable(Asked),
    /// A document is not one.
    Invalid(Asked),
}

/// What a document was asked for, for the code of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Answer,
    Action,
    Redirect,
    /// Sounds for the owner before the bridge, or for the scanner who waits.
    Sound,
    /// What the owner's leg does before the bridge.
    OwnerDocument,
}

/// Why a step on the owner's leg has no next one. When the scanner's leg is over, the owner's is too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Scanner(Ending),
    Owner(Ending),
}

impl From<Ending> for Over {
    fn from(scanner: Ending) -> Over {
        Over::Scanner(scanner)
    }
}
