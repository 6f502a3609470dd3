//! Heads that a proxy in front and a server behind could read in two ways: what one takes for a part of a request, the other
//! takes for the next. None of them is answered but by a refusal, and nothing after it is read.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::folder::{Folder, owner};
use crate::raw;
use crate::server::Server;

/// How long answers may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_refused() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let second = format!("GET /q/{code} HTTP/1.1\r\nHost: x\r\n\r\n");
    let get = format!("GET /q/{code} HTTP/1.1\r\n");
    let post = format!("POST /q/{code}/sessions HTTP/1.1\r\nHost: x\r\n");
    for (what, head, status) in [
        ("no host", format!("{get}\r\n"), 400),
        ("two hosts", format!("{get}Host: x\r\nHost: y\r\n\r\n"), 400),
        ("the same host twice", format!("{get}Host: x\r\nHost: x\r\n\r\n"), 400),
        ("a bare LF after the request line", format!("GET /q/{code} HTTP/1.1\nHost: x\r\n\r\n"), 400),
        ("a bare LF after a field", format!("{get}Host: x\nA: b\r\n\r\n"), 400),
        ("a bare LF for the empty line", format!("{get}Host: x\r\n\n"), 400),
        ("nothing but bare LFs", format!("GET /q/{code} HTTP/1.1\nHost: x\n\n"), 400),
        ("a folded field", format!("{get}Host: x\r\nA: b\r\n c\r\n\r\n"), 400),
        ("a field before the first", format!("{get} Host: x\r\n\r\n"), 400),
        ("both lengths", format!("{post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
        (
            "both lengths the other way",
            format!("{post}TRANSFER-encoding: chunked\r\nContent-length: 0\r\n\r\n0\r\n\r\n"),
            400,
        ),
        ("the same length twice", format!("{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n"), 400),
        ("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: 5\r\n\r\n"), 400),
        ("a coding and a body after it", format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), 400),
        ("a chunk that ends in a bare LF", format!("{post}Transfer-Encoding: chunked\r\n\r\n0\n\r\n"), 400),
        ("a long field", format!("{get}Host: x\r\nA: {}\r\n\r\n", "b".repeat(20_000)), 431),
        ("a long target", format!("GET /q/{} HTTP/1.1\r\nHost: x\r\n\r\n", "b".repeat(20_000)), 431),
        ("many fields", format!("{get}Host: x\r\n{}\r\n", "A: b\r\n".repeat(64)), 431),
    ] {
        let answer = raw::exchange(server.address, format!("{head}{second}").as_bytes()).await;
        assert_eq!(raw::status(&answer), status, "{what}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{what}: nothing after it is read: {answer}");
    }
    assert_eq!(server.metrics().await.sum("qnect_scans_total"), 0.0);
}

#[tokio::test]
async fn a_bare_end_of_line_is_refused_on_a_connection_that_was_good() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let good = format!("GET /q/{code} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n");
    let bad = good.replace("Host: x\r\n", "Host: x\n");
    let answers = one_by_one(server.address, &[good.as_bytes(), good.as_bytes(), bad.as_bytes()]).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| raw::status(answer)).collect();
    assert_eq!(statuses, [200, 200, 400], "{answers:?}");
}

#[tokio::test]
async fn old_clients_need_no_host() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let answer = raw::exchange(server.address, format!("GET /q/{code} HTTP/1.0\r\n\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
}

/// Sends requests one after the other on one connection, each when the answer to the one before is here whole.
async fn one_by_one(address: SocketAddr, requests: &[&[u8]]) -> Vec<String> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let talk = async {
        let mut answers = Vec::new();
        for request in requests {
            stream.write_all(request).await.expect("a sent request");
            let mut answer = Vec::new();
            while !is_whole(&answer) {
                answer.push(stream.read_u8().await.expect("a whole answer"));
            }
            answers.push(String::from_utf8(answer).expect("an answer in UTF-8"));
        }
        answers
    };
    tokio::time::timeout(PATIENCE, talk).await.expect("answers in time")
}

/// Whether an answer with a `Content-Length` has come to its end.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse::<usize>().expect("a length"))
}
