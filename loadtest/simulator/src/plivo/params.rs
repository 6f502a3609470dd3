//! The parameters of webhooks: what the provider tells about a call.

use super::cause;
use crate::digits;
use crate::ending::Ending;
use crate::leg::{Facts, Leg, LegEvent, Step};
use crate::provider::{Params, pairs};

/// Price of a minute in hundred-thousandths of a dollar, inbound.
pub(crate) const RATE: u64 = 850;

/// A document is asked for. The event's name of sounds is \[T\].
pub(crate) fn request(facts: Facts<'_>, step: Step<'_>) -> Params {
    match step {
        Step::Start => call(facts, "StartApp"),
        Step::Redirect => call(facts, "Redirect"),
        Step::Sounds => call(facts, "DialRemoteSounds"),
        Step::Digits { digits, .. } => {
            let mut params = call(facts, "Redirect");
            params.push(("Digits".to_owned(), digits.to_owned()));
            params
        }
    }
}

/// What every webhook of the scanner's leg carries.
fn call(facts: Facts<'_>, event: &str) -> Params {
    let leg = facts.scanner;
    let status = match event {
        "Hangup" => "completed",
        _ if leg.answered_ms.is_some() => "in-progress",
        _ => "ringing",
    };
    pairs(&[
        ("ALegUUID", &leg.id),
        ("BillRate", &dollars(RATE)),
        ("CallStatus", status),
        ("CallUUID", &leg.id),
        ("CallerName", &leg.from),
        ("Direction", "inbound"),
        ("Event", event),
        ("From", &leg.from),
        ("ParentAuthID", facts.account),
        ("SessionStart", &facts.clock.stamp(leg.began_ms)),
        ("To", &leg.to),
    ])
}

/// The scanner's leg is over.
pub(crate) fn call_over(facts: Facts<'_>, ending: Ending) -> Params {
    let (leg, end) = (facts.scanner, cause::leg_end(ending));
    let seconds = leg.seconds(facts.clock.now_ms());
    let billed = billed_seconds(seconds);
    let mut params = call(facts, "Hangup");
    params.extend(pairs(&[
        ("AnswerTime", &answered(facts, leg)),
        ("BillDuration", &billed.to_string()),
        ("Duration", &seconds.to_string()),
        ("EndTime", &facts.clock.stamp(facts.clock.now_ms())),
        ("HangupCause", end.cause),
        ("HangupCauseCode", end.code),
        ("HangupCauseName", end.name),
        ("HangupSource", end.source),
        ("StartTime", &facts.clock.stamp(leg.began_ms)),
        ("TotalCost", &dollars(billed / 60 * RATE)),
    ]));
    params
}

/// Something happened on the owner's leg. The vendor tells of `answer`, `connected` and `hangup`.
pub(crate) fn leg_event(facts: Facts<'_>, owner: &Leg, event: LegEvent) -> Params {
    let (event, action, ending) = match event {
        LegEvent::Initiated => ("DialInitiated", "initiated", None),
        LegEvent::Ringing => ("DialRing", "ring", None),
        LegEvent::Answered => ("DialAnswer", "answer", None),
        LegEvent::Bridged => ("DialConnected", "connected", None),
        LegEvent::Over(ending) => ("DialHangup", "hangup", Some(ending)),
    };
    let mut params = pairs(&[
        ("CallUUID", &facts.scanner.id),
        ("DialALegUUID", &facts.scanner.id),
        ("DialAction", action),
        ("DialBLegFrom", &owner.from),
        ("DialBLegPosition", "1"),
        ("DialBLegStatus", action),
        ("DialBLegTo", &owner.to),
        ("DialBLegUUID", &owner.id),
        ("Event", event),
        ("ParentAuthID", facts.account),
    ]);
    if let Some(ending) = ending {
        params.extend(leg_over(facts, owner, ending));
    }
    params
}

fn leg_over(facts: Facts<'_>, owner: &Leg, ending: Ending) -> Params {
    let end = cause::leg_end(ending);
    let seconds = owner.seconds(facts.clock.now_ms());
    pairs(&[
        ("AnswerTime", &answered(facts, owner)),
        ("DialBLegBillDuration", &billed_seconds(seconds).to_string()),
        ("DialBLegDuration", &seconds.to_string()),
        ("DialBLegHangupCause", end.cause),
        ("DialBLegHangupCauseCode", end.code),
        ("DialBLegHangupCauseName", end.name),
        ("DialBLegHangupSource", end.source),
        ("EndTime", &facts.clock.stamp(facts.clock.now_ms())),
        ("StartTime", &facts.clock.stamp(owner.began_ms)),
    ])
}

/// A dial is over: what the engine is asked to go on with. The owner's leg has no id if nobody answered. \[D\]
pub(crate) fn dial_over(facts: Facts<'_>, owner: &Leg, ending: Ending) -> Params {
    let owner_uuid = if owner.answered_ms.is_some() { owner.id.as_str() } else { "" };
    let mut params = call(facts, "Redirect");
    params.extend(pairs(&[
        ("DialALegUUID", &facts.scanner.id),
        ("DialBLegUUID", owner_uuid),
        ("DialHangupCause", cause::leg_end(ending).cause),
        ("DialRingStatus", if owner.rang { "true" } else { "false" }),
        ("DialStatus", cause::dial_status(ending)),
    ]));
    params
}

/// A number as webhooks carry it: digits, or `anonymous`.
pub(crate) fn bare(number: &str) -> String {
    let digits = digits::only(number);
    if digits.is_empty() { number.to_owned() } else { digits }
}

/// Started minutes, in seconds.
pub(crate) fn billed_seconds(seconds: u64) -> u64 {
    seconds.div_ceil(60) * 60
}

pub(crate) fn dollars(hundred_thousandths: u64) -> String {
    format!("{}.{:05}", hundred_thousandths / 100_000, hundred_thousandths % 100_000)
}

fn answered(facts: Facts<'_>, leg: &Leg) -> String {
    leg.answered_ms.map(|at| facts.clock.stamp(at)).unwrap_or_default()
}
