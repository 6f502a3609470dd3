//! One request over HTTP: bounded in time and in size, with no redirection followed, over TLS that only trusts what this
//! machine trusts.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use qnect_providers::rest::{RestMethod, RestRequest};
use rustls::{ClientConfig, RootCertStore};

use super::Account;

/// How long connecting may take, without TLS.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a request may take as a whole, from the first byte of the connection to the last of the answer.
pub(super) const TRY_MAX: Duration = Duration::from_secs(4);
/// Bytes of an answer; a call's details have about two thousand.
pub(super) const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Idle connections that are kept, and for how long.
const IDLE_CONNECTIONS_MAX: usize = 4;
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Why there is no outbox.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The provider's address cannot be used.
    #[error("providers.{0}.api_base_url is no http or https origin; correct it in the configuration")]
    Origin(&'static str),
    /// No certificate of a provider could be checked.
    #[error("this machine has no certificate authorities ({0}); install them (on Debian the package ca-certificates)")]
    Authorities(std::io::Error),
    /// The cryptography cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// No connection, or one that broke.
    Unreachable,
    /// It took longer than [`TRY_MAX`].
    TooSlow,
    /// It is longer than [`ANSWER_BYTES_MAX`], or broke off.
    NotWhole,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "no connection",
            Self::TooSlow => "no answer in time",
            Self::NotWhole => "an answer that is too long or broke off",
        })
    }
}

/// An answer. No `Debug`: it names telephone numbers.
pub(super) struct Heard {
    pub(super) status: u16,
    /// How long the provider wants to be left alone.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

/// What speaks HTTP, over TLS where the address wants it.
pub(super) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The wire to one provider.
pub(super) struct Wire {
    pub(super) client: HttpClient,
    api_base_url: String,
    authorization: HeaderValue,
}

impl Wire {
    pub(super) fn new(account: &Account) -> Result<Self, OutboxError> {
        let tls = trusting(&account.api_base_url)?.ok_or(OutboxError::Origin(account.rest.name()))?;
        Self::over(tls, account)
    }

    /// A wire that trusts whom `tls` trusts.
    pub(super) fn over(tls: ClientConfig, account: &Account) -> Result<Self, OutboxError> {
        let secret = account.secret.accepted().next().unwrap_or_default();
        let both = BASE64_STANDARD.encode(format!("{}:{secret}", account.account));
        let authorization = HeaderValue::try_from(format!("Basic {both}"));
        let mut authorization = authorization.map_err(|_| OutboxError::Origin(account.rest.name()))?;
        authorization.set_sensitive(true);
        Ok(Self { client: client(tls), api_base_url: account.api_base_url.clone(), authorization })
    }

    /// Sends a request and waits for the whole answer.
    pub(super) async fn send(&self, request: &RestRequest) -> Result<Heard, Silence> {
        tokio::time::timeout(TRY_MAX, self.exchange(request)).await.unwrap_or(Err(Silence::TooSlow))
    }

    async fn exchange(&self, request: &RestRequest) -> Result<Heard, Silence> {
        let request = self.request(request).map_err(|_| Silence::Unreachable)?;
        let answer = self.client.request(request).await.map_err(|_| Silence::Unreachable)?;
        let (status, retry_after) = (answer.status().as_u16(), retry_after(&answer));
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok(Heard { status, retry_after, body: body.map_err(|_| Silence::NotWhole)?.to_bytes() })
    }

    pub(super) fn request(&self, request: &RestRequest) -> Result<Request<Full<Bytes>>, http::Error> {
        let method = match request.method {
            RestMethod::Get => Method::GET,
            RestMethod::Post => Method::POST,
            RestMethod::Delete => Method::DELETE,
        };
        let mut sent = Request::builder()
            .method(method)
            .uri(format!("{}{}", self.api_base_url, request.path))
            .header(AUTHORIZATION, &self.authorization)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("qnect/", env!("CARGO_PKG_VERSION")));
        if request.form.is_some() {
            sent = sent.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        sent.body(Full::from(request.form.unwrap_or_default()))
    }
}

/// A client that trusts whom `tls` trusts, and that stops connecting after [`CONNECT_MAX`].
pub(super) fn client(tls: ClientConfig) -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(CONNECT_MAX));
    connector.set_nodelay(true);
    // TLS on top of it asks for https.
    connector.enforce_http(false);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(IDLE_MAX)
        .build(connector)
}

/// What a client of `origin` needs: certificates of this machine for https, none for http; `None` for anything else.
pub(super) fn trusting(origin: &str) -> Result<Option<ClientConfig>, OutboxError> {
    let tls = tls().with_safe_default_protocol_versions()?;
    let origin = origin.parse::<Uri>().ok();
    let tls = match origin.as_ref().and_then(Uri::scheme_str) {
        Some("https") => tls.with_native_roots().map_err(OutboxError::Authorities)?,
        Some("http") => tls.with_root_certificates(RootCertStore::empty()),
        Some(_) | None => return Ok(None),
    };
    Ok(Some(tls.with_no_client_auth()))
}

/// One TLS provider in the whole process: rustls with ring.
pub(super) fn tls() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVersions> {
    ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
}

/// Seconds; the form with a date is ignored, and the provider is asked again as usual.
fn retry_after(answer: &Response<Incoming>) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds)).filter(|time| !time.is_zero())
}
