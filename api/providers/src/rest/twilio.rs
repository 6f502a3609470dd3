//! Twilio's REST interface (`twilio.rest.api.v2010.account.call` of the vendor's Python package 9.13.0; docs:
//! voice/api/call-resource).

use qnect_core::leg::{LegEnd, LegId};
use qnect_core::provider_request::Operation;
use serde_json::Value;

use super::{Answer, Rest, RestMethod, RestRequest, Shape, Side, Standing, account_segment, by_status, object, over};
use super::{segment, standing_by_status, word};

/// "Invalid call state": the call that was to be ended is over (docs: api/errors/21220).
const NOT_IN_PROGRESS: u64 = 21220;
/// "Cannot delete this resource before it is complete", which in rare cases takes up to 14 days (docs: api/errors/20009).
const NOT_COMPLETE: u64 = 20009;

/// Twilio's REST interface.
#[derive(Debug, Clone, Copy)]
pub struct Twilio;

impl Rest for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn shape(&self, operation: Operation, account: &str, leg: &LegId) -> Shape {
        let (method, form) = match operation {
            // `completed` ends a call in every state. `canceled` would leave one that was answered meanwhile as it is
            // (twilio-python#10), and we cannot know.
            Operation::HangUp => (RestMethod::Post, Some("Status=completed")),
            Operation::FetchCall => (RestMethod::Get, None),
            Operation::DeleteRecord => (RestMethod::Delete, None),
        };
        let Some(leg) = segment(leg) else {
            return Shape::ForeignLeg;
        };
        let path = format!("/2010-04-01/Accounts/{}/Calls/{leg}.json", account_segment(account));
        Shape::Request(RestRequest { method, path, form })
    }

    fn account(&self, account: &str) -> RestRequest {
        let path = format!("/2010-04-01/Accounts/{}.json", account_segment(account));
        RestRequest { method: RestMethod::Get, path, form: None }
    }

    /// `status` of an account is `active`, `suspended` or `closed` (`twilio.rest.api.v2010.account`).
    fn standing(&self, status: u16, body: &[u8]) -> Standing {
        let told = || match word(&object(body).unwrap_or_default(), "status").as_str() {
            "active" => Standing::Good,
            "suspended" | "closed" => Standing::Stopped,
            _ => Standing::Strange,
        };
        standing_by_status(status).unwrap_or_else(told)
    }

    fn answer(&self, operation: Operation, leg: Side, status: u16, body: &[u8]) -> Answer {
        let told = object(body).unwrap_or_default();
        match (by_status(status), operation) {
            (None, Operation::HangUp | Operation::DeleteRecord) => Answer::Done,
            (None, Operation::FetchCall) => standing(leg, &told),
            (Some(Answer::Refused), Operation::HangUp) if has_code(&told, NOT_IN_PROGRESS) => Answer::Gone,
            (Some(Answer::Refused), Operation::DeleteRecord) if has_code(&told, NOT_COMPLETE) => Answer::NotYet,
            (Some(answer), _) => answer,
        }
    }
}

fn standing(side: Side, call: &Value) -> Answer {
    match word(call, "status").as_str() {
        "queued" | "initiated" | "ringing" | "inprogress" => Answer::Live,
        "completed" => over(side, LegEnd::Completed),
        "busy" => over(side, LegEnd::Busy),
        "noanswer" => over(side, LegEnd::NoAnswer),
        "canceled" => over(side, LegEnd::Cancelled),
        "failed" => over(side, LegEnd::Failed),
        _ => Answer::TryLater,
    }
}

fn has_code(error: &Value, code: u64) -> bool {
    error["code"].as_u64() == Some(code)
}
