//! The REST API over calls. The records' shapes are those of the fixtures in the vendor's own package; \[U\] for the texts
//! of errors, and for the parent of an owner's leg.

use serde_json::{Value, json};

use super::{cause, params};
use crate::api::{ApiAnswer, ApiError, ApiRequest, Done};
use crate::clock::{PLAIN, written};
use crate::records::{Record, Records, Refused, State};

/// Answers a request for one call, or for the account.
pub(crate) fn answer(records: &Records, account: &str, request: &ApiRequest) -> ApiAnswer {
    if request.path == format!("/v1/Account/{account}/") && request.method == "GET" {
        return shown(account_details(account));
    }
    let prefix = format!("/v1/Account/{account}/Call/");
    let uuid = request.path.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix('/'));
    let Some(uuid) = uuid.filter(|uuid| !uuid.contains('/')) else {
        return refused(404, "resource not found");
    };
    let live = request.query.iter().any(|(key, value)| key == "status" && value == "live");
    match (request.method.as_str(), records.get(uuid)) {
        ("DELETE", _) => match records.ask_to_end(uuid) {
            Ok(()) => ApiAnswer { status: 204, json: None, done: Done::HungUp },
            Err(Refused::Unknown | Refused::Live | Refused::Over) => refused(404, "call not found"),
        },
        ("GET", Some(record)) if live && record.is_live() => shown(live_call(uuid, &record)),
        ("GET", Some(record)) => match record.state {
            State::Over(ending) if !live => shown(ended_call(account, uuid, &record, cause::leg_end(ending))),
            State::Over(_) | State::Ringing | State::Answered => refused(404, "call not found"),
        },
        ("GET", None) => refused(404, "call not found"),
        _ => refused(405, "method not allowed"),
    }
}

/// Answers a request that was not looked at.
pub(crate) fn error(error: ApiError) -> ApiAnswer {
    match error {
        ApiError::WrongCredentials => refused(401, "authentication failed"),
        ApiError::TooMany => refused(429, "too many requests"),
        ApiError::Unavailable => refused(503, "service unavailable"),
    }
}

fn account_details(account: &str) -> Value {
    json!({
        "account_type": "standard",
        "api_id": "00000000-0000-4000-8000-000000000000",
        "auth_id": account,
        "auto_recharge": false,
        "billing_mode": "prepaid",
        "cash_credits": "100.00000",
        "name": "simulated",
        "resource_uri": format!("/v1/Account/{account}/"),
        "timezone": "Asia/Kolkata",
    })
}

fn live_call(uuid: &str, record: &Record) -> Value {
    let status = if record.state == State::Answered { "in-progress" } else { "ringing" };
    json!({
        "api_id": uuid,
        "call_status": status,
        "call_uuid": uuid,
        "caller_name": record.from,
        "direction": direction(record),
        "from": record.from,
        "request_uuid": uuid,
        "session_start": written(record.began_ms, PLAIN),
        "to": record.to,
    })
}

fn ended_call(account: &str, uuid: &str, record: &Record, end: crate::report::LegEnd) -> Value {
    let stamp = |ms: i64| format!("{}+00:00", written(ms, PLAIN));
    let billed = params::billed_seconds(record.seconds());
    json!({
        "answer_time": record.answered_ms.map(stamp),
        "api_id": uuid,
        "bill_duration": record.seconds(),
        "billed_duration": billed,
        "call_direction": direction(record),
        "call_duration": record.seconds(),
        "call_uuid": uuid,
        "end_time": record.ended_ms.map(stamp),
        "from_number": record.from,
        "hangup_cause_code": end.code.parse::<u32>().ok(),
        "hangup_cause_name": end.name,
        "hangup_source": end.source,
        "initiation_time": stamp(record.began_ms),
        "parent_call_uuid": record.parent,
        "resource_uri": format!("/v1/Account/{account}/Call/{uuid}/"),
        "to_number": record.to,
        "total_amount": params::dollars(billed / 60 * params::RATE),
        "total_rate": params::dollars(params::RATE),
    })
}

fn direction(record: &Record) -> &'static str {
    if record.parent.is_some() { "outbound" } else { "inbound" }
}

fn shown(json: Value) -> ApiAnswer {
    ApiAnswer { status: 200, json: Some(json), done: Done::Read }
}

fn refused(status: u16, error: &str) -> ApiAnswer {
    let json = json!({ "api_id": "00000000-0000-4000-8000-000000000000", "error": error });
    ApiAnswer { status, json: Some(json), done: Done::Nothing }
}
