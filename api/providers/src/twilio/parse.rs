//! What Twilio tells, in our words (docs: voice/twiml, voice/twiml/gather, voice/twiml/number, voice/twiml/dial).
//!
//! The caller's number is hashed in the buffer in which it was decoded, which is overwritten when this returns.

use qnect_core::caller::RootKey;
use qnect_core::instruction::OwnerKey;
use qnect_core::leg::{Call, LegId, ProviderEvent};
use qnect_core::number::IntermediaryNumber;

use super::status::{dial_event, is_over, owner_leg_event};
use crate::fields::Fields;
use crate::provider::Webhook;
use crate::request::ParseError;
use crate::routes::Route;

/// Most parameters of a webhook; Twilio sends about forty.
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
        Route::Whisper { session } => ProviderEvent::WhisperWanted { session, leg: owner_leg(&fields, "CallSid")? },
        Route::OwnerKey { session } => {
            let key = OwnerKey::of(&fields.digits("Digits")?);
            ProviderEvent::OwnerKeyed { session, key, leg: owner_leg(&fields, "CallSid")? }
        }
        Route::Leg { session } => match owner_leg_event(&fields)? {
            Some(event) => ProviderEvent::Leg { session, event, leg: owner_leg(&fields, "CallSid")? },
            None => ProviderEvent::Ignored,
        },
        Route::DialEnd { session } => match dial_event(&fields)? {
            Some(event) => ProviderEvent::Leg { session, event, leg: owner_leg(&fields, "DialCallSid")? },
            None => ProviderEvent::Ignored,
        },
    };
    Ok(Webhook { event, recording_alarm: fields.tells_of_recording() })
}

/// What a webhook of the scanner's leg is for.
enum Step {
    /// The caller is on the line and Twilio asks what to do.
    Asks,
    /// The call is over.
    Ended,
    /// Anything else.
    Other,
}

fn step(fields: &Fields) -> Result<Step, ParseError> {
    // `outbound-dial` and `outbound-api`: we take calls and never place one here, and the `To` of such a call would be a
    // person's number, not one of ours.
    if fields.word("Direction")?.starts_with("outbound") {
        return Ok(Step::Other);
    }
    // Nobody is left to instruct once the status is terminal.
    if is_over(fields)? {
        return Ok(Step::Ended);
    }
    // Where a status callback is configured for the number, it tells of progress and asks nothing.
    let tells = !fields.word("CallbackSource")?.is_empty();
    Ok(if tells { Step::Other } else { Step::Asks })
}

fn call(fields: &Fields, root: &RootKey) -> Result<Call, ParseError> {
    // [U] whether the older name ever comes alone; both name the same number.
    let from = if fields.text("From").is_ok_and(str::is_empty) { "Caller" } else { "From" };
    Ok(Call {
        leg: leg(fields)?,
        number: IntermediaryNumber::parse(fields.text("To")?).map_err(|_| ParseError::DialledNumber)?,
        caller: fields.caller(from, root),
    })
}

/// The call that the webhook is about.
fn leg(fields: &Fields) -> Result<LegId, ParseError> {
    LegId::new(fields.text("CallSid")?).ok_or(ParseError::CallId)
}

/// Twilio's call to the owner: the webhook's own where the owner's leg is the one that asks or tells.
fn owner_leg(fields: &Fields, name: &str) -> Result<Option<LegId>, ParseError> {
    Ok(LegId::new(fields.text(name)?))
}
