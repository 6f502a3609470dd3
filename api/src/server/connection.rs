//! One connection: hyper's HTTP/1 with deadlines from accept on, and a graceful end.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Instant;

use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tower::ServiceExt;

use crate::client::Peer;
use crate::config::AccessLog;
use crate::observe::Route;
use crate::server::accept::Accepted;
use crate::server::stall::StallGuard;
use crate::server::{HEAD_TIME_MAX, STALL_TIME_MAX, Service};

/// Fields of a request head at most.
const HEADERS_MAX: usize = 64;
/// Bytes of a request head at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The connections of one worker.
pub struct Connections {
    /// What they share.
    pub service: Service,
    /// Connections that were dealt to this worker.
    pub accepted: Receiver<Accepted>,
}

impl Connections {
    /// Serves on the current thread until no more are dealt.
    pub async fn serve(mut self) {
        while let Some((stream, place)) = self.accepted.recv().await {
            let service = self.service.clone();
            tokio::task::spawn_local(async move {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    serve_one(stream, &service).await;
                }
                drop(place);
            });
        }
    }
}

async fn serve_one(stream: TcpStream, service: &Service) {
    let Ok(peer) = stream.peer_addr() else { return };
    // Answers are single small writes; waiting for more would only delay them. Without it they are slower, no worse.
    let _ = stream.set_nodelay(true);
    let answer = |request| answer(request, Peer(peer), service);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(StallGuard::new(stream, STALL_TIME_MAX)), service_fn(answer));
    let mut connection = pin!(connection);
    let mut draining = service.draining.clone();
    // A connection that breaks is its client's affair: nobody is left to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = draining.wait_for(|&draining| draining) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(mut request: Request<Incoming>, peer: Peer, service: &Service) -> Result<Response, Infallible> {
    let started = Instant::now();
    let route = Route::of(request.uri().path());
    request.extensions_mut().insert(peer);
    let response = service.router.clone().oneshot(request).await?;
    let (status, elapsed) = (response.status(), started.elapsed());
    service.metrics.answered(route, status, elapsed);
    let logged = match service.access_log {
        AccessLog::Off => false,
        AccessLog::Errors => status.is_server_error(),
        AccessLog::All => true,
    };
    if logged {
        tracing::info!(route = route.template(), status = status.as_u16(), us = elapsed.as_micros() as u64, "answered");
    }
    Ok(response)
}
