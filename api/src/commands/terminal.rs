//! What the demo shows, and the small HTTP client with which it does what a stranger's browser does.

use std::time::Duration;

use bytes::Bytes;
use fast_qr::QRBuilder;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use qnect_simulator::{Party, TimelineEntry};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commands::{CommandError, say};

/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Prints one step.
pub(super) fn step(who: &str, what: &str) {
    say(&format!("          {who:<9} {what}\n"));
}

/// Prints one entry of a call's timeline, in the telephones' time.
pub(super) fn timeline(entry: &TimelineEntry) {
    let who = match entry.who {
        Party::Scanner => "stranger",
        Party::Network => "network",
        Party::Provider => "provider",
        Party::Engine => "engine",
        Party::Owner => "owner",
    };
    say(&format!("  {:>6.1}s {who:<9} {}\n", entry.at_ms as f64 / 1_000.0, entry.text));
}

/// Prints a QR code that a telephone can read from a screen.
pub(super) fn qr(text: &str) {
    if let Ok(code) = QRBuilder::new(text).build() {
        say(&format!("{}\n", code.to_str()));
    }
}

/// A client without cookies, redirects or secrets.
pub(super) struct Client(HyperClient<HttpConnector, Full<Bytes>>);

impl Client {
    pub(super) fn new() -> Self {
        Self(HyperClient::builder(TokioExecutor::new()).build_http())
    }

    /// A JSON resource.
    pub(super) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, CommandError> {
        self.ask(Method::GET, url, Bytes::new()).await
    }

    /// A JSON answer to a JSON body.
    pub(super) async fn post<T: DeserializeOwned>(&self, url: &str, body: &impl Serialize) -> Result<T, CommandError> {
        let body = serde_json::to_vec(body).map_err(|e| CommandError::Other(e.to_string()))?;
        self.ask(Method::POST, url, body.into()).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, url: &str, body: Bytes) -> Result<T, CommandError> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(failed)?;
        let answered = async {
            let response = self.0.request(request).await.map_err(failed)?;
            let status = response.status();
            let bytes = response.into_body().collect().await.map_err(failed)?.to_bytes();
            if !status.is_success() {
                return Err(CommandError::Other(format!("the engine answered {status}")));
            }
            serde_json::from_slice(&bytes).map_err(failed)
        };
        tokio::time::timeout(ANSWER_TIME_MAX, answered).await.map_err(failed)?
    }
}

fn failed(error: impl std::fmt::Display) -> CommandError {
    CommandError::Other(format!("the demo's own request failed: {error}"))
}
