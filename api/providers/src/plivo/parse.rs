//! What Plivo tells, in our words (docs: xml/request, xml/getdigits, xml/dial).
//!
//! The caller's number is hashed in the buffer in which it was decoded, which is overwritten when this returns.

use qnect_core::caller::RootKey;
use qnect_core::instruction::OwnerKey;
use qnect_core::leg::{Call, LegEvent, LegId, ProviderEvent};
use qnect_core::number::IntermediaryNumber;

use super::hangup::{dial_end, owner_leg_end};
use crate::fields::Fields;
use crate::provider::Webhook;
use crate::request::ParseError;
use crate::routes::Route;

/// Most parameters of a webhook; Plivo sends about thirty.
pub const PARAMETERS_MAX: usize = 64;

/// Reads the body of a webhook that came to `route` and was verified.
pub(super) fn parse(route: &Route, body: &[u8], root: &RootKey) -> Result<Webhook, ParseError> {
    let fields = Fields::read(body, PARAMETERS_MAX)?;
    let event = match *route {
        Route::Voice | Route::Asked(_) | Route::Challenge { .. } | Route::Hold { .. } => match step(&fields)? {
            Step::Asks => route.asked(call(&fields, root)?, fields.digits("Digits")?),
            Step::Ended => ProviderEvent::CallEnded { leg: leg(&fields)? },
            Step::Other => ProviderEvent::Ignored,
        },
        Route::Whisper { session } => ProviderEvent::WhisperWanted { session, leg: None },
        // Plivo takes the confirm key itself and never asks; answered all the same, should it learn to.
        Route::OwnerKey { session } => {
            ProviderEvent::OwnerKeyed { session, key: OwnerKey::of(&fields.digits("Digits")?), leg: None }
        }
        Route::Leg { session } => match owner_leg_event(&fields)? {
            Some(event) => ProviderEvent::Leg { session, event, leg: owner_leg(&fields)? },
            None => ProviderEvent::Ignored,
        },
        Route::DialEnd { session } => match dial_event(&fields)? {
            Some(event) => ProviderEvent::Leg { session, event, leg: owner_leg(&fields)? },
            None => ProviderEvent::Ignored,
        },
    };
    Ok(Webhook { event, recording_alarm: fields.tells_of_recording() })
}

/// What a webhook of the scanner's leg is for.
enum Step {
    /// The caller is on the line and Plivo asks what to do.
    Asks,
    /// The call is over.
    Ended,
    /// Anything else.
    Other,
}

fn step(fields: &Fields) -> Result<Step, ParseError> {
    // We take calls and never place one: the `To` of an outbound call would be a person's number, not one of ours.
    if fields.word("Direction")? == "outbound" {
        return Ok(Step::Other);
    }
    // Nobody is left to instruct once the status is terminal, whatever the event.
    if is_over(fields)? {
        return Ok(Step::Ended);
    }
    let event = fields.word("Event")?;
    let of_another_leg = ["ring", "dial", "record", "conference"];
    Ok(if of_another_leg.iter().any(|kind| event.starts_with(kind)) {
        Step::Other
    } else {
        // StartApp and Redirect; tolerant of others, because silence would cost a caller the call.
        Step::Asks
    })
}

fn is_over(fields: &Fields) -> Result<bool, ParseError> {
    let status = fields.word("CallStatus")?;
    let terminal = ["completed", "busy", "failed", "timeout", "noanswer", "cancel", "canceled", "cancelled"];
    Ok(fields.word("Event")? == "hangup" || terminal.contains(&status.as_str()))
}

fn call(fields: &Fields, root: &RootKey) -> Result<Call, ParseError> {
    Ok(Call {
        leg: leg(fields)?,
        number: IntermediaryNumber::parse(fields.text("To")?).map_err(|_| ParseError::DialledNumber)?,
        caller: fields.caller("From", root),
    })
}

fn leg(fields: &Fields) -> Result<LegId, ParseError> {
    LegId::new(fields.text("CallUUID")?).ok_or(ParseError::CallId)
}

/// Plivo's call to the owner; it is not told where there is none yet.
fn owner_leg(fields: &Fields) -> Result<Option<LegId>, ParseError> {
    Ok(LegId::new(fields.text("DialBLegUUID")?))
}

/// What happened to the owner's leg. `connected` comes once the confirm key was pressed; keyed digits and what we do not
/// know tell nothing.
fn owner_leg_event(fields: &Fields) -> Result<Option<LegEvent>, ParseError> {
    let mut action = fields.word("DialAction")?;
    if action.is_empty() {
        // The same words stand in `Event`, as `DialAnswer`, `DialConnected` and `DialHangup`.
        let event = fields.word("Event")?;
        action = event.strip_prefix("dial").unwrap_or_default().to_owned();
    }
    Ok(match action.as_str() {
        "answer" => Some(LegEvent::OwnerAnswered),
        "connected" => Some(LegEvent::OwnerAccepted),
        "hangup" => Some(LegEvent::OwnerLegEnded(owner_leg_end(fields)?)),
        _ => None,
    })
}

/// How the dial ended, or, if only that is told, that the scanner hung up.
fn dial_event(fields: &Fields) -> Result<Option<LegEvent>, ParseError> {
    if let Some(end) = dial_end(fields)? {
        return Ok(Some(LegEvent::DialEnded(end)));
    }
    Ok(is_over(fields)?.then_some(LegEvent::ScannerLegEnded))
}
