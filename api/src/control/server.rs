//! Serving the control socket: one small request a connection, each under its bounds.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request as HttpRequest, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::hands::Hands;
use super::socket::{ControlSocket, SocketError};
use super::words::{Kind, Refusal, Reply, Request};

/// Where requests are posted.
pub(super) const PATH: &str = "/v1/commands";
/// Connections at once; more are closed unheard.
const CONNECTIONS_MAX: u32 = 16;
/// Bytes of a request's body at most.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long a request's head may take.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a connection may take altogether. What it commanded is carried out even so.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(60);
/// After an accept that failed (no file descriptor left, mostly), how long to leave it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A control socket that is served; dropped, the socket is gone.
pub struct ControlServer {
    _socket: ControlSocket,
    places: Arc<Semaphore>,
}

impl ControlServer {
    /// Serves on the current thread until `draining` turns true.
    pub fn start(socket: ControlSocket, hands: Hands, draining: watch::Receiver<bool>) -> Result<Self, SocketError> {
        let listener = socket.registered()?;
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
        tokio::task::spawn_local(accept(listener, Arc::new(hands), places.clone(), draining));
        Ok(Self { _socket: socket, places })
    }

    /// Waits until no connection is left, `time_max` at most. Returns whether all were done.
    pub async fn drained(&self, time_max: Duration) -> bool {
        tokio::time::timeout(time_max, self.places.acquire_many(CONNECTIONS_MAX)).await.is_ok()
    }
}

async fn accept(
    listener: UnixListener,
    hands: Arc<Hands>,
    places: Arc<Semaphore>,
    mut draining: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = draining.wait_for(|&draining| draining) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if let Ok(place) = places.clone().try_acquire_owned() {
            tokio::task::spawn_local(serve_one(stream, hands.clone(), place));
        }
    }
}

async fn serve_one(stream: UnixStream, hands: Arc<Hands>, place: OwnedSemaphorePermit) {
    let service = service_fn(move |request| {
        let hands = hands.clone();
        async move { Ok::<_, Infallible>(answer(request, &hands).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // One that breaks, or takes too long, is its operator's affair.
    let _ = tokio::time::timeout(CONNECTION_TIME_MAX, connection).await;
    drop(place);
}

async fn answer(request: HttpRequest<Incoming>, hands: &Hands) -> Response<Full<Bytes>> {
    let (status, body) = match carry_out(request, hands).await {
        Ok(reply) => (StatusCode::OK, serde_json::to_vec(&reply)),
        Err(refusal) => {
            let status = match refusal.kind {
                Kind::Usage => StatusCode::UNPROCESSABLE_ENTITY,
                Kind::Refused => StatusCode::CONFLICT,
                Kind::Storage => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, serde_json::to_vec(&refusal))
        }
    };
    // Neither holds a map or anything else that JSON could not.
    let mut response = Response::new(Full::from(body.unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn carry_out(request: HttpRequest<Incoming>, hands: &Hands) -> Result<Reply, Refusal> {
    let unread = |what: &str| Refusal {
        kind: Kind::Usage,
        message: format!("the engine cannot read the command ({what}); use the `qnect` that it was built with"),
    };
    if request.method() != Method::POST || request.uri().path() != PATH {
        return Err(unread("no such path"));
    }
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|_| unread("too long, or cut off"))?.to_bytes();
    // What serde says could quote what it read.
    let request: Request = serde_json::from_slice(&body).map_err(|_| unread("another form"))?;
    hands.carry_out(request).await
}

impl ControlSocket {
    fn registered(&self) -> Result<UnixListener, SocketError> {
        let registered = self.listener.try_clone().and_then(UnixListener::from_std);
        registered.map_err(|source| SocketError::Io { path: self.path.clone(), source })
    }
}
