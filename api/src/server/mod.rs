//! The server: a connection loop of our own, because hyper has no limits of its own on connections, and none that hold
//! from accept on.

mod accept;
mod connection;
mod stall;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::{Semaphore, watch};

use crate::config::AccessLog;
use crate::observe::HttpMetrics;

pub use accept::{Accepted, accept};
pub use connection::Connections;

/// Connections of one listener at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// From accept, or from the last answer, to a whole request head: idling and slow heads end alike.
pub const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer.
pub const STALL_TIME_MAX: Duration = Duration::from_secs(10);
/// What connections of one listener share.
#[derive(Clone)]
pub struct Service {
    /// Where requests go.
    pub router: Router,
    /// Which requests are logged.
    pub access_log: AccessLog,
    /// What is counted.
    pub metrics: Arc<HttpMetrics>,
    /// Turns true when this listener drains.
    pub draining: watch::Receiver<bool>,
    /// One permit a connection.
    pub places: Arc<Semaphore>,
}

impl Service {
    /// A service over `router`.
    pub fn new(router: Router, access_log: AccessLog, draining: watch::Receiver<bool>) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Self { router, access_log, metrics: Arc::new(HttpMetrics::new()), draining, places }
    }

    /// Waits until no connection is left, `time_max` at most. Returns whether all were done.
    pub async fn drained(&self, time_max: Duration) -> bool {
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        tokio::time::timeout(time_max, self.places.acquire_many(all)).await.is_ok()
    }
}

/// Binds a listener, before anything else is opened; the error names the address.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| BindError { address, source })
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; choose another address or stop what uses it")]
pub struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}
