//! The server: a connection loop of our own, because hyper has no limits of its own on connections, and none that hold
//! from accept on.
//!
//! The way of a connection: [`accept`] finds it a place, [`places`] says who gives way for it; [`connection`] holds it
//! cheaply ([`rewound`]) until a [`whole`] hello or request has come, and then serves it under its [`pace`].

mod accept;
mod connection;
mod files;
mod lookout;
mod pace;
mod paced;
mod places;
mod pressure;
mod rewound;
mod tls;
mod turns;

mod whole;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use socket2::{Domain, Socket, Type};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::config::AccessLog;
use crate::doors::Doors;
use crate::observe::HttpMetrics;

pub use accept::{Accepted, accept};
pub use connection::Connections;
pub use files::{FILES_WANTED, make_room, room};
pub use places::{Place, Places};
pub use tls::{Certificate, TlsError};

/// Connections of the public listener at once.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Connections that the kernel may have accepted before we do.
const BACKLOG: i32 = 4_096;
/// Bytes that the kernel keeps for a client that reads nothing; it doubles them for its own needs. Room for the largest page,
/// and hardly more: of those who read nothing there may be thousands.
const SEND_BYTES: usize = 16 * 1024;

/// What connections of one listener share.
#[derive(Clone)]
pub struct Service {
    /// Where requests go.
    pub router: Router,
    /// Who answers most of all requests without a router; none: the router answers all.
    pub plain: Option<Arc<Doors>>,
    /// Which requests are logged.
    pub access_log: AccessLog,
    /// What is counted.
    pub metrics: Arc<HttpMetrics>,
    /// Turns true when this listener drains.
    pub draining: watch::Receiver<bool>,
    /// One for each connection.
    pub places: Arc<Places>,
    /// None: plain HTTP.
    pub tls: Option<TlsAcceptor>,
    /// Where links lead in what is said to those whom a worker has no time for; none: it takes the time.
    pub apologizes: Option<Arc<str>>,
}

impl Service {
    /// A service over `router`, in plain HTTP.
    pub fn new(router: Router, access_log: AccessLog, draining: watch::Receiver<bool>, places: Arc<Places>) -> Self {
        let metrics = Arc::new(HttpMetrics::new());
        Self { router, plain: None, access_log, metrics, draining, places, tls: None, apologizes: None }
    }
}

/// Binds a listener, before anything else is opened; the error names the address.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address).map_err(|source| BindError { address, source })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of a process that ended a moment ago do not keep the next one from its address.
    socket.set_reuse_address(true)?;
    // Accepted connections have what their listener has.
    socket.set_send_buffer_size(SEND_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}; choose another address or stop what uses it")]
pub struct BindError {
    address: SocketAddr,
    source: std::io::Error,
}
