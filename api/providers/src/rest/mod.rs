//! The shape of the calls that we place at providers: how one is asked, and what its answer means. Pure: who sends it, how
//! often and how long is somebody else's business.
//!
//! Answers name telephone numbers. Nothing is taken out of one but how a leg stands.

mod plivo;
mod twilio;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qnect_core::leg::{LegEnd, LegEvent, LegId};
use qnect_core::provider_request::Operation;
use serde_json::Value;

pub use plivo::Plivo;
pub use twilio::Twilio;

/// How a provider is asked about a call, and how its answers are read.
pub trait Rest: std::fmt::Debug + Send + Sync {
    /// Its name in the configuration and in metrics.
    fn name(&self) -> &'static str;

    /// How to ask for `operation` on `leg` in our `account`.
    fn shape(&self, operation: Operation, account: &str, leg: &LegId) -> Shape;

    /// How to ask about our `account` itself: a request that changes nothing, and costs nothing.
    fn account(&self, account: &str) -> RestRequest;

    /// What the answer to that says of the account.
    fn standing(&self, status: u16, body: &[u8]) -> Standing;

    /// What the answer to `operation` means. `body` may be anything, and is understood or is not.
    fn answer(&self, operation: Operation, leg: Side, status: u16, body: &[u8]) -> Answer;
}

/// Whose leg is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one that called us.
    Scanner,
    /// The one that was called.
    Owner,
}

/// What there is to send.
pub enum Shape {
    /// This.
    Request(RestRequest),
    /// Nothing: the provider has no such operation.
    Unsupported,
    /// Nothing: the provider gives no such ids, so it knows no such call.
    ForeignLeg,
}

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestMethod {
    /// GET
    Get,
    /// POST
    Post,
    /// DELETE
    Delete,
}

/// A request to a provider. No `Debug`: the path names a call.
pub struct RestRequest {
    /// How.
    pub method: RestMethod,
    /// Where, below the origin of the provider's interface; encoded, with a leading slash.
    pub path: String,
    /// An encoded form to send along.
    pub form: Option<&'static str>,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// No such call: it is over, or its record is gone, or not made yet.
    Gone,
    /// The call is still on.
    Live,
    /// The call is over; this is what its session missed.
    Over(LegEvent),
    /// Not so soon after the call: ask again in some minutes.
    NotYet,
    /// The provider has troubles, or too many requests, or spoke in riddles: ask again.
    TryLater,
    /// The provider does not let us: the configuration is wrong, and asking again helps nobody.
    Refused,
}

/// How an account stands with its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is ours, and may be used.
    Good,
    /// It is ours, and the provider has suspended or closed it.
    Stopped,
    /// There is no such account, or the secret is not its own.
    NotOurs,
    /// The provider has troubles, or too many requests.
    TryLater,
    /// Whoever answered is not the provider's interface.
    Strange,
}

/// How an account stands by the status of the answer; `None` for a success, which tells of itself.
fn standing_by_status(status: u16) -> Option<Standing> {
    match status {
        200..=299 => None,
        401 | 403 | 404 | 410 => Some(Standing::NotOurs),
        408 | 425 | 429 | 500.. => Some(Standing::TryLater),
        _ => Some(Standing::Strange),
    }
}

/// A leg's id as a segment of a path; `None` for one that no provider of ours gives.
///
/// Ids come from webhooks, and here they choose what is deleted. Escaping would not do: `..` needs none, `%2F` is a slash
/// again for some server behind the first, and a `DELETE` that has lost its id hangs up every call of a Plivo account
/// (docs: voice/api/call/hangup-a-call).
fn segment(leg: &LegId) -> Option<&str> {
    let id = leg.as_str();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    id.bytes().all(plain).then_some(id)
}

/// Our account as a segment of a path.
fn account_segment(account: &str) -> impl std::fmt::Display {
    utf8_percent_encode(account, NON_ALPHANUMERIC)
}

/// What a status means by itself; `None` for a success, whose meaning depends on what was asked.
fn by_status(status: u16) -> Option<Answer> {
    match status {
        200..=299 => None,
        404 | 410 => Some(Answer::Gone),
        408 | 425 | 429 | 500.. => Some(Answer::TryLater),
        // A redirection, too: the origin in the configuration is another one.
        _ => Some(Answer::Refused),
    }
}

/// A leg that is over, by whose it is. How the scanner's ended is nobody's business.
fn over(side: Side, end: LegEnd) -> Answer {
    Answer::Over(match side {
        Side::Scanner => LegEvent::ScannerLegEnded,
        Side::Owner => LegEvent::OwnerLegEnded(end),
    })
}

/// The answer as a JSON object; `None` for anything else.
fn object(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

/// A field's text, empty when it is none.
fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

/// A field from a closed list, as its lower-case letters and digits.
fn word(object: &Value, name: &str) -> String {
    let letters = text(object, name).chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}
