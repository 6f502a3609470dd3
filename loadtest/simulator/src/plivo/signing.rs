//! The V3 signature of a voice webhook.
//!
//! Signed is `base[?query][.][body].nonce`, where the query is decoded and sorted as `key=value&...` and the body is
//! sorted and joined as `keyvalue...`. A POST with a body always has the `?`. Checked against vectors made with the
//! vendor's package (`tests/data`). ASCII queries only: the vendor's package folds other bytes to Latin-1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::method::Method;

/// The header that carries the nonce.
pub(crate) const NONCE: &str = "X-Plivo-Signature-V3-Nonce";

/// The base64 HMAC-SHA256 that `X-Plivo-Signature-V3` carries.
///
/// `url` is the public URL without fragment; `params` are those that are added to its query (GET) or sent as the body
/// (POST).
pub fn sign_v3(method: Method, url: &str, params: &[(String, String)], nonce: &str, auth_token: &str) -> String {
    let text = format!("{}.{nonce}", signed_url(method, url, params));
    // A key of any length is a key to HMAC, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(auth_token.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn signed_url(method: Method, url: &str, params: &[(String, String)]) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    match method {
        Method::Get => {
            // A key of the query replaces the same key of the parameters, as in the vendor's package.
            let extra = params.iter().filter(|(key, _)| query.iter().all(|(taken, _)| taken != key));
            let all = joined(extra.chain(&query), "=", "&");
            if all.is_empty() { base.to_owned() } else { format!("{base}?{all}") }
        }
        Method::Post => {
            let query = joined(&query, "=", "&");
            let body = joined(params, "", "");
            match (query.is_empty(), params.is_empty()) {
                (true, true) => base.to_owned(),
                (false, true) => format!("{base}?{query}"),
                (true, false) => format!("{base}?{body}"),
                (false, false) => format!("{base}?{query}.{body}"),
            }
        }
    }
}

fn joined<'a>(pairs: impl IntoIterator<Item = &'a (String, String)>, equals: &str, between: &str) -> String {
    let mut sorted: Vec<&(String, String)> = pairs.into_iter().collect();
    sorted.sort();
    let pairs: Vec<String> = sorted.iter().map(|(key, value)| format!("{key}{equals}{value}")).collect();
    pairs.join(between)
}
