//! One connection: who is slow is held cheaply until something whole has come; then TLS, HTTP/1 or HTTP/2, and a graceful
//! end.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use axum::response::Response;
use futures_util::future::LocalBoxFuture;
use http::header::{CONNECTION, HOST, HeaderValue};
use http::{Method, Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use qnect_core::scan::AddressKey;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use crate::client::Peer;
use crate::config::AccessLog;
use crate::doors::body::{BODY_BYTES_MAX, WholeUntil};
use crate::doors::webhooks;
use crate::negotiate::Reader;
use crate::observe::{Awaited, Route};
use crate::server::Service;
use crate::server::accept::Accepted;
use crate::server::lookout::Lookout;
use crate::server::pace::{Pace, STREAM_TIME_MAX};
use crate::server::paced::{Paced, Protocol};
use crate::server::pressure::{Pressure, apology};
use crate::server::rewound::Rewound;
use crate::server::tls::H2;
use crate::server::turns::Turns;
use crate::server::whole::{PREFACE, is_whole_head, is_whole_hello, is_whole_request};

/// Fields of a request head at most.
const HEADERS_MAX: usize = 64;
/// Bytes of a request head at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
/// Requests that a client took back before they were looked at; more end its connection (the "rapid reset").
const TAKEN_BACK_MAX: usize = 20;
/// Requests that broke the protocol and were refused one by one; more end their connection.
const BROKEN_MAX: usize = 64;
/// Bytes of bodies that all requests of an HTTP/2 connection may have on their way to us.
const WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of one answer that wait for an HTTP/2 client beside those in its body.
const SEND_BYTES_MAX: usize = 16 * 1024;
/// Clients of one worker at once that are told that their bodies took too long. To tell one costs more than to wait for it; of
/// a crowd, the others are hung up on.
const TOLD_LATE_MAX: usize = 16;

/// The connections of one worker.
pub struct Connections {
    /// What they share.
    pub service: Service,
    /// Connections that were dealt to this worker.
    pub accepted: Receiver<Accepted>,
}

/// One connection's share of its worker.
#[derive(Clone)]
struct Session {
    peer: SocketAddr,
    pace: Rc<Pace>,
    service: Rc<Service>,
    /// The worker's turns at handshakes.
    turns: Rc<Turns>,
    /// Those of its clients that are told that they were too slow.
    late: Rc<Semaphore>,
    /// Whose turn it is at the worker.
    pressure: Rc<Pressure>,
}

impl Connections {
    /// Serves on the current thread until no more are dealt.
    pub async fn serve(mut self) {
        let service = Rc::new(self.service);
        let (turns, late) = (Rc::<Turns>::default(), Rc::new(Semaphore::new(TOLD_LATE_MAX)));
        let (pressure, lookout) = (Pressure::new(), Rc::<Lookout>::default());
        // As long as the worker lives: connections that were dealt may go on for a while after the last one was.
        tokio::task::spawn_local(pressure.clone().rounds());
        tokio::task::spawn_local(lookout.clone().looks());
        tokio::task::spawn_local(lookout.clone().drains(service.draining.clone()));
        while let Some((stream, place)) = self.accepted.recv().await {
            let (service, turns, late, pressure) = (service.clone(), turns.clone(), late.clone(), pressure.clone());
            let Ok(mut stream) = TcpStream::from_std(stream) else { continue };
            let Ok(peer) = stream.peer_addr() else { continue };
            let pace = Rc::new(Pace::accepted(place, service.tls.is_some()));
            lookout.over(&pace);
            let session = Session { peer, pace: pace.clone(), service, turns, late, pressure };
            tokio::task::spawn_local(async move {
                // A connection that breaks is its client's affair: nobody is left to tell.
                pace.within(session.serve(&mut stream)).await;
                if pace.is_unwritten() {
                    // Else the kernel keeps what the client does not read, for minutes.
                    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
            });
        }
    }
}

impl Session {
    async fn serve(self, stream: &mut TcpStream) -> io::Result<()> {
        // Answers are single small writes; waiting for more would only delay them. Without it they are slower, no worse.
        let _ = stream.set_nodelay(true);
        // What costs more than the bytes that came is boxed, so that it costs nothing before.
        let Some(tls) = self.service.tls.clone() else {
            return self.converse_when_whole(stream, spoken).await;
        };
        let mut stream = Rewound::new(stream);
        self.hold(&mut stream, is_whole_hello).await?;
        self.converse_in_secret(stream, tls).await
    }

    fn converse_in_secret<'a, S>(self, stream: S, tls: TlsAcceptor) -> LocalBoxFuture<'a, io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'a,
    {
        Box::pin(async move {
            let stream = self.shake_hands(stream, tls).await?;
            if stream.get_ref().1.alpn_protocol() == Some(H2) {
                return self.converse(stream, Protocol::Http2).await;
            }
            self.converse_when_whole(stream, |_| Protocol::Http1).await
        })
    }

    /// Waits for a head, and then for its body: what hyper and the doors make for a request costs many times the bytes that
    /// came. Whose body does not come in time is told so by the door.
    async fn converse_when_whole<S>(self, stream: S, spoken: fn(&[u8]) -> Protocol) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut stream = Rewound::new(stream);
        self.hold(&mut stream, is_whole_head).await?;
        let protocol = spoken(stream.held());
        if protocol == Protocol::Http2 {
            // Its first head is still to come.
            return self.converse(stream, protocol).await;
        }
        // Whoever has begun a request when the listener drains may finish it.
        let Ok(held) = timeout_at(self.pace.head_came(), stream.hold(is_whole_request)).await else {
            let late = self.late.clone();
            let Ok(_told) = late.try_acquire() else {
                Awaited::Body.reaped(1);
                return Err(io::ErrorKind::TimedOut.into());
            };
            // Of a crowd, all others that are late now are looked at before the next are told.
            tokio::task::yield_now().await;
            return self.converse(stream, protocol).await;
        };
        held?;
        self.converse(stream, protocol).await
    }

    /// Waits for something whole to work at. Who has not said so much when the listener drains is let go.
    async fn hold<S: AsyncRead + Unpin>(&self, stream: &mut Rewound<S>, enough: fn(&[u8]) -> bool) -> io::Result<()> {
        tokio::select! {
            biased;
            held = stream.hold(enough) => held?,
            () = self.pace.draining() => return Err(io::ErrorKind::Interrupted.into()),
        }
        if stream.held().is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    async fn shake_hands<S>(&self, stream: S, tls: TlsAcceptor) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let turn = self.turns.next(AddressKey::of(self.peer.ip())).await?;
        let _in_hand = self.pace.in_hand();
        let mut handshake = Box::pin(tls.accept(stream));
        // The client's hello is here, so that this poll is the costly step. What else is ready on this worker goes before
        // the next handshake.
        let first = poll_fn(|context| Poll::Ready(handshake.as_mut().poll(context))).await;
        tokio::task::yield_now().await;
        drop(turn);
        let stream = match first {
            Poll::Ready(stream) => stream?,
            Poll::Pending => handshake.await?,
        };
        self.pace.shaken();
        Ok(stream)
    }

    fn converse<'a, S>(self, stream: S, protocol: Protocol) -> LocalBoxFuture<'a, io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'a,
    {
        let stream = TokioIo::new(Paced::new(stream, self.pace.clone(), protocol));
        let pace = self.pace.clone();
        let answer = service_fn(move |request| answer(self.clone(), request));
        // The same twice: the two connections have no trait in common.
        match protocol {
            Protocol::Http1 => Box::pin(async move {
                let mut connection = pin!(http1().serve_connection(stream, answer));
                tokio::select! {
                    biased;
                    _ = connection.as_mut() => return Ok(()),
                    () = pace.draining() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
                Ok(())
            }),
            Protocol::Http2 => Box::pin(async move {
                pace.http2_begins();
                let mut connection = pin!(http2(pace.clone()).serve_connection(stream, answer));
                tokio::select! {
                    biased;
                    _ = connection.as_mut() => return Ok(()),
                    () = pace.draining() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
                Ok(())
            }),
        }
    }
}

/// What a client begins to speak that has not agreed on anything.
fn spoken(bytes: &[u8]) -> Protocol {
    if bytes.starts_with(PREFACE) { Protocol::Http2 } else { Protocol::Http1 }
}

/// Deadlines are the pace's.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Else hyper makes a buffer of 8 KiB for each request in hand, only to learn that its client has left.
    builder.half_close(true);
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
    builder
}

/// No pings: a client that is gone is idle, and those that are not would be kept awake.
fn http2(pace: Rc<Pace>) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(Streams { pace });
    builder
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(TAKEN_BACK_MAX)
        .max_local_error_reset_streams(BROKEN_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .initial_stream_window_size(BODY_BYTES_MAX as u32)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buf_size(SEND_BYTES_MAX);
    builder
}

/// Runs the requests of an HTTP/2 connection beside it, each within its time; one that takes longer ends the connection:
/// whoever has no room for one answer has none for the next.
#[derive(Clone)]
struct Streams {
    pace: Rc<Pace>,
}

impl<F: Future + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let (in_hand, pace) = (self.pace.in_hand(), self.pace.clone());
        tokio::task::spawn_local(async move {
            if tokio::time::timeout(STREAM_TIME_MAX, stream).await.is_err() {
                pace.is_late_with_a_stream();
            }
            drop(in_hand);
        });
    }
}

async fn answer(session: Session, mut request: Request<Incoming>) -> Result<Response, Infallible> {
    let started = session.pace.last_read();
    let service = &session.service;
    let (in_hand, whole_until) = session.pace.request(started);
    // Whoever took too long over a body is told so, and is no crowd.
    let is_late = started >= whole_until;
    let route = Route::of(request.uri().path());
    let mut is_turned_away = false;
    let response = if let Some(status) = refused(&request) {
        refusal(status, request.version())
    } else if let Some(origin) = service.apologizes.as_deref()
        && !is_late
        && !session.pressure.turn(route, started).await
    {
        is_turned_away = true;
        apology(Reader::of(request.uri(), request.headers()), origin)
    } else {
        let (peer, until) = (Peer(session.peer), WholeUntil(whole_until));
        let plain = service.plain.as_deref().and_then(|doors| Some((doors, Plain::of(&request)?)));
        // hyper keeps room for this future beside every connection, whether or not a request is in hand: so these are boxed.
        match plain {
            Some((doors, Plain::Look(code))) => {
                Box::pin(doors.look(code, peer, request.method(), request.uri(), request.headers())).await
            }
            Some((doors, Plain::Open(code))) => {
                let code = code.to_owned();
                Box::pin(async move { doors.open(&code, peer, until, request).await }).await
            }
            Some((doors, Plain::Hear)) => Box::pin(doors.hear(until, request)).await,
            None => {
                request.extensions_mut().insert(peer);
                request.extensions_mut().insert(until);
                Box::pin(service.router.clone().oneshot(request)).await?
            }
        }
    };
    let (status, now) = (response.status(), Instant::now());
    in_hand.done(now);
    let elapsed = now.duration_since(started);
    service.metrics.answered(route, status, elapsed);
    let logged = match service.access_log {
        AccessLog::Off => false,
        // Those who are turned away are counted: to write of each takes the time that is missing.
        AccessLog::Errors => status.is_server_error() && !is_turned_away,
        AccessLog::All => true,
    };
    if logged {
        tracing::info!(route = route.template(), status = status.as_u16(), us = elapsed.as_micros() as u64, "answered");
    }
    Ok(response)
}

/// What most requests are, if it is written plainly: no router is needed to see that.
#[derive(Debug, PartialEq, Eq)]
enum Plain<'a> {
    /// At the sticker with this code.
    Look(&'a str),
    /// A session, at that sticker.
    Open(&'a str),
    /// A webhook.
    Hear,
}

impl<'a> Plain<'a> {
    fn of<B>(request: &'a Request<B>) -> Option<Self> {
        let path = request.uri().path();
        let is_plain = |segment: &&str| !segment.is_empty() && !segment.contains(['/', '%']);
        if request.method() == Method::GET {
            return path.strip_prefix("/q/").filter(is_plain).map(Self::Look);
        }
        if request.method() != Method::POST {
            return None;
        }
        if let Some((name, step)) = path.strip_prefix(webhooks::PREFIX).and_then(|rest| rest.split_once('/')) {
            return (is_plain(&name) && !step.is_empty()).then_some(Self::Hear);
        }
        path.strip_prefix("/q/")?.strip_suffix("/sessions").filter(is_plain).map(Self::Open)
    }
}

/// Nothing that follows on the same HTTP/1 connection is believed to be a request.
fn refusal(status: StatusCode, version: Version) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Heads that hyper takes and we do not: HTTP/1.1 that names no host, or two (RFC 9112, 3.2), and more fields than HTTP/1 may
/// have.
fn refused(request: &Request<Incoming>) -> Option<StatusCode> {
    let hosts = request.headers().get_all(HOST).iter().count();
    if request.version() == Version::HTTP_11 && hosts != 1 || hosts > 1 {
        return Some(StatusCode::BAD_REQUEST);
    }
    (request.headers().len() > HEADERS_MAX).then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::{mpsc, watch};
    use tokio::task::LocalSet;

    use super::*;
    use crate::server::places::Places;

    /// More than begin in one round.
    const CLIENTS: usize = 32;
    /// A request takes its worker so long that nobody else begins in the same half a millisecond.
    const BUSY: Duration = Duration::from_millis(1);
    /// Nobody waits so long but for ever.
    const FOR_EVER: Duration = Duration::from_secs(20);

    async fn busy() {
        let began = std::time::Instant::now();
        while began.elapsed() < BUSY {}
    }

    #[test]
    fn what_is_plain_needs_no_router_and_everything_else_does() {
        let plain = |method: Method, path: &'static str| {
            let request = Request::builder().method(method).uri(path).body(()).expect("a request");
            Plain::of(&request).map(|plain| format!("{plain:?}"))
        };
        let is = |what: Plain<'_>| Some(format!("{what:?}"));
        assert_eq!(plain(Method::GET, "/q/ABC?lang=hi"), is(Plain::Look("ABC")));
        assert_eq!(plain(Method::POST, "/q/ABC/sessions"), is(Plain::Open("ABC")));
        assert_eq!(plain(Method::POST, "/webhooks/plivo/answer/x%2Fy"), is(Plain::Hear));
        for path in ["/q/", "/q/A%42C", "/q/ABC/sessions", "/Q/ABC", "/webhooks/plivo/answer", "/sessions/x"] {
            assert_eq!(plain(Method::GET, path), None, "{path}");
        }
        for path in ["/q/ABC", "/q//sessions", "/q/A/B/sessions", "/webhooks/plivo", "/webhooks/plivo/", "/webhooks//x"]
        {
            assert_eq!(plain(Method::POST, path), None, "{path}");
        }
        assert_eq!(plain(Method::PUT, "/q/ABC/sessions"), None);
    }

    /// Who says nothing is let go when the listener drains, and long before the time for a head is over.
    async fn is_let_go(when: fn(&watch::Sender<bool>, bool)) {
        let (drains, draining) = watch::channel(false);
        let places = Places::new(CLIENTS, Vec::new());
        let service = Service::new(Router::new(), AccessLog::Off, draining, places.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (stream, peer) = listener.accept().await.expect("accepted");
        let place = places.enter(peer.ip()).await.expect("a place");
        let (deal, accepted) = mpsc::channel(1);
        let ended = async {
            let serving = tokio::task::spawn_local(Connections { service, accepted }.serve());
            when(&drains, false);
            tokio::task::yield_now().await;
            deal.send((stream.into_std().expect("a socket"), place)).await.expect("room");
            tokio::task::yield_now().await;
            when(&drains, true);
            assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0, "nothing is said to who said nothing");
            drop(deal);
            serving.await.expect("no panic");
        };
        let in_time = tokio::time::timeout(Duration::from_secs(3), LocalSet::new().run_until(ended)).await;
        in_time.expect("nobody was told");
    }

    #[tokio::test]
    async fn a_drain_reaches_whoever_is_there_and_whoever_comes_later() {
        is_let_go(|drains, is_dealt| _ = is_dealt && drains.send(true).is_ok()).await;
        is_let_go(|drains, is_dealt| _ = !is_dealt && drains.send(true).is_ok()).await;
    }

    #[tokio::test]
    async fn whoever_waits_for_a_turn_has_it_after_the_last_connection_was_dealt() {
        let (_drains, draining) = watch::channel(false);
        let places = Places::new(8 * CLIENTS, Vec::new());
        let mut service = Service::new(Router::new().route("/", get(busy)), AccessLog::Off, draining, places.clone());
        service.apologizes = Some("https://qnect.example".into());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (deal, accepted) = mpsc::channel(CLIENTS);
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
            client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("written");
            clients.push(client);
            let (stream, peer) = listener.accept().await.expect("accepted");
            let place = places.enter(peer.ip()).await.expect("a place");
            deal.send((stream.into_std().expect("a socket"), place)).await.expect("room");
        }
        drop(deal);
        let answered = async {
            Connections { service, accepted }.serve().await;
            for mut client in clients {
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.expect("an answer");
                assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            }
        };
        tokio::time::timeout(FOR_EVER, LocalSet::new().run_until(answered)).await.expect("somebody waits for ever");
    }
}
