//! The parameters of webhooks: what the provider tells about a call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::cause;
use crate::ending::Ending;
use crate::leg::{Facts, Leg, LegEvent, Step};
use crate::provider::{Params, pairs};
use crate::telephone::Place;

const API_VERSION: &str = "2010-04-01";
/// Where our own numbers come from, as the vendor looks it up.
const OURS: [&str; 4] = ["DELHI", "DELHI", "", "IN"];
const NOWHERE: [&str; 4] = ["", "", "", ""];

/// A document is asked for on the scanner's leg.
pub(crate) fn request(facts: Facts<'_>, step: Step<'_>) -> Params {
    let mut params = scanner_leg(facts, status(facts.scanner));
    match step {
        Step::Start => {
            params.push(("CallToken".to_owned(), call_token(facts)));
            params.push(("StirVerstat".to_owned(), "TN-Validation-Passed-C".to_owned()));
        }
        Step::Redirect | Step::Sounds => {}
        Step::Digits { digits, finished_by } => params.extend(keyed(digits, finished_by)),
    }
    params
}

/// A document is asked for on the owner's leg, with the digits that the owner keyed.
pub(crate) fn owner_request(facts: Facts<'_>, owner: &Leg, digits: Option<&str>) -> Params {
    let mut params = owner_leg(facts, owner, status(owner));
    if let Some(digits) = digits {
        params.extend(keyed(digits, None));
    }
    params
}

/// Something happened on the owner's leg.
pub(crate) fn leg_event(facts: Facts<'_>, owner: &Leg, event: LegEvent) -> Params {
    let status = match event {
        LegEvent::Initiated => "initiated",
        LegEvent::Ringing => "ringing",
        LegEvent::Answered | LegEvent::Bridged => "in-progress",
        LegEvent::Over(ending) => cause::status(ending),
    };
    let mut params = owner_leg(facts, owner, status);
    params.extend(progress(facts, owner.told));
    if let LegEvent::Over(ending) = event {
        params.extend(duration(facts, owner, ending));
    }
    params
}

/// A dial is over: what the engine is asked to go on with.
pub(crate) fn dial_over(facts: Facts<'_>, owner: &Leg, ending: Ending) -> Params {
    let mut params = scanner_leg(facts, status(facts.scanner));
    params.extend(pairs(&[
        ("DialBridged", if owner.bridged_ms.is_some() { "true" } else { "false" }),
        ("DialCallSid", &owner.id),
        ("DialCallStatus", cause::status(ending)),
    ]));
    if owner.answered_ms.is_some() {
        params.push(("DialCallDuration".to_owned(), owner.seconds(facts.clock.now_ms()).to_string()));
    }
    params
}

/// The scanner's leg is over: the status callback of the number.
pub(crate) fn call_over(facts: Facts<'_>, ending: Ending) -> Params {
    let mut params = scanner_leg(facts, cause::status(ending));
    params.extend(progress(facts, facts.scanner.told));
    params.extend(duration(facts, facts.scanner, ending));
    params
}

fn status(leg: &Leg) -> &'static str {
    if leg.answered_ms.is_some() { "in-progress" } else { "ringing" }
}

fn scanner_leg(facts: Facts<'_>, status: &str) -> Params {
    let from = facts.place.map_or(NOWHERE, |Place { city, state, zip, country }| [city, state, zip, country]);
    let mut params = leg(facts, facts.scanner, status, "inbound");
    params.extend(places(from, OURS));
    params
}

fn owner_leg(facts: Facts<'_>, owner: &Leg, status: &str) -> Params {
    let mut params = leg(facts, owner, status, "outbound-dial");
    params.push(("ParentCallSid".to_owned(), facts.scanner.id.clone()));
    params.extend(places(OURS, NOWHERE));
    params
}

fn leg(facts: Facts<'_>, leg: &Leg, status: &str, direction: &str) -> Params {
    pairs(&[
        ("AccountSid", facts.account),
        ("ApiVersion", API_VERSION),
        ("CallSid", &leg.id),
        ("CallStatus", status),
        ("Called", &leg.to),
        ("Caller", &leg.from),
        ("Direction", direction),
        ("From", &leg.from),
        ("To", &leg.to),
    ])
}

/// Both numbers' places, each under two names.
fn places(from: [&str; 4], to: [&str; 4]) -> Params {
    let mut params = Params::new();
    for (side, place) in [("From", from), ("Caller", from), ("To", to), ("Called", to)] {
        let named = ["City", "State", "Zip", "Country"].into_iter().zip(place);
        params.extend(named.map(|(part, value)| (format!("{side}{part}"), value.to_owned())));
    }
    params
}

/// What a finished question adds. \[T\] for all but `Digits`.
fn keyed(digits: &str, finished_by: Option<char>) -> Params {
    let finished_by = finished_by.map(String::from).unwrap_or_default();
    pairs(&[("Digits", digits), ("FinishedOnKey", &finished_by), ("msg", "Gather End")])
}

/// What a status callback adds.
fn progress(facts: Facts<'_>, sequence: u32) -> Params {
    pairs(&[
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", &sequence.to_string()),
        ("Timestamp", &facts.clock.rfc2822(facts.clock.now_ms())),
    ])
}

/// What the last status callback of a leg adds: seconds, and started minutes. \[U\] for the minutes.
fn duration(facts: Facts<'_>, leg: &Leg, ending: Ending) -> Params {
    let seconds = leg.seconds(facts.clock.now_ms());
    let mut params = pairs(&[("CallDuration", &seconds.to_string()), ("Duration", &seconds.div_ceil(60).to_string())]);
    let code = cause::leg_end(ending).code;
    if code.len() == 3 {
        params.push(("SipResponseCode".to_owned(), code.to_owned()));
    }
    params
}

/// A signed token about the inbound call, which names its caller; never to be handed on. \[T\], \[U\] for its claims.
fn call_token(facts: Facts<'_>) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(serde_json::json!({"alg": "ES256"}));
    let claims = part(serde_json::json!({
        "callSid": facts.scanner.id,
        "from": facts.scanner.from,
        "to": facts.scanner.to,
        "iat": facts.clock.unix_ms(facts.clock.now_ms()) / 1_000,
    }));
    let signature = URL_SAFE_NO_PAD.encode([0x5a; 64]);
    serde_json::json!({ "parentCallInfoToken": format!("{head}.{claims}.{signature}") }).to_string()
}
