//! Thousands of sockets whose owners are in no hurry.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Sources that a crowd comes from, if not from one.
const SOURCES: usize = 8;
/// What a client has room for that does not read.
const RECEIVE_BYTES: u32 = 4 * 1024;
/// Between two bytes of one that trickles.
const TRICKLE_EVERY: Duration = Duration::from_secs(1);
/// How long one of a crowd holds out.
const HOLD_MAX: Duration = Duration::from_secs(60);
/// Connections that are being made at once.
const CONNECTING_MAX: usize = 64;

/// What one of a crowd does.
#[derive(Debug, Clone)]
pub(crate) struct Slow {
    /// What it says at once.
    pub(crate) first: Vec<u8>,
    /// What it says then, a byte at a time.
    pub(crate) then: Vec<u8>,
    /// Whether it reads what it is told.
    pub(crate) reads: bool,
}

/// Opens `count` sockets, from one source or from several, each of which does `slow` until the server ends it. Returns how
/// long that took for the one that lasted longest, from when it was connected.
pub(crate) async fn besiege(address: SocketAddr, count: usize, from_one: bool, slow: &Slow) -> Duration {
    let (mut crowd, mut longest) = (JoinSet::new(), Duration::ZERO);
    for batch in 0..count.div_ceil(CONNECTING_MAX) {
        let mut connecting = JoinSet::new();
        for at in batch * CONNECTING_MAX..count.min((batch + 1) * CONNECTING_MAX) {
            connecting.spawn(connect(address, if from_one { 0 } else { 1 + at % SOURCES }));
        }
        while let Some(stream) = connecting.join_next().await {
            let (stream, slow) = (stream.expect("no panic"), slow.clone());
            crowd.spawn(async move { timeout(HOLD_MAX, linger(stream, slow)).await.expect("an end") });
        }
    }
    while let Some(lasted) = crowd.join_next().await {
        longest = longest.max(lasted.expect("no panic"));
    }
    longest
}

/// From 127.0.0.1 for 0, else from another of the addresses that are all this machine.
async fn connect(address: SocketAddr, source: usize) -> TcpStream {
    let source = Ipv4Addr::new(127, 0, source as u8, 1);
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(RECEIVE_BYTES).expect("a small buffer");
    socket.bind(SocketAddr::from((source, 0))).expect("a free port");
    socket.connect(address).await.expect("a connection")
}

/// Until the server ends it.
async fn linger(mut stream: TcpStream, slow: Slow) -> Duration {
    let started = Instant::now();
    let (mut reader, mut writer) = stream.split();
    let says = async {
        // A server that has heard enough may have closed.
        let _ = writer.write_all(&slow.first).await;
        for byte in &slow.then {
            sleep(TRICKLE_EVERY).await;
            if writer.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
        std::future::pending::<()>().await;
    };
    let hears = async {
        let mut bytes = [0; 1024];
        while slow.reads && reader.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
        if !slow.reads {
            // What is never read hides the end of the stream, not an error of it.
            let _ = stream_ends(&mut reader).await;
        }
    };
    tokio::select! {
        () = says => {}
        () = hears => {}
    }
    started.elapsed()
}

/// Waits for a connection that the other side has given up.
async fn stream_ends(reader: &mut tokio::net::tcp::ReadHalf<'_>) -> std::io::Result<()> {
    loop {
        let ready = reader.ready(tokio::io::Interest::ERROR | tokio::io::Interest::READABLE).await?;
        if ready.is_error() || ready.is_read_closed() {
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
}
