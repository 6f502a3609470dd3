//! Ten thousand slow sockets of each kind: all are reaped, cheaply, and meanwhile whoever is honest is served.

use std::time::Duration;

use rustls::ClientConnection;
use tokio_rustls::TlsConnector;

use crate::crowd::{Slow, besiege};
use crate::folder::{Folder, owner};
use crate::honest::{Honest, ask};
use crate::secure;
use crate::server::Server;
use crate::usage::{Usage, files_are_closed, open_many_files};

/// Slow sockets of a kind, unless `QNECT_SOCKETS` says otherwise.
const SOCKETS: usize = 10_000;
/// The same of those for each of which the server does work, which a build without optimization does slowly and in much
/// memory.
const SOCKETS_AT_WORK: usize = 400;
/// From a connection's beginning to its end, when nothing comes of it.
const GONE_MAX: Duration = Duration::from_secs(10);
/// What a busy machine adds: a connection begins when the kernel takes it, and its deadlines when the server does.
const BUSY_MACHINE: Duration = Duration::from_secs(10);
/// By how much memory may grow, in KiB.
const GROWTH_MAX: u64 = 50 * 1024;
/// How long honest clients ask before the crowd comes, to compare.
const PEACE: Duration = Duration::from_secs(2);
/// Requests on a connection whose answers are not read: more than both kernels keep.
const UNREAD: usize = 32;

#[tokio::test]
async fn a_head_that_trickles_is_reaped() {
    let slow = |_: &str| says(b"GET /q/", b"01234567890123456789");
    hold_out("a trickling head", sockets(SOCKETS), false, false, slow).await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_reaped() {
    let slow = |code: &str| body_without_end(&format!("/q/{code}/sessions"), "Content-Length: 30");
    hold_out("a body without end", sockets(SOCKETS), false, false, slow).await;
}

#[tokio::test]
async fn a_webhook_that_never_ends_is_reaped() {
    let slow = |_: &str| body_without_end("/webhooks/plivo/voice", "Content-Length: 30");
    hold_out("a webhook without end", sockets(SOCKETS), false, false, slow).await;
}

#[tokio::test]
async fn a_body_of_unknown_length_that_never_ends_is_reaped() {
    let slow = |code: &str| body_without_end(&format!("/q/{code}/sessions"), "Transfer-Encoding: chunked");
    hold_out("a body of unknown length", sockets(SOCKETS), false, false, slow).await;
}

#[tokio::test]
async fn a_client_that_says_nothing_is_reaped() {
    hold_out("silence", sockets(SOCKETS), false, false, |_| says(b"", b"")).await;
}

#[tokio::test]
async fn empty_lines_without_a_request_are_reaped() {
    hold_out("empty lines", sockets(SOCKETS_AT_WORK), false, false, |_| says(b"\r\n\r\n", b"")).await;
}

#[tokio::test]
async fn the_beginning_of_http_2_without_a_request_is_reaped() {
    let slow = |_: &str| says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"");
    hold_out("the beginning of HTTP/2", sockets(SOCKETS_AT_WORK), false, false, slow).await;
}

#[tokio::test]
async fn a_handshake_that_stalls_is_reaped() {
    hold_out("half a hello", sockets(SOCKETS), false, true, |_| says(&hello()[..100], b"")).await;
}

#[tokio::test]
async fn a_handshake_that_stalls_after_the_hello_is_reaped() {
    hold_out("a hello and no more", sockets(SOCKETS_AT_WORK), false, true, |_| says(&hello(), b"")).await;
}

#[tokio::test]
async fn an_answer_that_is_never_read_is_reaped() {
    let slow = |code: &str| Slow {
        first: format!("GET /q/{code} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n").repeat(UNREAD).into(),
        then: Vec::new(),
        reads: false,
    };
    hold_out("answers that nobody reads", sockets(SOCKETS_AT_WORK), false, false, slow).await;
}

#[tokio::test]
async fn a_crowd_behind_one_address_gives_way_to_an_honest_neighbour() {
    hold_out("silence from the honest clients' own address", sockets(SOCKETS), true, false, |_| says(b"", b"")).await;
}

fn sockets(usual: usize) -> usize {
    std::env::var("QNECT_SOCKETS").map_or(usual, |count| count.parse().expect("QNECT_SOCKETS is a number"))
}

fn says(first: &[u8], then: &[u8]) -> Slow {
    Slow { first: first.to_vec(), then: then.to_vec(), reads: true }
}

fn body_without_end(path: &str, length: &str) -> Slow {
    says(format!("POST {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n").as_bytes(), b"{\"reason\":\"bloc")
}

/// A whole TLS hello.
fn hello() -> Vec<u8> {
    let folder = Folder::without_key();
    let config = secure::client(&secure::certify(&folder), rustls::ALL_VERSIONS, &["h2"]);
    let mut client = ClientConnection::new(config, secure::name()).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("a hello");
    hello
}

async fn hold_out(what: &str, count: usize, from_one: bool, is_tls: bool, slow: impl Fn(&str) -> Slow) {
    open_many_files();
    let unlimited =
        ["TAG_RINGS_PER_HOUR", "ADDRESS_SCANS_PER_MINUTE", "TAG_OPEN_SESSIONS_MAX", "ADDRESS_SESSIONS_PER_HOUR"];
    let folder = unlimited.iter().fold(Folder::new(), |folder, key| folder.set(&format!("LIMITS__{key}"), "0"));
    // A crowd at one tag fills that tag's visits, and nobody else's.
    let codes = folder.import(&[owner("+919800000017"), owner("+919800000018")]);
    let (folder, tls): (Folder, Option<TlsConnector>) = if is_tls {
        let (folder, certificate) = secure::with_tls(folder);
        (folder, Some(secure::connector(&certificate)))
    } else {
        (folder, None)
    };
    let server = Server::start(&folder);
    let path = format!("/q/{}", codes[0]);
    let slow = slow(&codes[1]);

    let honest = Honest::send(server.address, &path, tls.as_ref());
    tokio::time::sleep(PEACE).await;
    let in_peace = honest.all_were_served().await;
    let before = Usage::of(server.pid());

    let honest = Honest::send(server.address, &path, tls.as_ref());
    let mut most = before.resident;
    let crowd = besiege(server.address, count, from_one, &slow);
    let watch = async {
        loop {
            most = most.max(Usage::of(server.pid()).resident);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let longest = tokio::select! {
        longest = crowd => longest,
        () = watch => unreachable!("it watches without end"),
    };
    let besieged = honest.all_were_served().await;
    files_are_closed(server.pid(), before).await;
    ask(server.address, &path, tls.as_ref()).await;

    let grown = most.saturating_sub(before.resident);
    let metrics = server.metrics().await;
    let count_of = |name: &str| metrics.sum(name);
    eprintln!(
        "{what}: {count} sockets, the last one gone after {longest:?}; memory grew by {grown} KiB; the 99th of 100 honest \
         pages took {in_peace:?} in peace and {besieged:?} in the crowd; reaped {}, gave way {}, refused {}, \
         shed {}",
        count_of("qnect_connections_reaped_total"),
        count_of("qnect_connections_gave_way_total"),
        count_of("qnect_connections_refused_total"),
        count_of("qnect_http_requests_shed_total"),
    );
    assert!(longest <= GONE_MAX + BUSY_MACHINE, "the last one was there for {longest:?}");
    assert!(grown <= GROWTH_MAX, "memory grew by {grown} KiB");
    assert_eq!(count_of("qnect_connections_refused_total"), 0.0, "whoever is slow gives way, nobody is turned away");
    // Whoever asks for thousands of pages keeps the workers busy, whether or not the answers are read.
    let is_work = !slow.reads;
    assert!(is_work || count_of("qnect_http_requests_shed_total") == 0.0, "an honest client heard that it is too much");
}
