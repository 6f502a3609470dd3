//! What a provider's adapter is: the same few functions for each of them.

use qnect_core::caller::RootKey;
use qnect_core::instruction::Instruction;
use qnect_core::leg::ProviderEvent;

use crate::request::{ParseError, VerifyError, WebhookRequest};
use crate::routes::Route;

/// One provider's tongue. Pure: what it says depends on what it is given, and it remembers nothing.
pub trait Provider: std::fmt::Debug + Send + Sync {
    /// Its name in the configuration, in webhook paths and in metrics.
    fn name(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Checks that the provider sent this webhook, with any of `secrets`: one, or two while they are rotated. Fails closed.
    fn verify(&self, request: &WebhookRequest<'_>, secrets: &[&str]) -> Result<(), VerifyError>;

    /// Reads the body of a webhook that came to `route` and was verified. The caller's number ends in here.
    fn parse(&self, route: &Route, body: &[u8], root: &RootKey) -> Result<Webhook, ParseError>;

    /// The document that tells the provider `instruction`, with callback URLs under the public origin `base_url`. The same
    /// instruction always gives the same bytes.
    fn render(&self, instruction: &Instruction, base_url: &str) -> Document;
}

/// A webhook that was understood.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// What it says.
    pub event: ProviderEvent,
    /// It tells of a recording, which we never ask for: raise an alarm.
    pub recording_alarm: bool,
}

/// A document for a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is, as a content type.
    pub content_type: &'static str,
    /// The document.
    pub body: String,
}

impl Document {
    /// An XML document.
    pub(crate) fn xml(body: String) -> Self {
        Self { content_type: "application/xml; charset=utf-8", body }
    }
}

/// What a provider can do, where providers differ. What one cannot do is done in the way that its adapter documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The owner can answer the whisper with more than one key. Without it there is only 1, and hanging up.
    pub owner_keys: bool,
    /// It tells that the owner's telephone rings. Without it `ringing` shows from pick-up on.
    pub tells_ringing: bool,
    /// It tells that the owner refused, or hung up. Without it that looks like an engaged line, or like nobody.
    pub tells_refusals: bool,
    /// Its webhooks are signed.
    pub signs_webhooks: bool,
    /// It sends a webhook again when asked to by the URL.
    pub retries_on_request: bool,
    /// A call can be ended by a request of ours.
    pub hangs_up: bool,
    /// It can be asked how a call stands.
    pub fetches_calls: bool,
    /// The record of a call can be deleted.
    pub deletes_records: bool,
    /// It has numbers in India for calls within India.
    pub serves_india: bool,
}

impl Capabilities {
    /// What is missing, in words for the operator.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        [
            (self.owner_keys, "an owner can only press 1 or hang up: no \"coming\" and no \"cannot come\""),
            (self.tells_ringing, "a session shows \"ringing\" only once the owner has picked up"),
            (self.tells_refusals, "an owner who refuses or hangs up counts as engaged, or as one who did not answer"),
            (self.signs_webhooks, "webhooks are not signed: the path's secret and the networks must do"),
            (self.retries_on_request, "a lost webhook is not sent again"),
            (self.hangs_up, "a call cannot be ended from here: only its time limit ends it"),
            (self.fetches_calls, "a call whose end was lost cannot be asked after: it is closed by the watchdog"),
            (self.deletes_records, "the provider's own record of a call, which names both numbers, cannot be deleted"),
            (self.serves_india, "it has no numbers for calls within India"),
        ]
        .into_iter()
        .filter_map(|(can, without)| (!can).then_some(without))
    }
}
