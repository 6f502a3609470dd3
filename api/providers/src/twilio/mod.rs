//! Twilio: form webhooks signed with `X-Twilio-Signature`, answered with TwiML.
//!
//! Facts come from the vendor's packages (Python 9.13.0: the signature in `twilio.request_validator`, the elements and
//! attributes in `twilio.twiml.voice_response`; Node 5.13.1: the voices and languages in `VoiceResponse.d.ts`) and from its
//! documentation, named where they are used. What neither confirms is marked `[U]` and read tolerantly.
//!
//! A webhook's `To` and `From` are the owner's number and ours where it tells of the owner's leg; they are looked at on the
//! scanner's leg only.

mod parse;
mod render;
mod status;
mod verify;

use qnect_core::caller::RootKey;
use qnect_core::instruction::Instruction;

use crate::provider::{Capabilities, Document, Provider, Webhook};
use crate::request::{ParseError, VerifyError, WebhookRequest};
use crate::routes::Route;

pub use parse::PARAMETERS_MAX;
pub use verify::{SIGNATURE, SIGNATURE_SETTINGS};

/// Twilio's name, in paths, metrics and the configuration.
const NAME: &str = "twilio";

/// Twilio's tongue.
#[derive(Debug, Clone, Copy)]
pub struct Twilio;

impl Provider for Twilio {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn verify(&self, request: &WebhookRequest<'_>, secrets: &[&str]) -> Result<(), VerifyError> {
        verify::verify(request, secrets)
    }

    fn parse(&self, route: &Route, body: &[u8], root: &RootKey) -> Result<Webhook, ParseError> {
        parse::parse(route, body, root)
    }

    fn render(&self, instruction: &Instruction, base_url: &str) -> Document {
        Document::xml(render::render(instruction, base_url))
    }
}

const CAPABILITIES: Capabilities = Capabilities {
    // The whisper is a `Gather` on the owner's leg.
    owner_keys: true,
    // `statusCallbackEvent` of `Number` has it.
    tells_ringing: true,
    // A refusal is `busy` or `no-answer`, and a call that ended does not say who ended it.
    tells_refusals: false,
    signs_webhooks: true,
    retries_on_request: true,
    hangs_up: true,
    fetches_calls: true,
    // `DELETE` of a call (twilio.rest.api.v2010.account.call).
    deletes_records: true,
    // Twilio offers no calls within India (its guidelines for India).
    serves_india: false,
};
