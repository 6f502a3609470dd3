//! Why an input got no decision.

/// An engine error; each variant is acted on differently at the doors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No such tag, or one that answers nobody.
    #[error("the tag is unknown")]
    UnknownTag,
    /// No such session, or one that is long over.
    #[error("the session is unknown")]
    UnknownSession,
    /// A bound is reached: come back later.
    #[error("the engine is busy")]
    Overloaded,
    /// All codes of all numbers are in use.
    #[error("all intermediary numbers are in use")]
    NumbersExhausted,
    /// All lines of the providers' accounts are taken: a call would fail.
    #[error("all lines are busy")]
    LinesBusy,
    /// The tag's actor was lost on the way; the next visit revives it.
    #[error("the tag's actor was lost")]
    ActorLost,
    /// The store failed: the process will end.
    #[error("the store failed")]
    Storage,
}
