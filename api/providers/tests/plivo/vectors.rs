//! Requests that the vendor's own package signed, one JSON object a line (see `ops/vectors`). `QNECT_PLIVO_VECTORS` names a
//! file of fresh ones; without it the checked-in ones are read.

use std::path::Path;

use qnect_providers::Provider;
use qnect_providers::plivo::{NONCE, Plivo, SIGNATURE};
use qnect_providers::request::{Method, VerifyError, WebhookRequest};

use crate::shared::forms::parameters;

/// A request as the vendor signed it.
#[derive(Clone)]
pub(crate) struct Vector {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) body: Vec<u8>,
    pub(crate) auth_token: String,
    pub(crate) nonce: String,
    pub(crate) signature: String,
}

impl Vector {
    pub(crate) fn verified_with(&self, tokens: &[&str]) -> Result<(), VerifyError> {
        self.verified_by(&[(SIGNATURE, self.signature.clone()), (NONCE, self.nonce.clone())], tokens)
    }

    pub(crate) fn verified_by(&self, headers: &[(&str, String)], tokens: &[&str]) -> Result<(), VerifyError> {
        let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        let request = WebhookRequest { method: self.method, url: &self.url, header: &header, body: &self.body };
        Plivo.verify(&request, tokens)
    }

    pub(crate) fn verified(&self) -> Result<(), VerifyError> {
        self.verified_with(&[&self.auth_token])
    }

    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    /// What the signature covers, read by another library.
    pub(crate) fn meaning(&self) -> impl PartialEq + use<> {
        let (base, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        (base.to_owned(), parameters(query.as_bytes()), parameters(&self.body))
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    std::env::var_os("QNECT_PLIVO_VECTORS").map_or_else(checked_in_vectors, |path| vectors_in(Path::new(&path)))
}

pub(crate) fn checked_in_vectors() -> Vec<Vector> {
    vectors_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/plivo_v3_vectors.jsonl"))
}

fn vectors_in(path: &Path) -> Vec<Vector> {
    let lines = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let vectors: Vec<Vector> = lines.lines().map(vector).collect();
    assert!(vectors.len() >= 20, "too few vectors in {}", path.display());
    vectors
}

fn vector(line: &str) -> Vector {
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    Vector {
        method: if text("method") == "GET" { Method::Get } else { Method::Post },
        url: text("url"),
        body: text("body").into_bytes(),
        auth_token: text("auth_token"),
        nonce: text("nonce"),
        signature: text("signature"),
    }
}
