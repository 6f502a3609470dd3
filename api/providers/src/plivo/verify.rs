//! Plivo's V3 signature: base64 of HMAC-SHA256 under the account's auth token (`plivo.utils.signature_v3`).
//!
//! With Q the query's parameters sorted, decoded and written `name=value` with `&` between, and P the body's parameters
//! sorted and written `namevalue` without anything between, the signed text is
//!
//! | request | text |
//! |---|---|
//! | GET, or POST without parameters | `base?Q.nonce`, or `base.nonce` without a query |
//! | POST with parameters | `base?Q.P.nonce`, or `base?P.nonce` without a query |
//!
//! where `base` is the URL before its `?`. Repeated parameters are kept, their values sorted. It follows that a POST without
//! parameters and a GET of the same URL share a signature, and that P does not say where a name ends and its value begins:
//! the transport must be TLS, and a nonce is no proof of freshness. What a webhook does must bear being done twice.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::form::Form;
use crate::request::{Method, VerifyError, WebhookRequest};

/// The field with signatures under the token of the account, or subaccount, that the number belongs to.
pub const SIGNATURE: &str = "x-plivo-signature-v3";
/// The field with signatures under the main account's token.
pub const ACCOUNT_SIGNATURE: &str = "x-plivo-signature-ma-v3";
/// The field with the nonce that is signed too.
pub const NONCE: &str = "x-plivo-signature-v3-nonce";

/// Most parameters that are hashed for a stranger, in the query and in the body each.
const SIGNED_PARAMETERS_MAX: usize = 1_024;

/// Checks that Plivo sent this webhook, with any of `auth_tokens`: one, or two while they are rotated. Fails closed: with
/// no token, an empty one, or a request that the signature does not fully cover, nothing is right.
pub(super) fn verify(request: &WebhookRequest<'_>, auth_tokens: &[&str]) -> Result<(), VerifyError> {
    let given: Vec<&str> = [SIGNATURE, ACCOUNT_SIGNATURE]
        .into_iter()
        .filter_map(|name| (request.header)(name))
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .filter(|signature| !signature.is_empty())
        .collect();
    let nonce = (request.header)(NONCE).unwrap_or_default();
    if given.is_empty() || nonce.is_empty() {
        return Err(VerifyError::MissingSignature);
    }
    let signed = Signed::read(request).ok_or(VerifyError::WrongSignature)?;
    let mut right = Choice::from(0);
    for token in auth_tokens.iter().filter(|token| !token.is_empty()) {
        let expected = signed.signature(token, nonce).ok_or(VerifyError::WrongSignature)?;
        for signature in &given {
            right |= expected.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if right.into() { Ok(()) } else { Err(VerifyError::WrongSignature) }
}

/// The parts of a request that are signed.
struct Signed<'a> {
    base: &'a str,
    query: Form,
    body: Form,
}

impl<'a> Signed<'a> {
    fn read(request: &WebhookRequest<'a>) -> Option<Self> {
        let (base, query) = request.url.split_once('?').unwrap_or((request.url, ""));
        let query = Form::read(query.as_bytes(), SIGNED_PARAMETERS_MAX)?;
        let body = Form::read(request.body, SIGNED_PARAMETERS_MAX)?;
        // The body of a GET is not signed, so there must be none.
        let covered = request.method == Method::Post || request.body.is_empty();
        covered.then_some(Self { base, query, body })
    }

    /// The signature under `token`, hashed piece by piece so that no copy of the text is made.
    fn signature(&self, token: &str, nonce: &str) -> Option<String> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(token.as_bytes()).ok()?;
        mac.update(self.base.as_bytes());
        if !self.query.is_empty() || !self.body.is_empty() {
            mac.update(b"?");
        }
        for (i, (name, value)) in self.query.sorted().into_iter().enumerate() {
            if i > 0 {
                mac.update(b"&");
            }
            mac.update(name);
            mac.update(b"=");
            mac.update(value);
        }
        if !self.query.is_empty() && !self.body.is_empty() {
            mac.update(b".");
        }
        for (name, value) in self.body.sorted() {
            mac.update(name);
            mac.update(value);
        }
        mac.update(b".");
        mac.update(nonce.as_bytes());
        Some(STANDARD.encode(mac.finalize().into_bytes()))
    }
}
