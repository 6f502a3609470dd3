//! HTTP/2 by hand, over plain TCP and by prior knowledge (RFC 9113): frames as no client would send them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// How a connection begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Types of frames.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
/// Flags.
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const ACK: u8 = 1;

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// A client that writes whatever it likes.
pub(crate) struct Wire {
    pub(crate) reader: OwnedReadHalf,
    pub(crate) writer: OwnedWriteHalf,
}

impl Wire {
    /// Begins a connection with these settings: identifier and value.
    pub(crate) async fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let (reader, mut writer) = TcpStream::connect(address).await.expect("a connection").into_split();
        let settings: Vec<u8> =
            settings.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
        writer.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &settings)].concat()).await.expect("a preface");
        Self { reader, writer }
    }

    /// Writes `bytes` again and again, at most `times`, and reads meanwhile, until the server ends it. Returns what came.
    pub(crate) async fn flood(self, bytes: &[u8], times: usize) -> Vec<Frame> {
        let Self { mut reader, mut writer } = self;
        let says = async {
            for _ in 0..times {
                if writer.write_all(bytes).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        let hears = async {
            let mut frames = Vec::new();
            while let Some(frame) = read(&mut reader).await {
                frames.push(frame);
            }
            frames
        };
        let frames = async {
            tokio::select! {
                () = says => Vec::new(),
                frames = hears => frames,
            }
        };
        tokio::time::timeout(PATIENCE, frames).await.expect("the server ends a flood")
    }
}

/// The next frame; none at the end.
pub(crate) async fn read(reader: &mut OwnedReadHalf) -> Option<Frame> {
    let mut head = [0; 9];
    reader.read_exact(&mut head).await.ok()?;
    let [a, b, c, kind, flags, stream @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    reader.read_exact(&mut payload).await.ok()?;
    Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
}

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The fields of `GET path`, packed without a table (RFC 7541).
pub(crate) fn get(path: &str) -> Vec<u8> {
    [&[0x82, 0x86][..], &literal(4, path), &literal(1, "qnect.example")].concat()
}

/// The fields of `POST path`.
pub(crate) fn post(path: &str) -> Vec<u8> {
    [&[0x83, 0x86][..], &literal(4, path), &literal(1, "qnect.example")].concat()
}

/// A field with a name from the static table, not to be remembered.
fn literal(name: u8, value: &str) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("a short value");
    assert!(length < 0x7f, "a value whose length is one byte");
    [&[name, length], value.as_bytes()].concat()
}

/// The reason that a server gave for ending a connection.
pub(crate) fn goodbye(frames: &[Frame]) -> Option<u32> {
    let last = frames.iter().rfind(|frame| frame.kind == GOAWAY)?;
    Some(u32::from_be_bytes(last.payload[4..8].try_into().expect("a code")))
}
