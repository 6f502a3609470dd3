//! A bare socket, for what no client would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an answer may take on a busy machine: more than every deadline of the server.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Sends `bytes` and reads until the server closes. What cannot be sent, because it closed before, is left.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    String::from_utf8(exchange_bytes(address, bytes).await).expect("an answer in UTF-8")
}

/// The same with an answer that may be no text.
pub(crate) async fn exchange_bytes(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let talk = async {
        // A server that has heard enough closes: what it said stays readable.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    tokio::time::timeout(ANSWER_TIME_MAX, talk).await.expect("an answer, and then an end")
}

/// A request with these header fields and this body, after which the connection is to be closed.
pub(crate) fn request(line: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{line} HTTP/1.1\r\nHost: qnect.example\r\nConnection: close\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

/// The status of an answer; 0 when there is none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0)
}

/// `bytes` in chunks, without saying how many there will be.
pub(crate) fn chunked(bytes: &[u8]) -> Vec<u8> {
    let chunks = bytes.chunks(4096).flat_map(|c| [format!("{:x}\r\n", c.len()).as_bytes(), c, b"\r\n"].concat());
    chunks.chain(*b"0\r\n\r\n").collect()
}
