//! Honest clients: each asks for a page on a connection of its own, again and again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;

use crate::{raw, secure};

/// Clients that ask at once.
const CLIENTS: usize = 4;
/// Between two requests of one client.
const PAUSE: Duration = Duration::from_millis(10);
/// How often somebody asks who is turned away at once.
const TRIES_MAX: usize = 500;
/// How long an honest client waits for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients at work.
pub(crate) struct Honest {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Duration>>>,
}

impl Honest {
    /// Sends clients; over TLS with a connector.
    pub(crate) fn send(address: SocketAddr, path: &str, tls: Option<&TlsConnector>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = || {
            let (stop, path, tls) = (stop.clone(), path.to_owned(), tls.cloned());
            tokio::spawn(async move {
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    ask(address, &path, tls.as_ref()).await;
                    times.push(started.elapsed());
                    sleep(PAUSE).await;
                }
                times
            })
        };
        let clients = (0..CLIENTS).map(|_| client()).collect();
        Self { stop, clients }
    }

    /// Calls them back. Each of them got every page that it asked for, or this panics. Tells the 99th percentile of how long
    /// a page took, its connection included.
    pub(crate) async fn all_were_served(self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        let mut times = Vec::new();
        for client in self.clients {
            times.extend(client.await.expect("an honest client that was served"));
        }
        times.sort();
        assert!(!times.is_empty(), "honest clients asked");
        times[times.len() * 99 / 100]
    }
}

/// Asks for a page, each time on a new connection: a worker that a crowd keeps busy may say at once that it has no time, and is
/// asked again.
pub(crate) async fn ask(address: SocketAddr, path: &str, tls: Option<&TlsConnector>) {
    for _ in 0..TRIES_MAX {
        let answer = try_asking(address, path, tls).await;
        match raw::status(&answer) {
            200 => return,
            503 => sleep(PAUSE).await,
            _ => panic!("an honest client was refused: {answer}"),
        }
    }
    panic!("an honest client was turned away {TRIES_MAX} times");
}

async fn try_asking(address: SocketAddr, path: &str, tls: Option<&TlsConnector>) -> String {
    let asked = async {
        let stream = TcpStream::connect(address).await?;
        match tls {
            Some(tls) => talk(tls.connect(secure::name(), stream).await?, path).await,
            None => talk(stream, path).await,
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await.expect("an answer in time");
    answer.unwrap_or_else(|error| panic!("an honest client was not served: {error}"))
}

async fn talk<S: AsyncReadExt + AsyncWriteExt + Unpin>(mut stream: S, path: &str) -> std::io::Result<String> {
    let fields = [("Accept", "application/json")];
    stream.write_all(&raw::request(&format!("GET {path}"), &fields, b"")).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).expect("UTF-8"))
}
