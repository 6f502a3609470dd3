//! One harmless request, to learn who answers: whether a provider knows us, and whether an address of ours leads here.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, DATE, USER_AGENT};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use jiff::Timestamp;
use qnect_providers::rest::Standing;

use super::wire::{self, ANSWER_BYTES_MAX, HttpClient, TRY_MAX, Wire};
use super::{Account, OutboxError};

/// An answer. No `Debug`: what a provider tells of an account holds its secret.
pub struct Probed {
    /// The status.
    pub status: u16,
    /// From the first byte of the connection to the last of the answer.
    pub took: Duration,
    /// The time on the other side, which it tells in whole seconds.
    pub date: Option<Timestamp>,
    content_type: String,
    body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Nobody could be asked.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The address is none.
    #[error("it is no http or https origin")]
    Origin,
    /// What the innermost layer says: the network, TLS, or HTTP.
    #[error("{0}")]
    Silent(String),
}

impl Probed {
    /// The body as JSON, if it is said to be of this type.
    pub fn json(&self, content_type: &str) -> Option<serde_json::Value> {
        let said = self.content_type.split(';').next().unwrap_or_default().trim();
        said.eq_ignore_ascii_case(content_type).then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }
}

/// Asks a provider about our account: how it stands, and the answer.
///
/// # Errors
/// There is no answer in time.
pub async fn probe_account(account: &Account) -> Result<(Standing, Probed), ProbeError> {
    let wire = Wire::new(account)?;
    let request = wire.request(&account.rest.account(&account.account)).map_err(|_| ProbeError::Origin)?;
    let probed = exchange(&wire.client, request).await?;
    Ok((account.rest.standing(probed.status, &probed.body), probed))
}

/// Asks `origin` for `path`, as a stranger who reads JSON.
///
/// # Errors
/// There is no answer in time.
pub async fn probe_page(origin: &str, path: &str) -> Result<Probed, ProbeError> {
    let client = wire::client(wire::trusting(origin)?.ok_or(ProbeError::Origin)?);
    let request = Request::get(format!("{origin}{path}"))
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("qnect/", env!("CARGO_PKG_VERSION")))
        .body(Full::default())
        .map_err(|_| ProbeError::Origin)?;
    exchange(&client, request).await
}

/// Sends a request and waits for the whole answer, [`TRY_MAX`] at most.
async fn exchange(client: &HttpClient, request: Request<Full<Bytes>>) -> Result<Probed, ProbeError> {
    let began = Instant::now();
    let exchanged = async {
        let answer = client.request(request).await.map_err(|error| silent(&error))?;
        let (status, date, content_type) = (answer.status().as_u16(), date(&answer), content_type(&answer));
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| silent(&*error))?.to_bytes();
        Ok(Probed { status, took: began.elapsed(), date, content_type, body })
    };
    let too_slow = || ProbeError::Silent(format!("nothing within {} s", TRY_MAX.as_secs()));
    tokio::time::timeout(TRY_MAX, exchanged).await.unwrap_or_else(|_| Err(too_slow()))
}

/// The innermost cause: those around it only say that something went wrong.
fn silent(error: &(dyn Error + 'static)) -> ProbeError {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    ProbeError::Silent(innermost.to_string())
}

fn date(answer: &Response<Incoming>) -> Option<Timestamp> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

fn content_type(answer: &Response<Incoming>) -> String {
    let value = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
