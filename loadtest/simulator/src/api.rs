//! The provider's REST API: hang up, look up and delete, over real HTTP.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::faults::RestFault;
use crate::network::{Network, Shared};

/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 256;
/// After a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The longest request body.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long a head may take, so that an idle connection does not stay for ever.
const HEAD_TIME_MAX: Duration = Duration::from_secs(60);

/// A request, its credentials already checked.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
}

/// An answer, and what it was an answer to.
#[derive(Debug)]
pub(crate) struct ApiAnswer {
    pub(crate) status: u16,
    /// `None`: no body.
    pub(crate) json: Option<serde_json::Value>,
    pub(crate) done: Done,
}

/// What a request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    HungUp,
    Read,
    Deleted,
    Nothing,
}

/// Why a request did nothing, before the provider looked at what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    WrongCredentials,
    TooMany,
    Unavailable,
}

/// Requests to the provider's API so far, by what they did. A request that failed on purpose but was acted on counts for
/// what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RestCounts {
    /// Live legs that were asked to end.
    pub hang_ups: u64,
    /// Records that were shown, the account's too.
    pub reads: u64,
    /// Records that were deleted.
    pub deletions: u64,
    /// Requests that were wrong: credentials, an unknown or unfit leg, an unknown path.
    pub refused: u64,
    /// Requests that did nothing because the API was failing on purpose; for reset connections, connections.
    pub failed: u64,
}

/// The API's switches and counters, and its servers.
#[derive(Debug)]
pub(crate) struct Api {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    fault: Option<RestFault>,
    counts: RestCounts,
    servers: Vec<AbortHandle>,
}

impl Network {
    /// Serves the provider's API on `listener`, plain HTTP, until the network is dropped. Credentials are the account's,
    /// as HTTP Basic. Returns the address that it listens on.
    ///
    /// Plivo: `DELETE /v1/Account/{auth_id}/Call/{call_uuid}/` hangs up, `GET` of the same shows the record of a call that
    /// is over, with `?status=live` that of a live one. Twilio: under `/2010-04-01/Accounts/{sid}/Calls/{CallSid}.json`,
    /// `POST` with `Status=completed` or `canceled` hangs up, `GET` shows the record, `DELETE` removes one that is over.
    ///
    /// `GET` of the account itself (`/v1/Account/{auth_id}/`, `/2010-04-01/Accounts/{sid}.json`) shows that it is active.
    ///
    /// Must be called in a tokio runtime.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn serve_rest(&self, listener: TcpListener) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, Arc::downgrade(&self.shared))).abort_handle();
        self.shared.api.with(|api| api.servers.push(server));
        Ok(address)
    }

    /// How the API fails from now on; `None`: not at all.
    pub fn set_rest_fault(&self, fault: Option<RestFault>) {
        self.shared.api.with(|api| api.fault = fault);
    }

    /// What the API was asked for so far.
    pub fn rest_counts(&self) -> RestCounts {
        self.shared.api.with(|api| api.counts)
    }
}

impl Api {
    pub(crate) fn failing(fault: Option<RestFault>) -> Api {
        Api { inner: Mutex::new(Inner { fault, counts: RestCounts::default(), servers: Vec::new() }) }
    }

    fn fault(&self) -> Option<RestFault> {
        self.with(|api| api.fault)
    }

    fn failed(&self) {
        self.with(|api| api.counts.failed += 1);
    }

    fn count(&self, done: Done) {
        self.with(|api| match done {
            Done::HungUp => api.counts.hang_ups += 1,
            Done::Read => api.counts.reads += 1,
            Done::Deleted => api.counts.deletions += 1,
            Done::Nothing => api.counts.refused += 1,
        });
    }

    // Nothing panics while it holds this lock, so a poisoned one is whole.
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.with(|api| api.servers.iter().for_each(AbortHandle::abort));
    }
}

async fn serve(listener: TcpListener, network: Weak<Shared>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while let Ok(place) = connections.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, mostly: a moment later there may be some.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Some(shared) = network.upgrade() else {
            return;
        };
        if shared.api.fault() == Some(RestFault::Refuse) {
            shared.api.failed();
            // Without lingering the close is a reset. If it cannot be set, the connection is closed all the same.
            let _ = stream.set_zero_linger();
            continue;
        }
        let connection = connection(stream, network.clone());
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, network: Weak<Shared>) {
    let service = service_fn(move |request| answer(network.clone(), request));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // A client that leaves is no matter of ours.
    let _ = served.await;
}

async fn answer(network: Weak<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let Some(shared) = network.upgrade() else {
        return Ok(Response::new(Full::default()));
    };
    let fault = shared.api.fault();
    let provider = shared.provider;
    let failing = match fault {
        Some(RestFault::TooMany) => Some(ApiError::TooMany),
        Some(RestFault::Unavailable) => Some(ApiError::Unavailable),
        Some(RestFault::Refuse | RestFault::Slow(_) | RestFault::Garbage) | None => None,
    };
    if let Some(error) = failing {
        shared.api.failed();
        return Ok(response(provider.api_error(error)));
    }
    let config = shared.mailer.config();
    let answer = if is_authorized(&request, &config.auth_id, &config.auth_token) {
        let request = read(request).await;
        provider.api(&shared.records, &config.auth_id, &request)
    } else {
        provider.api_error(ApiError::WrongCredentials)
    };
    shared.api.count(answer.done);
    drop(shared);
    match fault {
        Some(RestFault::Slow(slow)) => tokio::time::sleep(slow).await,
        Some(RestFault::Garbage) => {
            let page = "<!doctype html><title>ok</title>{\"sid\": ";
            return Ok(Response::new(Full::from(page)));
        }
        Some(RestFault::Refuse | RestFault::Unavailable | RestFault::TooMany) | None => {}
    }
    Ok(response(answer))
}

fn is_authorized(request: &Request<Incoming>, id: &str, token: &str) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(format!("{id}:{token}")));
    request.headers().get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes())
}

async fn read(request: Request<Incoming>) -> ApiRequest {
    let (head, body) = request.into_parts();
    let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
    // A body that is too long, or that breaks off, is no form.
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map(Collected::to_bytes).unwrap_or_default();
    ApiRequest {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
        form: pairs(&body),
    }
}

fn response(answer: ApiAnswer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    if answer.json.is_some() {
        response = response.header(header::CONTENT_TYPE, "application/json");
    }
    let body = answer.json.map(|json| json.to_string()).unwrap_or_default();
    response.body(Full::from(body)).unwrap_or_default()
}
