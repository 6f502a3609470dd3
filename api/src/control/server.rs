//! Serving the control socket: one small request a connection, each under its bounds. The answer is small, too, but for
//! a copy, which is streamed as fast as it is taken.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{LocalBoxStream, StreamExt, unfold};
use http::header::{CONTENT_TYPE, TRAILER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use qnect_storage::BackupStream;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use super::hands::Hands;
use super::socket::{ControlSocket, SocketError};
use super::words::{CopyOf, Kind, Refusal, Reply, Request};

/// Where requests are posted.
pub(super) const PATH: &str = "/v1/commands";
/// Where copies are asked for.
pub(super) const COPIES_PATH: &str = "/v1/copies";
/// What stands behind a copy: [`WHOLE`], or the refusal that it ended with. A copy without it was cut off.
pub(super) const COPY_ENDED: HeaderName = HeaderName::from_static("qnect-copy-ended");
/// The copy is whole.
pub(super) const WHOLE: &str = "whole";
/// Connections at once; more are closed unheard.
const CONNECTIONS_MAX: u32 = 16;
/// Bytes of a request's body at most.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long a request's head may take.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a connection may take altogether, or between two pieces of a copy. What it commanded is carried out even so.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(60);
/// After an accept that failed (no file descriptor left, mostly), how long to leave it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

type Body = Either<Full<Bytes>, StreamBody<LocalBoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

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
            tokio::task::spawn_local(serve_one(stream, hands.clone(), draining.clone(), place));
        }
    }
}

async fn serve_one(
    stream: UnixStream,
    hands: Arc<Hands>,
    draining: watch::Receiver<bool>,
    place: OwnedSemaphorePermit,
) {
    let patience = Patience::new();
    let service = service_fn(|request| {
        let (hands, draining, patience) = (hands.clone(), draining.clone(), patience.clone());
        async move { Ok::<_, Infallible>(answer(request, &hands, draining, patience).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // One that breaks, or takes too long, is its operator's affair.
    patience.wait_for(connection).await;
    drop(place);
}

/// How long a connection is still waited for.
#[derive(Clone)]
struct Patience(Rc<Cell<Instant>>);

impl Patience {
    fn new() -> Self {
        Self(Rc::new(Cell::new(Instant::now() + CONNECTION_TIME_MAX)))
    }

    /// Something went on: it begins anew.
    fn renew(&self) {
        self.0.set(Instant::now() + CONNECTION_TIME_MAX);
    }

    async fn wait_for(&self, connection: impl Future) {
        let mut connection = pin!(connection);
        loop {
            let end = self.0.get();
            if timeout_at(end, connection.as_mut()).await.is_ok() || self.0.get() == end {
                return;
            }
        }
    }
}

async fn answer(
    request: HttpRequest<Incoming>,
    hands: &Hands,
    draining: watch::Receiver<bool>,
    patience: Patience,
) -> Response<Body> {
    let answered = match (request.method(), request.uri().path()) {
        (&Method::POST, PATH) => command(request, hands, draining, patience).await,
        (&Method::POST, COPIES_PATH) => match copy(request, hands).await {
            Ok(stream) => return copied(stream, draining, patience),
            Err(refusal) => Err(refusal),
        },
        _ => Err(unread("no such path")),
    };
    let (status, body) = match answered {
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
    let mut response = Response::new(Either::Left(Full::from(body.unwrap_or_default())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn command(
    request: HttpRequest<Incoming>,
    hands: &Hands,
    draining: watch::Receiver<bool>,
    patience: Patience,
) -> Result<Reply, Refusal> {
    let body = read(request).await?;
    // What serde says could quote what it read.
    let request: Request = serde_json::from_slice(&body).map_err(|_| unread("another form"))?;
    match request {
        Request::Verify => verify(hands, draining, patience).await,
        other => hands.carry_out(other).await,
    }
}

/// A verification reads everything, so its connection lasts as long as it does. A drain does not wait for it: the folder
/// can be verified when the engine has ended.
async fn verify(hands: &Hands, mut draining: watch::Receiver<bool>, patience: Patience) -> Result<Reply, Refusal> {
    let mut verifying = pin!(hands.carry_out(Request::Verify));
    loop {
        tokio::select! {
            reply = &mut verifying => return reply,
            _ = draining.wait_for(|&draining| draining) => return Err(broken_off("verification")),
            () = tokio::time::sleep(CONNECTION_TIME_MAX / 2) => patience.renew(),
        }
    }
}

async fn copy(request: HttpRequest<Incoming>, hands: &Hands) -> Result<BackupStream, Refusal> {
    let body = read(request).await?;
    let what: CopyOf = serde_json::from_slice(&body).map_err(|_| unread("another form"))?;
    hands.copy(what)
}

async fn read(request: HttpRequest<Incoming>) -> Result<Bytes, Refusal> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    Ok(body.map_err(|_| unread("too long, or cut off"))?.to_bytes())
}

fn unread(what: &str) -> Refusal {
    Refusal {
        kind: Kind::Usage,
        message: format!("the engine cannot read the command ({what}); use the `qnect` that it was built with"),
    }
}

/// Streams a copy; how it ended stands behind it. A drain does not wait for it: it can be made again.
fn copied(stream: BackupStream, draining: watch::Receiver<bool>, patience: Patience) -> Response<Body> {
    let frames = unfold(Some((stream, draining)), move |copying| {
        let patience = patience.clone();
        async move {
            let (mut stream, mut draining) = copying?;
            let piece = tokio::select! {
                piece = stream.next() => piece.map_err(Refusal::from),
                _ = draining.wait_for(|&draining| draining) => Err(broken_off("copy")),
            };
            patience.renew();
            Some(match piece {
                Ok(Some(bytes)) => (Frame::data(Bytes::from(bytes)), Some((stream, draining))),
                Ok(None) => (ended(WHOLE.to_owned()), None),
                Err(refusal) => (ended(serde_json::to_string(&refusal).unwrap_or_default()), None),
            })
        }
    });
    let mut response = Response::new(Either::Right(StreamBody::new(frames.map(Ok).boxed_local())));
    response.headers_mut().insert(TRAILER, HeaderValue::from(COPY_ENDED));
    response
}

fn broken_off(what: &str) -> Refusal {
    let message = format!("the {what} was broken off because the engine ends; make it again");
    Refusal { kind: Kind::Refused, message }
}

fn ended(how: String) -> Frame<Bytes> {
    // A message that is no header's value is left out; without it, too, the copy counts as cut off.
    let how = HeaderValue::from_maybe_shared(Bytes::from(how)).unwrap_or(HeaderValue::from_static(""));
    Frame::trailers(HeaderMap::from_iter([(COPY_ENDED, how)]))
}

impl ControlSocket {
    fn registered(&self) -> Result<UnixListener, SocketError> {
        let registered = self.listener.try_clone().and_then(UnixListener::from_std);
        registered.map_err(|source| SocketError::Io { path: self.path.clone(), source })
    }
}
