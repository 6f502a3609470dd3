//! Accepting connections and dealing them out.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Sender;

use crate::server::Service;

/// After an accept that failed (no file descriptor left, mostly), how long to leave it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An accepted connection on its way to the worker that will serve it, with its place.
pub type Accepted = (std::net::TcpStream, OwnedSemaphorePermit);

/// Accepts until the listener drains, and deals connections out in turn: each worker gets its share, and a connection's
/// requests stay on one thread. Too many connections are closed at once.
pub async fn accept(listener: TcpListener, service: Service, workers: Vec<Sender<Accepted>>) {
    let refused = metrics::counter!("qnect_connections_refused_total");
    let mut draining = service.draining.clone();
    let mut turn = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = draining.wait_for(|&draining| draining) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = service.places.clone().try_acquire_owned() else {
            refused.increment(1);
            continue;
        };
        turn = (turn + 1) % workers.len();
        // The worker's own runtime has to register the socket.
        if let Ok(stream) = stream.into_std()
            && workers[turn].send((stream, place)).await.is_err()
        {
            return;
        }
    }
}
