//! Twilio's bodies (docs: voice/twiml, voice/twiml/gather, voice/twiml/number, voice/twiml/dial).

use qnect_core::leg::LegEnd;
use qnect_providers::Route;
use qnect_providers::twilio::Twilio;

use super::{Happening, People, Tongue};

pub(crate) const TONGUE: Tongue = Tongue { provider: &Twilio, tells, keys_at: |session| Route::OwnerKey { session } };

fn tells(happening: Happening, people: &People) -> Option<String> {
    Some(match happening {
        Happening::CallerWaits => scanner_leg(people, "CallStatus=ringing"),
        // `actionOnEmptyResult` posts silence as no digits.
        Happening::CallerKeyed(digits) => scanner_leg(people, &format!("CallStatus=in-progress&Digits={digits}")),
        Happening::CallerGone | Happening::CallerGoneFromDial => {
            scanner_leg(people, "CallStatus=completed&CallDuration=12&Duration=1")
        }
        Happening::OutboundCall => owner_leg(people, "CallStatus=in-progress"),
        Happening::OwnerListens => owner_leg(people, "CallStatus=in-progress"),
        Happening::OwnerKeyed(digits) => owner_leg(people, &format!("CallStatus=in-progress&Digits={digits}")),
        Happening::OwnerLegMade => progress(people, "initiated"),
        Happening::OwnerRings => progress(people, "ringing"),
        Happening::OwnerAnswers => progress(people, "in-progress"),
        Happening::OwnerLegEnds(end) => progress(people, status(end)?),
        Happening::DialEnds(end) => {
            let rest = format!("CallStatus=in-progress&DialCallStatus={}&DialCallDuration=0", status(end)?);
            scanner_leg(people, &format!("{rest}&DialBridged=false&DialCallSid={}", people.owner_leg))
        }
        Happening::Unheard => scanner_leg(people, "CallStatus=sung&CallbackSource=call-progress-events"),
    })
}

/// Who ended a call, and whether it was refused, is not told.
fn status(end: LegEnd) -> Option<&'static str> {
    Some(match end {
        LegEnd::Completed => "completed",
        LegEnd::Busy => "busy",
        LegEnd::NoAnswer => "no-answer",
        LegEnd::Cancelled => "canceled",
        LegEnd::Failed => "failed",
        LegEnd::HungUp | LegEnd::Rejected => return None,
    })
}

fn scanner_leg(people: &People, rest: &str) -> String {
    let People { line, leg, .. } = people;
    let (from, name) = match &people.caller {
        Some(number) => (format!("%2B{number}"), number.as_str()),
        // ANONYMOUS on the keys of a telephone.
        None => ("%2B266696687".to_owned(), "ANONYMOUS"),
    };
    format!(
        "CallSid={leg}&AccountSid=AC00000000000000000000000000000000&ApiVersion=2010-04-01&From={from}&Caller={from}\
         &To=%2B{line}&Called=%2B{line}&Direction=inbound&CallerName={name}&ForwardedFrom={from}&FromCity=PUNE\
         &FromState=MH&FromZip=411001&FromCountry=IN&StirVerstat=TN-Validation-Passed-A&{rest}"
    )
}

fn owner_leg(people: &People, rest: &str) -> String {
    let People { owner, line, leg, owner_leg, .. } = people;
    format!(
        "CallSid={owner_leg}&ParentCallSid={leg}&AccountSid=AC00000000000000000000000000000000&From=%2B{line}\
         &Caller=%2B{line}&To=%2B{owner}&Called=%2B{owner}&Direction=outbound-dial&{rest}"
    )
}

fn progress(people: &People, status: &str) -> String {
    let rest = format!(
        "CallStatus={status}&CallbackSource=call-progress-events&SequenceNumber=1\
         &Timestamp=Sun%2C+01+Mar+2026+09%3A30%3A00+%2B0000"
    );
    owner_leg(people, &rest)
}
