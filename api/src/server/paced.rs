//! A stream that tells a connection's pace what its client does.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::pace::Pace;

/// Fields that tell the length of a body.
const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";

/// A head and a body that together have so few bytes are written as one piece: the kernel takes longer over two than we over
/// joining them.
const PIECE: usize = 1_024;

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.0 and 1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A stream under its connection's pace.
pub(super) struct Paced<S> {
    stream: S,
    pace: Rc<Pace>,
    protocol: Protocol,
    lines: Lines,
}

/// How far a head has come, and whether a proxy in front could read another request in it: lines end in CR LF, and the
/// length of a body is told at most once. hyper takes a bare LF too, and of two lengths it believes one.
#[derive(Default)]
struct Lines {
    /// How the line begins, in lower case.
    beginning: [u8; TRANSFER_ENCODING.len()],
    /// Bytes of the line so far, its CR included, and the last one of them.
    bytes: usize,
    last: u8,
    /// Fields that tell the length of the body.
    lengths: usize,
    has_begun: bool,
    has_ended: bool,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Rc<Pace>, protocol: Protocol) -> Self {
        Self { stream, pace, protocol, lines: Lines::default() }
    }

    /// Lets a write's result through and notes a client that has no room for it.
    fn note<T>(&self, written: Poll<T>) -> Poll<T> {
        if written.is_pending() {
            self.pace.unwritten();
        }
        written
    }
}

impl Lines {
    /// Makes the end of a line that may be read in two ways a NUL, which no head may have: the request is answered 400.
    fn spoil_ambiguous(&mut self, mut bytes: &mut [u8]) {
        while !self.has_ended && !bytes.is_empty() {
            let Some(end) = memchr(b'\n', bytes) else { return self.go_on(bytes) };
            self.go_on(&bytes[..end]);
            self.lengths += usize::from(self.tells_a_length());
            if self.last != b'\r' || self.lengths > 1 {
                bytes[end] = 0;
                // Nobody reads further.
                self.has_ended = true;
                return;
            }
            let is_empty = self.bytes == 1;
            self.has_ended = is_empty && self.has_begun;
            self.has_begun |= !is_empty;
            (self.bytes, self.last) = (0, 0);
            bytes = &mut bytes[end + 1..];
        }
    }

    /// More bytes of a line.
    fn go_on(&mut self, bytes: &[u8]) {
        if let Some(room) = self.beginning.get_mut(self.bytes..) {
            let begins = bytes.len().min(room.len());
            room[..begins].copy_from_slice(&bytes[..begins]);
            room[..begins].make_ascii_lowercase();
        }
        self.bytes += bytes.len();
        self.last = bytes.last().copied().unwrap_or(self.last);
    }

    fn tells_a_length(&self) -> bool {
        let begins = &self.beginning[..self.bytes.min(self.beginning.len())];
        begins.starts_with(CONTENT_LENGTH) || begins == TRANSFER_ENCODING
    }
}

/// All of `parts`, joined in `room`, if it has room for them.
fn in_one_piece<'a>(parts: &[io::IoSlice<'_>], room: &'a mut [u8; PIECE]) -> Option<&'a [u8]> {
    let mut joined = 0;
    for part in parts {
        room.get_mut(joined..joined + part.len())?.copy_from_slice(part);
        joined += part.len();
    }
    Some(&room[..joined])
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = &mut buffer.filled_mut()[before..];
        match self.protocol {
            Protocol::Http1 => {
                if self.pace.read() {
                    self.lines = Lines::default();
                }
                self.lines.spoil_ambiguous(read);
            }
            Protocol::Http2 if self.pace.read_frames(read.len()) => {}
            Protocol::Http2 => return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into())),
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match in_one_piece(bytes, &mut [0; PIECE]) {
            Some(piece) => Pin::new(&mut self.stream).poll_write(context, piece),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, bytes),
        };
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.pace.written();
        }
        self.note(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.note(shut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head as hyper reads it, when it comes in these pieces.
    fn read(head: &str, at: &[usize]) -> String {
        let (mut lines, mut head) = (Lines::default(), head.as_bytes().to_vec());
        let mut from = 0;
        for &to in at.iter().chain([&head.len()]) {
            lines.spoil_ambiguous(&mut head[from..to]);
            from = to;
        }
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn what_may_be_read_in_two_ways_is_spoiled_however_it_comes() {
        let plain = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nX-Content-Length: 5\r\n\r\na\nb\n";
        let cases = [
            (plain, plain),
            ("\r\n\r\nGET / HTTP/1.1\r\n\r\n\n", "\r\n\r\nGET / HTTP/1.1\r\n\r\n\n"),
            ("GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\0Host: x\r\n\r\n"),
            ("\nGET / HTTP/1.1\r\n\r\n", "\0GET / HTTP/1.1\r\n\r\n"),
            ("GET /\r\nA: b\r\n\n", "GET /\r\nA: b\r\n\0"),
            (
                "P\r\ncontent-length:4\r\nContent-Length: 4\r\n\r\n",
                "P\r\ncontent-length:4\r\nContent-Length: 4\r\0\r\n",
            ),
            (
                "P\r\nTransfer-ENCODING: chunked\r\nCONTENT-length: 4\r\n\r\n",
                "P\r\nTransfer-ENCODING: chunked\r\nCONTENT-length: 4\r\0\r\n",
            ),
            (
                "P\r\nTransfer-Encoding: a\r\ntransfer-encoding:b\r\n\r\n",
                "P\r\nTransfer-Encoding: a\r\ntransfer-encoding:b\r\0\r\n",
            ),
            (
                "P\r\nContent-Lengths: 1\r\nContent-Length: 4\r\nTransfer-Encoding-X: 1\r\n\r\n",
                "P\r\nContent-Lengths: 1\r\nContent-Length: 4\r\nTransfer-Encoding-X: 1\r\n\r\n",
            ),
        ];
        for (head, expected) in cases {
            assert_eq!(read(head, &[]), expected);
            for first in 0..=head.len() {
                for second in first..=head.len() {
                    assert_eq!(read(head, &[first, second]), expected, "in pieces of {first} and {second} bytes");
                }
            }
        }
    }
}
