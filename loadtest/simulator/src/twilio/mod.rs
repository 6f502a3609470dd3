//! Twilio's voice protocol as its own package and documentation have it: signatures, parameters, documents, statuses.

use std::time::Duration;

use crate::api::{ApiAnswer, ApiError, ApiRequest};
use crate::digits;
use crate::draw::Draw;
use crate::ending::Ending;
use crate::instruction::{DialElement, Element, Refusal, Sound};
use crate::leg::{Facts, Leg, LegEvent, Step};
use crate::method::Method;
use crate::provider::{Answering, Fetching, Headers, Params, Provider, Signed};
use crate::records::Records;
use crate::report::LegEnd;

mod api;
mod cause;
mod document;
mod grammar;
mod params;
pub(crate) mod signing;

/// What stands for a withheld number: ANONYMOUS on a keypad. \[D\]
const ANONYMOUS: &str = "+266696687";

/// The provider.
#[derive(Debug)]
pub(crate) struct Twilio;

impl Provider for Twilio {
    fn answer_path(&self) -> &'static str {
        "/webhooks/twilio/voice"
    }

    // One try more, and only when no connection was made. [D], the default policy [T]
    fn fetching(&self) -> Fetching {
        Fetching {
            user_agent: "TwilioProxy/1.1",
            content_type: "application/x-www-form-urlencoded; charset=UTF-8",
            reply_max: Duration::from_secs(15),
            retries: 1,
            policies: &["ct"],
        }
    }

    fn signature(&self, signed: &Signed<'_>) -> Headers {
        let mut headers = vec![("I-Twilio-Idempotency-Token", signed.event_id.to_owned())];
        if signed.signs {
            let params = match signed.method {
                Method::Post => signed.params,
                Method::Get => &[],
            };
            let signature = signing::sign_twilio(signed.sent_url, params, signed.secret);
            headers.push(("X-Twilio-Signature", signature));
        }
        headers
    }

    fn call_id(&self, draw: &Draw) -> String {
        format!("CA{}", draw.hex())
    }

    fn number(&self, number: &str) -> String {
        digits::shown(number)
    }

    fn withheld(&self) -> &'static str {
        ANONYMOUS
    }

    fn tells_place(&self) -> bool {
        true
    }

    fn read(&self, body: &str, url: &str) -> Result<Vec<Element>, Vec<String>> {
        document::read(body, url)
    }

    // A pause at the beginning delays the answer, and a dial may leave it to the bridge. [D] Redirects answer nothing. [U]
    fn answering(&self, element: &Element) -> Answering {
        match element {
            Element::Hangup { refusal: Some(Refusal::Busy), .. } => Answering::Refused(Ending::RefusedBusy),
            Element::Hangup { refusal: Some(Refusal::Rejected), .. } => Answering::Refused(Ending::RefusedRejected),
            Element::Sound(Sound::Wait { .. }) | Element::Redirect { .. } => Answering::Later,
            Element::Dial(dial) if dial.answer_on_bridge => Answering::Later,
            Element::Hangup { refusal: None, .. } | Element::Sound(_) | Element::Gather(_) | Element::Dial(_) => {
                Answering::Now
            }
        }
    }

    // The owner's carrier looks names up by number; the vendor sends none.
    fn shown_name(&self, _dial: &DialElement, _caller: &str) -> Option<String> {
        None
    }

    fn leg_end(&self, ending: Ending) -> LegEnd {
        cause::leg_end(ending)
    }

    fn dial_status(&self, ending: Ending) -> &'static str {
        cause::status(ending)
    }

    fn api(&self, records: &Records, account: &str, request: &ApiRequest) -> ApiAnswer {
        api::answer(records, account, request)
    }

    fn api_error(&self, error: ApiError) -> ApiAnswer {
        api::error(error)
    }

    fn request(&self, facts: Facts<'_>, step: Step<'_>) -> Params {
        params::request(facts, step)
    }

    fn owner_request(&self, facts: Facts<'_>, owner: &Leg, digits: Option<&str>) -> Params {
        params::owner_request(facts, owner, digits)
    }

    fn leg_event(&self, facts: Facts<'_>, owner: &Leg, event: LegEvent) -> Params {
        params::leg_event(facts, owner, event)
    }

    fn dial_over(&self, facts: Facts<'_>, owner: &Leg, ending: Ending) -> Params {
        params::dial_over(facts, owner, ending)
    }

    fn call_over(&self, facts: Facts<'_>, ending: Ending) -> Params {
        params::call_over(facts, ending)
    }
}
