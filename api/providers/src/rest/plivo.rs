//! Plivo's REST interface (`plivo.resources.calls` and `plivo.rest.client` of the vendor's Python package 4.63.0; docs:
//! voice/api/call).

use qnect_core::leg::{LegEnd, LegId};
use qnect_core::provider_request::Operation;
use serde_json::Value;

use super::{Answer, Rest, RestMethod, RestRequest, Shape, Side, Standing, account_segment, by_status, object, over};
use super::{segment, standing_by_status, text, word};
use crate::plivo::{NAME, leg_end};

/// Plivo's REST interface.
#[derive(Debug, Clone, Copy)]
pub struct Plivo;

impl Rest for Plivo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn shape(&self, operation: Operation, account: &str, leg: &LegId) -> Shape {
        let method = match operation {
            // Ends a live call, and one that is still queued.
            Operation::HangUp => RestMethod::Delete,
            Operation::FetchCall => RestMethod::Get,
            // Nothing in the package or the documentation deletes the details of a call.
            Operation::DeleteRecord => return Shape::Unsupported,
        };
        let Some(leg) = segment(leg) else {
            return Shape::ForeignLeg;
        };
        let path = format!("/v1/Account/{}/Call/{leg}/", account_segment(account));
        Shape::Request(RestRequest { method, path, form: None })
    }

    fn account(&self, account: &str) -> RestRequest {
        let path = format!("/v1/Account/{}/", account_segment(account));
        RestRequest { method: RestMethod::Get, path, form: None }
    }

    /// The details of an account (`plivo.resources.accounts`) say nothing of one that is stopped: it is not let in.
    fn standing(&self, status: u16, body: &[u8]) -> Standing {
        let told = || object(body).is_some_and(|account| !text(&account, "auth_id").is_empty());
        standing_by_status(status).unwrap_or_else(|| if told() { Standing::Good } else { Standing::Strange })
    }

    fn answer(&self, operation: Operation, leg: Side, status: u16, body: &[u8]) -> Answer {
        if let Some(answer) = by_status(status) {
            return answer;
        }
        match operation {
            Operation::HangUp | Operation::DeleteRecord => Answer::Done,
            Operation::FetchCall => object(body).map_or(Answer::TryLater, |call| standing(leg, &call)),
        }
    }
}

/// How a call stands by its details. They are made when it ends, so a live call has none [U]: without `status=live` it is
/// not found. Read tolerantly, should they exist before.
fn standing(side: Side, call: &Value) -> Answer {
    if text(call, "call_uuid").is_empty() {
        return Answer::TryLater;
    }
    if text(call, "end_time").is_empty() {
        return Answer::Live;
    }
    over(side, end(call))
}

fn end(call: &Value) -> LegEnd {
    let code = match &call["hangup_cause_code"] {
        Value::Number(code) => code.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let name = word(call, "hangup_cause_name");
    if code.is_empty() && name.is_empty() {
        // Details of an older kind tell no cause.
        let answered = !text(call, "answer_time").is_empty();
        return if answered { LegEnd::Completed } else { LegEnd::NoAnswer };
    }
    leg_end(&code, [&name, ""], &word(call, "hangup_source"))
}
