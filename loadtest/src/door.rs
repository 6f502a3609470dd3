//! The scanner's door: the two requests that a stranger's browser makes, bounded in time and size.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

use crate::target::Target;

/// How long a stranger waits for an answer.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What a stranger who is blocked asks for.
const SESSION_BODY: &[u8] = br#"{"reason":"blocking","language":"en"}"#;

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// From the request to the last byte, a new connection included.
    pub(crate) took: Duration,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    NoConnection,
    TooLate,
    TooLong,
    Broken,
}

impl NoAnswer {
    pub(crate) fn text(self) -> &'static str {
        match self {
            NoAnswer::NoConnection => "no connection",
            NoAnswer::TooLate => "not within 10 seconds",
            NoAnswer::TooLong => "longer than 64 KiB",
            NoAnswer::Broken => "the connection broke",
        }
    }
}

/// Keeps connections open between requests.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    target: Target,
}

impl Door {
    pub(crate) fn new(target: Target) -> Door {
        Door { client: Client::builder(TokioExecutor::new()).build(connector(trusting_nobody())), target }
    }

    /// A door through which every request has a connection of its own, for an engine that closes those that idle at once
    /// because its clock runs fast.
    pub(crate) fn without_reuse(target: Target) -> Door {
        Door::of_strangers(target, trusting_nobody())
    }

    /// The same through TLS, if the target is a secure one, whose engine shows a certificate that `tls` trusts.
    pub(crate) fn of_strangers(target: Target, tls: ClientConfig) -> Door {
        Door { client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector(tls)), target }
    }

    /// `GET /q/{code}`, with `fields` in its head.
    pub(crate) async fn scan(&self, code: &str, fields: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        self.ask(Method::GET, &format!("/q/{code}"), Bytes::new(), fields).await
    }

    /// `POST /q/{code}/sessions`, with `fields` in its head.
    pub(crate) async fn open_session(&self, code: &str, fields: &[(&str, &str)]) -> Result<Answer, NoAnswer> {
        self.ask(Method::POST, &format!("/q/{code}/sessions"), Bytes::from_static(SESSION_BODY), fields).await
    }

    /// Any request, with `fields` in its head beside those of every stranger, or in place of them.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        fields: &[(&str, &str)],
    ) -> Result<Answer, NoAnswer> {
        let mut request = Request::builder()
            .uri(format!("{}{path}", self.target.base()))
            .header(header::USER_AGENT, concat!("qnect-loadtest/", env!("CARGO_PKG_VERSION")));
        let usual = [("accept", "application/json"), ("content-type", "application/json")];
        for (name, value) in &usual[..if method == Method::POST { 2 } else { 1 }] {
            if fields.iter().all(|(given, _)| given != name) {
                request = request.header(*name, *value);
            }
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        // Target and code were checked, so that they make a URI.
        let request = request.method(method).body(Full::from(body)).map_err(|_| NoAnswer::Broken)?;
        tokio::time::timeout(ANSWER_TIME_MAX, self.exchange(request)).await.unwrap_or(Err(NoAnswer::TooLate))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let sent = Instant::now();
        let response = self.client.request(request).await.map_err(|cause| match cause.is_connect() {
            true => NoAnswer::NoConnection,
            false => NoAnswer::Broken,
        })?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(|cause| {
            match cause.is::<http_body_util::LengthLimitError>() {
                true => NoAnswer::TooLong,
                false => NoAnswer::Broken,
            }
        })?;
        Ok(Answer { status, body: body.to_bytes(), took: sent.elapsed() })
    }
}

fn connector(tls: ClientConfig) -> HttpsConnector<HttpConnector> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector)
}

/// For targets in plain HTTP.
fn trusting_nobody() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}
