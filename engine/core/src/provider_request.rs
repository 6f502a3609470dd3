//! What is asked of a provider outside of its webhooks, in our words.

use crate::leg::LegId;
use crate::number::IntermediaryNumber;
use crate::session_id::SessionId;

/// What a provider is asked to do with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// End it, whoever is on it.
    HangUp,
    /// Tell how it stands: an event may have been lost.
    FetchCall,
    /// Delete the record of it, which names two telephone numbers.
    DeleteRecord,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 3] = [Self::HangUp, Self::FetchCall, Self::DeleteRecord];

    /// Its name, also a metric label.
    pub fn name(self) -> &'static str {
        match self {
            Self::HangUp => "hang_up",
            Self::FetchCall => "fetch_call",
            Self::DeleteRecord => "delete_record",
        }
    }
}

/// One thing to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderRequest {
    /// The number of ours that was called: its provider is asked.
    pub number: IntermediaryNumber,
    /// The session that the call belongs to.
    pub session: SessionId,
    /// Which call.
    pub leg: LegId,
    /// Whether that is the scanner's call; else the owner's.
    pub is_scanner_leg: bool,
    /// What to do.
    pub operation: Operation,
}
