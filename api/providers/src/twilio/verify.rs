//! Twilio's signature: base64 of an HMAC over the URL and the body's parameters (`twilio.request_validator`).
//!
//! With P the body's parameters sorted by name, then by value, equal pairs only once, and written `namevalue` without
//! anything between, the signed text is
//!
//! | request | text |
//! |---|---|
//! | GET | `url` |
//! | POST with a form | `url` and P |
//! | POST with `bodySHA256` in the query | `url`; the body is covered by that hash of it |
//!
//! The URL is signed as Twilio requested it, query and all, in its order and its escaping; without the fragment, which no
//! request carries; and, "since sig generation on back end is inconsistent", with its port or without. P does not say where
//! a name ends and its value begins, and nothing in a request says when it was sent: the transport must be TLS, and what a
//! webhook does must bear being done twice.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::form::Form;
use crate::request::{Method, VerifyError, WebhookRequest};

/// The field with the signature.
pub const SIGNATURE: &str = "x-twilio-signature";
/// The field that names the algorithm: absent, and SHA-1, under the account's auth token; SHA-256 under a shared key, as in
/// `key=webhooks_sharedkey_1,algorithm=HMAC_SHA256`.
pub const SIGNATURE_SETTINGS: &str = "x-twilio-webhooks-signature-settings";

/// The query parameter that covers a body which is no form.
const BODY_HASH: &str = "bodySHA256";

/// Most parameters that are hashed for a stranger, in the query and in the body each.
const SIGNED_PARAMETERS_MAX: usize = 1_024;

/// Checks that Twilio sent this webhook, with any of `secrets`: auth tokens or shared keys, one, or two while they are
/// rotated. Fails closed: with no secret, an empty one, an algorithm that we do not know, or a request that the signature
/// does not fully cover, nothing is right.
pub(super) fn verify(request: &WebhookRequest<'_>, secrets: &[&str]) -> Result<(), VerifyError> {
    let given = (request.header)(SIGNATURE).unwrap_or_default();
    if given.is_empty() {
        return Err(VerifyError::MissingSignature);
    }
    let settings = (request.header)(SIGNATURE_SETTINGS).unwrap_or_default();
    let algorithm = Algorithm::of(settings).ok_or(VerifyError::WrongSignature)?;
    let signed = Signed::read(request).ok_or(VerifyError::WrongSignature)?;
    let mut right = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        for url in &signed.urls {
            let expected = algorithm.signature(secret, url, &signed.body).ok_or(VerifyError::WrongSignature)?;
            right |= expected.as_bytes().ct_eq(given.as_bytes());
        }
    }
    if (right & signed.body_is_covered).into() { Ok(()) } else { Err(VerifyError::WrongSignature) }
}

/// What a signature is made with.
#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Algorithm {
    /// Reads the settings field; `None` for an algorithm that we do not know.
    fn of(settings: &str) -> Option<Self> {
        let pairs = settings.split(',').filter_map(|part| part.split_once('='));
        let mut named = pairs.filter(|(name, _)| name.trim() == "algorithm").map(|(_, value)| value.trim());
        match named.find(|value| !value.is_empty()) {
            None => Some(Self::Sha1),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA1") => Some(Self::Sha1),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA256") => Some(Self::Sha256),
            Some(_) => None,
        }
    }

    fn signature(self, secret: &str, url: &str, body: &Form) -> Option<String> {
        match self {
            Self::Sha1 => signature::<Hmac<Sha1>>(secret, url, body),
            Self::Sha256 => signature::<Hmac<Sha256>>(secret, url, body),
        }
    }
}

/// The signature under `secret`, hashed piece by piece so that no copy of the parameters is made.
fn signature<M: Mac + KeyInit>(secret: &str, url: &str, body: &Form) -> Option<String> {
    let mut mac = <M as KeyInit>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(url.as_bytes());
    let mut parameters = body.sorted();
    parameters.dedup();
    for (name, value) in parameters {
        mac.update(name);
        mac.update(value);
    }
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

/// The parts of a request that are signed.
struct Signed {
    /// The URL without its port and with it.
    urls: [String; 2],
    /// The parameters of a form; none where the body is something else.
    body: Form,
    /// Whether a body that is no form has the hash that the URL names.
    body_is_covered: Choice,
}

impl Signed {
    fn read(request: &WebhookRequest<'_>) -> Option<Self> {
        let url = request.url.split_once('#').map_or(request.url, |(before, _)| before);
        let urls = with_and_without_port(url)?;
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let query = Form::read(query.as_bytes(), SIGNED_PARAMETERS_MAX)?;
        let hash = query.pairs().find(|(name, _)| *name == BODY_HASH.as_bytes());
        let nothing = || Form::read(b"", SIGNED_PARAMETERS_MAX);
        let (body, body_is_covered) = match (request.method, hash) {
            // The body of a GET is not signed, so there must be none.
            (Method::Get, _) => (nothing()?, Choice::from(u8::from(request.body.is_empty()))),
            (Method::Post, Some((_, hash))) => (nothing()?, hex(&Sha256::digest(request.body)).as_bytes().ct_eq(hash)),
            (Method::Post, None) => (Form::read(request.body, SIGNED_PARAMETERS_MAX)?, Choice::from(1)),
        };
        Some(Self { urls, body, body_is_covered })
    }
}

/// The URL without a port and with one: with its own, or with that of its scheme. `None` for what is no absolute URL.
fn with_and_without_port(url: &str) -> Option<[String; 2]> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    Some(match authority.rsplit_once(':').filter(|(_, port)| is_port(port)) {
        Some((host, _)) => [format!("{scheme}://{host}{tail}"), url.to_owned()],
        None => {
            let port = if scheme == "https" { 443 } else { 80 };
            [url.to_owned(), format!("{scheme}://{authority}:{port}{tail}")]
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
