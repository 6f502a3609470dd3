//! Accepting connections and dealing them out.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc::Sender;

use crate::server::Service;
use crate::server::places::Place;

/// After an accept that failed (no file descriptor left, mostly), how long to leave it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An accepted connection on its way to the worker that will serve it, with its place.
pub type Accepted = (std::net::TcpStream, Place);

/// Accepts until the listener drains, and deals connections out in turn: each worker gets its share, and a connection's
/// requests stay on one thread. One for which there is no place is closed at once.
pub async fn accept(listener: TcpListener, service: Service, workers: Vec<Sender<Accepted>>) {
    let mut draining = service.draining.clone();
    let mut turn = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = draining.wait_for(|&draining| draining) => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Some(place) = service.places.enter(peer.ip()).await else { continue };
        turn = (turn + 1) % workers.len();
        // The worker's own runtime has to register the socket.
        if let Ok(stream) = stream.into_std()
            && workers[turn].send((stream, place)).await.is_err()
        {
            return;
        }
    }
}
