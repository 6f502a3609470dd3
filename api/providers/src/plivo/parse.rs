//! What Plivo tells, in our words (docs: xml/request, xml/getdigits, xml/dial).
//!
//! The caller's number is hashed in the buffer in which it was decoded, which is overwritten when this returns.

use qnect_core::caller::{CallingParty, RootKey};
use qnect_core::leg::{Call, LegEvent, LegId, ProviderEvent};
use qnect_core::number::IntermediaryNumber;

use super::fields::Fields;
use super::hangup::{dial_end, owner_leg_end};
use super::routes::PlivoRoute;
use crate::request::ParseError;

/// Most parameters of a webhook; Plivo sends about thirty.
pub const PARAMETERS_MAX: usize = 64;

/// Most digits that are taken from what a caller keyed. More than any access code has, so a longer run stays wrong.
const KEYED_DIGITS_MAX: usize = 16;

/// Words that networks send in place of a withheld number, spelt on the keys of a telephone: anonymous, unavailable,
/// restricted. Shorter ones (unknown, private, blocked) are no numbers anyway.
const WITHHELD: [&str; 3] = ["266696687", "86282452253", "7378742833"];

/// A webhook that was understood.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What it says.
    pub event: ProviderEvent,
    /// It tells of a recording, which we never ask for: raise an alarm.
    pub recording_alarm: bool,
}

/// Reads the body of a webhook that came to `route` and was verified.
pub fn parse(route: &PlivoRoute, body: &[u8], root: &RootKey) -> Result<Parsed, ParseError> {
    let fields = Fields::read(body, PARAMETERS_MAX)?;
    let event = match *route {
        PlivoRoute::Voice => match step(&fields)? {
            Step::Asks => ProviderEvent::CallArrived(call(&fields, root)?),
            Step::Ended => ProviderEvent::CallEnded { leg: leg(&fields)? },
            Step::Other => ProviderEvent::Ignored,
        },
        PlivoRoute::Code { attempt } => match step(&fields)? {
            Step::Asks => ProviderEvent::DigitsGiven { call: call(&fields, root)?, keyed: keyed(&fields)?, attempt },
            Step::Ended => ProviderEvent::CallEnded { leg: leg(&fields)? },
            Step::Other => ProviderEvent::Ignored,
        },
        PlivoRoute::Whisper { session } => ProviderEvent::WhisperWanted { session },
        PlivoRoute::Leg { session } => match owner_leg_event(&fields)? {
            Some(event) => ProviderEvent::Leg { session, event },
            None => ProviderEvent::Ignored,
        },
        PlivoRoute::DialEnd { session } => match dial_event(&fields)? {
            Some(event) => ProviderEvent::Leg { session, event },
            None => ProviderEvent::Ignored,
        },
    };
    Ok(Parsed { event, recording_alarm: fields.tells_of_recording() })
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
        caller: caller(fields, root),
    })
}

fn leg(fields: &Fields) -> Result<LegId, ParseError> {
    LegId::new(fields.text("CallUUID")?).ok_or(ParseError::CallId)
}

/// Who calls. Whatever is no number (a word, a SIP address, bytes in a wrong encoding) is a withheld one.
fn caller(fields: &Fields, root: &RootKey) -> CallingParty {
    let from = fields.text("From").unwrap_or_default();
    if WITHHELD.contains(&from.trim_start_matches('+')) {
        return CallingParty::Withheld;
    }
    root.caller(from).map_or(CallingParty::Withheld, CallingParty::Known)
}

fn keyed(fields: &Fields) -> Result<String, ParseError> {
    let digits = fields.text("Digits")?.chars().filter(char::is_ascii_digit);
    Ok(digits.take(KEYED_DIGITS_MAX).collect())
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
