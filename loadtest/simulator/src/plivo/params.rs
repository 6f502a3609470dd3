//! The parameters of webhooks: what the provider tells about a call.

use crate::digits;
use crate::report::LegEnd;

/// Parameters, in the order sent.
pub(crate) type Params = Vec<(String, String)>;

/// Price of a minute in hundred-thousandths of a dollar, inbound.
const RATE: u64 = 850;

/// The scanner's leg as webhooks tell it.
#[derive(Clone, Debug)]
pub(crate) struct ScannerLeg {
    pub(crate) uuid: String,
    /// The number without `+`, or `anonymous`.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) auth_id: String,
    pub(crate) session_start: String,
    pub(crate) answered_ms: Option<u64>,
}

/// The owner's leg as webhooks tell it.
#[derive(Clone, Debug)]
pub(crate) struct OwnerLeg {
    pub(crate) uuid: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) rang: bool,
    pub(crate) answered_ms: Option<u64>,
    pub(crate) connected_ms: Option<u64>,
}

/// What every webhook of the scanner's leg carries.
pub(crate) fn call(leg: &ScannerLeg, event: &str) -> Params {
    let status = match event {
        "Hangup" => "completed",
        _ if leg.answered_ms.is_some() => "in-progress",
        _ => "ringing",
    };
    pairs(&[
        ("ALegUUID", &leg.uuid),
        ("BillRate", &dollars(RATE)),
        ("CallStatus", status),
        ("CallUUID", &leg.uuid),
        ("CallerName", &leg.from),
        ("Direction", "inbound"),
        ("Event", event),
        ("From", &leg.from),
        ("ParentAuthID", &leg.auth_id),
        ("SessionStart", &leg.session_start),
        ("To", &leg.to),
    ])
}

/// When a leg started, was answered and ended, as the provider writes it.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) start: String,
    pub(crate) answer: String,
    pub(crate) end: String,
    pub(crate) seconds: u64,
}

/// The scanner's leg is over.
pub(crate) fn hangup(leg: &ScannerLeg, end: LegEnd, times: &Times) -> Params {
    let billed = billed_seconds(times.seconds);
    let mut params = call(leg, "Hangup");
    params.extend(pairs(&[
        ("AnswerTime", &times.answer),
        ("BillDuration", &billed.to_string()),
        ("Duration", &times.seconds.to_string()),
        ("EndTime", &times.end),
        ("HangupCause", end.cause),
        ("HangupCauseCode", end.code),
        ("HangupCauseName", end.name),
        ("HangupSource", end.source),
        ("StartTime", &times.start),
        ("TotalCost", &dollars(billed / 60 * RATE)),
    ]));
    params
}

/// Something happened on the owner's leg: `answer`, `connected`.
pub(crate) fn leg_event(leg: &ScannerLeg, owner: &OwnerLeg, event: &str, action: &str) -> Params {
    pairs(&[
        ("CallUUID", &leg.uuid),
        ("DialALegUUID", &leg.uuid),
        ("DialAction", action),
        ("DialBLegFrom", &owner.from),
        ("DialBLegPosition", "1"),
        ("DialBLegStatus", action),
        ("DialBLegTo", &owner.to),
        ("DialBLegUUID", &owner.uuid),
        ("Event", event),
        ("ParentAuthID", &leg.auth_id),
    ])
}

/// The owner's leg is over.
pub(crate) fn leg_hangup(leg: &ScannerLeg, owner: &OwnerLeg, end: LegEnd, times: &Times) -> Params {
    let mut params = leg_event(leg, owner, "DialHangup", "hangup");
    params.extend(pairs(&[
        ("AnswerTime", &times.answer),
        ("DialBLegBillDuration", &billed_seconds(times.seconds).to_string()),
        ("DialBLegDuration", &times.seconds.to_string()),
        ("DialBLegHangupCause", end.cause),
        ("DialBLegHangupCauseCode", end.code),
        ("DialBLegHangupCauseName", end.name),
        ("DialBLegHangupSource", end.source),
        ("EndTime", &times.end),
        ("StartTime", &times.start),
    ]));
    params
}

/// A dial is over: what the engine is asked to go on with. The owner's leg has no id if nobody answered. \[D\]
pub(crate) fn dial_end(leg: &ScannerLeg, owner: &OwnerLeg, status: &str, end: LegEnd) -> Params {
    let owner_uuid = if owner.answered_ms.is_some() { owner.uuid.as_str() } else { "" };
    let mut params = call(leg, "Redirect");
    params.extend(pairs(&[
        ("DialALegUUID", &leg.uuid),
        ("DialBLegUUID", owner_uuid),
        ("DialHangupCause", end.cause),
        ("DialRingStatus", if owner.rang { "true" } else { "false" }),
        ("DialStatus", status),
    ]));
    params
}

/// A number as webhooks carry it: digits, or `anonymous`.
pub(crate) fn bare(number: &str) -> String {
    let digits = digits::only(number);
    if digits.is_empty() { number.to_owned() } else { digits }
}

fn billed_seconds(seconds: u64) -> u64 {
    seconds.div_ceil(60) * 60
}

fn dollars(hundred_thousandths: u64) -> String {
    format!("{}.{:05}", hundred_thousandths / 100_000, hundred_thousandths % 100_000)
}

fn pairs(pairs: &[(&str, &str)]) -> Params {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
