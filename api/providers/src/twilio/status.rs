//! How calls stand and how they end, in Twilio's words and in ours (docs: voice/api/call-resource, voice/twiml/dial).

use qnect_core::leg::{LegEnd, LegEvent};

use crate::fields::Fields;
use crate::request::ParseError;

/// What happened to the owner's leg, by its own status. `queued`, `initiated` and what we do not know tell nothing. Who
/// ended a leg is not told, so an end after an answer is `Completed`: whether anybody talked is known by the key.
pub(super) fn owner_leg_event(fields: &Fields) -> Result<Option<LegEvent>, ParseError> {
    let status = fields.word("CallStatus")?;
    Ok(match status.as_str() {
        "ringing" => Some(LegEvent::OwnerRang),
        "inprogress" | "answered" => Some(LegEvent::OwnerAnswered),
        ended => end(ended).map(LegEvent::OwnerLegEnded),
    })
}

/// How the dial ended, or, if only that is told, that the scanner hung up. [U] whether a dial that the scanner gave up is
/// `canceled` or `no-answer`: that the scanner is gone is told by the scanner's leg.
pub(super) fn dial_event(fields: &Fields) -> Result<Option<LegEvent>, ParseError> {
    let status = fields.word("DialCallStatus")?;
    Ok(match status.as_str() {
        "" => is_over(fields)?.then_some(LegEvent::ScannerLegEnded),
        "answered" => Some(LegEvent::DialEnded(LegEnd::Completed)),
        // This webhook comes when the dial is over, whatever it says.
        ended => Some(LegEvent::DialEnded(end(ended).unwrap_or(LegEnd::Failed))),
    })
}

/// Whether the call that a webhook is about is over.
pub(super) fn is_over(fields: &Fields) -> Result<bool, ParseError> {
    Ok(end(&fields.word("CallStatus")?).is_some())
}

fn end(status: &str) -> Option<LegEnd> {
    Some(match status {
        "completed" => LegEnd::Completed,
        "busy" => LegEnd::Busy,
        "noanswer" => LegEnd::NoAnswer,
        "canceled" | "cancelled" => LegEnd::Cancelled,
        "failed" => LegEnd::Failed,
        _ => return None,
    })
}
