//! Requests that the vendor's own package signed, one JSON object a line (see `ops/vectors`). `QNECT_TWILIO_VECTORS` names a
//! file of fresh ones; without it the checked-in ones are read.

use std::path::Path;

use qnect_providers::Provider;
use qnect_providers::request::{Method, VerifyError, WebhookRequest};
use qnect_providers::twilio::{SIGNATURE, SIGNATURE_SETTINGS, Twilio};

use crate::shared::forms::parameters;

/// A request as the vendor signed it.
#[derive(Clone)]
pub(crate) struct Vector {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) body: Vec<u8>,
    pub(crate) secret: String,
    pub(crate) settings: Option<String>,
    pub(crate) signature: String,
    /// Whether the vendor accepts the same request at these origins.
    pub(crate) origins: Vec<(String, bool)>,
    /// Whether the vendor accepts the same request with these settings.
    pub(crate) other_settings: Vec<(String, bool)>,
}

impl Vector {
    pub(crate) fn verified_with(&self, secrets: &[&str]) -> Result<(), VerifyError> {
        let header = |name: &str| match name {
            SIGNATURE => Some(self.signature.as_str()),
            SIGNATURE_SETTINGS => self.settings.as_deref(),
            _ => None,
        };
        self.verified_by(&header, secrets)
    }

    pub(crate) fn verified_by<'a>(
        &'a self,
        header: &'a dyn Fn(&str) -> Option<&'a str>,
        secrets: &[&str],
    ) -> Result<(), VerifyError> {
        let request = WebhookRequest { method: self.method, url: &self.url, header, body: &self.body };
        Twilio.verify(&request, secrets)
    }

    pub(crate) fn verified(&self) -> Result<(), VerifyError> {
        self.verified_with(&[&self.secret])
    }

    pub(crate) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    /// Scheme and host, with the port if there is one.
    pub(crate) fn origin(&self) -> &str {
        let path = self.url[8..].find(['/', '?']).map_or(self.url.len(), |at| at + 8);
        &self.url[..path]
    }

    /// Whether the URL covers the body with a hash.
    pub(crate) fn is_hashed(&self) -> bool {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        parameters(query.as_bytes()).iter().any(|(name, _)| name == "bodySHA256")
    }

    /// What the signature covers, read by another library: equal parameters count once, a hashed body byte for byte.
    pub(crate) fn meaning(&self) -> impl PartialEq + use<> {
        let mut form = if self.is_hashed() { Vec::new() } else { parameters(&self.body) };
        form.dedup();
        (self.url.clone(), form, self.is_hashed().then(|| self.body.clone()))
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    std::env::var_os("QNECT_TWILIO_VECTORS").map_or_else(checked_in_vectors, |path| vectors_in(Path::new(&path)))
}

pub(crate) fn checked_in_vectors() -> Vec<Vector> {
    vectors_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/twilio_vectors.jsonl"))
}

fn vectors_in(path: &Path) -> Vec<Vector> {
    let lines = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let vectors: Vec<Vector> = lines.lines().map(vector).collect();
    assert!(vectors.len() >= 200, "too few vectors in {}", path.display());
    vectors
}

fn vector(line: &str) -> Vector {
    let json: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    let verdicts = |name: &str| {
        let verdicts = json[name].as_object().unwrap().iter();
        verdicts.map(|(key, accepted)| (key.clone(), accepted.as_bool().unwrap())).collect()
    };
    Vector {
        method: if text("method") == "GET" { Method::Get } else { Method::Post },
        url: text("url"),
        body: text("body").into_bytes(),
        secret: text("secret"),
        settings: json["settings"].as_str().map(str::to_owned),
        signature: text("signature"),
        origins: verdicts("origins"),
        other_settings: verdicts("other_settings"),
    }
}
