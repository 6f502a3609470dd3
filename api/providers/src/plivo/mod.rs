//! Plivo: form webhooks signed with V3, answered with XML.
//!
//! Facts come from the vendor's Python package 4.63.0 (the signature in `plivo.utils.signature_v3`, the elements and
//! attributes in `plivo.xml`) and from its documentation, named where they are used. What neither confirms is marked
//! `[U]` and read tolerantly.

mod hangup;
mod parse;
mod render;
mod verify;

use qnect_core::caller::RootKey;
use qnect_core::instruction::Instruction;

use crate::provider::{Capabilities, Document, Provider, Webhook};
use crate::request::{ParseError, VerifyError, WebhookRequest};
use crate::routes::Route;

pub(crate) use hangup::leg_end;
pub use parse::PARAMETERS_MAX;
pub use verify::{ACCOUNT_SIGNATURE, NONCE, SIGNATURE};

/// Plivo's name, in paths, metrics and the configuration.
pub(crate) const NAME: &str = "plivo";

/// Plivo's tongue.
#[derive(Debug, Clone, Copy)]
pub struct Plivo;

impl Provider for Plivo {
    fn name(&self) -> &'static str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // `confirmKey` is one key (docs: xml/dial).
            owner_keys: false,
            tells_ringing: false,
            // `DialBLegHangupCause` and `DialBLegHangupSource`.
            tells_refusals: true,
            signs_webhooks: true,
            retries_on_request: true,
            hangs_up: true,
            fetches_calls: true,
            // Recordings can be deleted, call detail records cannot (plivo.resources.calls has no such method).
            deletes_records: false,
            serves_india: true,
        }
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
