//! What two providers do differently.

use std::fmt::Debug;
use std::time::Duration;

use crate::api::{ApiAnswer, ApiError, ApiRequest};
use crate::draw::Draw;
use crate::ending::Ending;
use crate::instruction::{DialElement, Element};
use crate::leg::{Facts, Leg, LegEvent, Step};
use crate::method::Method;
use crate::records::Records;
use crate::report::LegEnd;

/// Parameters, in the order sent.
pub(crate) type Params = Vec<(String, String)>;
/// Fields of a request's head.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// A voice protocol: its words for what happens, and its reading of what it is told.
pub(crate) trait Provider: Debug + Sync {
    /// Where the engine answers inbound calls, as configured at the provider; also told when a call is over.
    fn answer_path(&self) -> &'static str;
    /// How the provider fetches.
    fn fetching(&self) -> Fetching;
    /// What proves that a request is the provider's, and what marks its repetitions.
    fn signature(&self, signed: &Signed<'_>) -> Headers;

    /// A new call id.
    fn call_id(&self, draw: &Draw) -> String;
    /// A number as parameters carry it.
    fn number(&self, number: &str) -> String;
    /// What stands for a withheld number.
    fn withheld(&self) -> &'static str;
    /// True if the provider tells where a caller's number comes from.
    fn tells_place(&self) -> bool;

    /// Reads a document that came from `url`. Every problem is returned, not only the first.
    fn read(&self, body: &str, url: &str) -> Result<Vec<Element>, Vec<String>>;
    /// What `element` does to an inbound call that is not answered yet.
    fn answering(&self, element: &Element) -> Answering;
    /// The name on the owner's display.
    fn shown_name(&self, dial: &DialElement, caller: &str) -> Option<String>;

    /// The end of a leg, in the provider's words.
    fn leg_end(&self, ending: Ending) -> LegEnd;
    /// How the owner's leg went, as the scanner's leg is told.
    fn dial_status(&self, ending: Ending) -> &'static str;
    /// What the provider's API does with a request whose credentials are right.
    fn api(&self, records: &Records, account: &str, request: &ApiRequest) -> ApiAnswer;
    /// What the provider's API says when it does nothing.
    fn api_error(&self, error: ApiError) -> ApiAnswer;

    /// A document is asked for on the scanner's leg.
    fn request(&self, facts: Facts<'_>, step: Step<'_>) -> Params;
    /// A document is asked for on the owner's leg, with the digits that the owner keyed.
    fn owner_request(&self, facts: Facts<'_>, owner: &Leg, digits: Option<&str>) -> Params;
    /// Something happened on the owner's leg.
    fn leg_event(&self, facts: Facts<'_>, owner: &Leg, event: LegEvent) -> Params;
    /// A dial is over: what the engine is asked to go on with.
    fn dial_over(&self, facts: Facts<'_>, owner: &Leg, ending: Ending) -> Params;
    /// The scanner's leg is over.
    fn call_over(&self, facts: Facts<'_>, ending: Ending) -> Params;
}

/// When the scanner's line is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answering {
    Now,
    /// Not by this element.
    Later,
    /// Never: the call is refused.
    Refused(Ending),
}

/// How a provider fetches when a URL does not say otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetching {
    pub(crate) user_agent: &'static str,
    pub(crate) content_type: &'static str,
    /// How long it waits for an answer.
    pub(crate) reply_max: Duration,
    pub(crate) retries: u32,
    /// The failures after which it tries again.
    pub(crate) policies: &'static [&'static str],
}

/// What a signature is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) method: Method,
    /// The public URL without fragment, as the engine gave it.
    pub(crate) url: &'a str,
    /// The same with the parameters of a GET, as sent.
    pub(crate) sent_url: &'a str,
    pub(crate) params: &'a [(String, String)],
    /// One value for each event, the same when it is repeated.
    pub(crate) event_id: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) draw: &'a Draw,
    /// False: everything but the signature.
    pub(crate) signs: bool,
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Params {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
