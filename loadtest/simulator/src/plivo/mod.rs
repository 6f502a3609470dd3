//! Plivo's voice protocol as its own package and documentation have it: signatures, parameters, documents, causes.

use std::time::Duration;

use crate::api::{ApiAnswer, ApiError, ApiRequest};
use crate::digits;
use crate::draw::Draw;
use crate::ending::Ending;
use crate::instruction::{DialElement, Element, Refusal};
use crate::leg::{Facts, Leg, LegEvent, Step};
use crate::provider::{Answering, Fetching, Headers, Params, Provider, Signed};
use crate::records::Records;
use crate::report::LegEnd;

mod api;
mod cause;
mod document;
mod grammar;
mod params;
pub(crate) mod signing;

/// The provider.
#[derive(Debug)]
pub(crate) struct Plivo;

impl Provider for Plivo {
    fn answer_path(&self) -> &'static str {
        "/webhooks/plivo/voice"
    }

    fn fetching(&self) -> Fetching {
        Fetching {
            user_agent: "Plivo",
            content_type: "application/x-www-form-urlencoded",
            reply_max: Duration::from_secs(60),
            retries: 0,
            policies: &[],
        }
    }

    // Every attempt has a nonce of its own.
    fn signature(&self, signed: &Signed<'_>) -> Headers {
        if !signed.signs {
            return Headers::new();
        }
        let nonce = signed.draw.nonce();
        let signature = signing::sign_v3(signed.method, signed.url, signed.params, &nonce, signed.secret);
        vec![
            ("X-Plivo-Signature-V3", signature.clone()),
            ("X-Plivo-Signature-Ma-V3", signature),
            (signing::NONCE, nonce),
        ]
    }

    fn call_id(&self, draw: &Draw) -> String {
        draw.uuid()
    }

    fn number(&self, number: &str) -> String {
        params::bare(number)
    }

    fn withheld(&self) -> &'static str {
        "anonymous"
    }

    fn tells_place(&self) -> bool {
        false
    }

    fn read(&self, body: &str, _url: &str) -> Result<Vec<Element>, Vec<String>> {
        document::read(body)
    }

    // A document that refuses at once is never answered; any other first element answers the line. [D]
    fn answering(&self, element: &Element) -> Answering {
        match element {
            Element::Hangup { refusal, schedule_seconds: None } => Answering::Refused(match refusal {
                Some(Refusal::Busy) => Ending::RefusedBusy,
                Some(Refusal::Rejected) => Ending::RefusedRejected,
                None => Ending::HangupElement,
            }),
            Element::Hangup { .. }
            | Element::Sound(_)
            | Element::Gather(_)
            | Element::Dial(_)
            | Element::Redirect { .. } => Answering::Now,
        }
    }

    // Without a name the display shows the caller's own. [D]
    fn shown_name(&self, dial: &DialElement, caller: &str) -> Option<String> {
        Some(dial.caller_name.clone().unwrap_or_else(|| digits::shown(caller)))
    }

    fn leg_end(&self, ending: Ending) -> LegEnd {
        cause::leg_end(ending)
    }

    fn dial_status(&self, ending: Ending) -> &'static str {
        cause::dial_status(ending)
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

    // The vendor runs no document on the owner's leg; sounds for it are asked for on the scanner's.
    fn owner_request(&self, facts: Facts<'_>, _owner: &Leg, _digits: Option<&str>) -> Params {
        params::request(facts, Step::Sounds)
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
