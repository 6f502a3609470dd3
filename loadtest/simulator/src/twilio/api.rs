//! The REST API over calls (`/2010-04-01/Accounts/{sid}/Calls/{CallSid}.json`). The record's fields are those that the
//! vendor's own package reads; \[U\] for the status and code with which the deletion of a live call is refused.

use serde_json::{Value, json};

use super::cause;
use crate::api::{ApiAnswer, ApiError, ApiRequest, Done};
use crate::clock::{RFC_2822, written};
use crate::records::{Record, Records, Refused, State};

/// Answers a request for one call, or for the account.
pub(crate) fn answer(records: &Records, account: &str, request: &ApiRequest) -> ApiAnswer {
    if request.path == format!("/2010-04-01/Accounts/{account}.json") && request.method == "GET" {
        return ApiAnswer { status: 200, json: Some(account_details(account)), done: Done::Read };
    }
    let prefix = format!("/2010-04-01/Accounts/{account}/Calls/");
    let sid = request.path.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".json"));
    let Some((sid, record)) = sid.and_then(|sid| Some((sid, records.get(sid)?))) else {
        return refused(404, 20_404, "the requested resource was not found");
    };
    match request.method.as_str() {
        "GET" => shown(account, sid, &record, Done::Read),
        "POST" => update(records, account, sid, &record, &request.form),
        "DELETE" => match records.delete(sid) {
            Ok(()) => ApiAnswer { status: 204, json: None, done: Done::Deleted },
            Err(Refused::Live) => refused(409, 20_009, "the call is still in progress"),
            Err(Refused::Unknown | Refused::Over) => refused(404, 20_404, "the requested resource was not found"),
        },
        _ => refused(405, 20_004, "method not allowed"),
    }
}

/// `completed` ends any live call, `canceled` only one that nobody has answered; it leaves others as they are. \[D\]
fn update(records: &Records, account: &str, sid: &str, record: &Record, form: &[(String, String)]) -> ApiAnswer {
    let [(name, status)] = form else {
        return refused(400, 20_001, "this simulator takes Status and nothing else");
    };
    let ends = match (name.as_str(), status.as_str()) {
        ("Status", "completed") => true,
        ("Status", "canceled") => record.state == State::Ringing,
        _ => return refused(400, 20_001, "Status must be completed or canceled"),
    };
    if !record.is_live() {
        return refused(400, 21_220, "the call is not in progress");
    }
    if !ends {
        return shown(account, sid, record, Done::Read);
    }
    match records.ask_to_end(sid) {
        Ok(()) => shown(account, sid, record, Done::HungUp),
        Err(Refused::Over | Refused::Unknown | Refused::Live) => refused(400, 21_220, "the call is not in progress"),
    }
}

/// The real one also shows the account's token.
fn account_details(account: &str) -> Value {
    json!({
        "friendly_name": "simulated",
        "owner_account_sid": account,
        "sid": account,
        "status": "active",
        "type": "Full",
        "uri": format!("/2010-04-01/Accounts/{account}.json"),
    })
}

/// Answers a request that was not looked at.
pub(crate) fn error(error: ApiError) -> ApiAnswer {
    match error {
        ApiError::WrongCredentials => refused(401, 20_003, "authenticate"),
        ApiError::TooMany => refused(429, 20_429, "too many requests"),
        ApiError::Unavailable => refused(503, 20_503, "service unavailable"),
    }
}

fn shown(account: &str, sid: &str, record: &Record, done: Done) -> ApiAnswer {
    let (status, over) = match record.state {
        State::Ringing => ("ringing", false),
        State::Answered => ("in-progress", false),
        State::Over(ending) => (cause::status(ending), true),
    };
    let stamp = |ms: i64| written(ms, RFC_2822);
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{sid}");
    let json: Value = json!({
        "account_sid": account,
        "annotation": null,
        "answered_by": null,
        "api_version": "2010-04-01",
        "caller_name": null,
        "date_created": stamp(record.began_ms),
        "date_updated": stamp(record.ended_ms.or(record.answered_ms).unwrap_or(record.began_ms)),
        "direction": if record.parent.is_some() { "outbound-dial" } else { "inbound" },
        "duration": over.then(|| record.seconds().to_string()),
        "end_time": record.ended_ms.map(stamp),
        "forwarded_from": null,
        "from": record.from,
        "from_formatted": record.from,
        "group_sid": null,
        "parent_call_sid": record.parent,
        "phone_number_sid": null,
        "price": null,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": sid,
        "start_time": stamp(record.began_ms),
        "status": status,
        "subresource_uris": { "recordings": format!("{uri}/Recordings.json") },
        "to": record.to,
        "to_formatted": record.to,
        "trunk_sid": null,
        "uri": format!("{uri}.json"),
    });
    ApiAnswer { status: 200, json: Some(json), done }
}

fn refused(status: u16, code: u32, message: &str) -> ApiAnswer {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    let json = json!({ "code": code, "message": message, "more_info": more_info, "status": status });
    ApiAnswer { status, json: Some(json), done: Done::Nothing }
}
