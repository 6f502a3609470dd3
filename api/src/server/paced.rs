//! A stream that tells a connection's pace what its client does.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

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
    previous: u8,
    /// How the line begins, in lower case.
    beginning: [u8; TRANSFER_ENCODING.len()],
    /// Bytes of the line so far, its CR included.
    bytes: usize,
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
    fn spoil_ambiguous(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.has_ended {
                return;
            }
            match *byte {
                b'\n' if self.previous != b'\r' => *byte = 0,
                b'\n' if self.lengths > 1 => *byte = 0,
                b'\n' => {
                    let is_empty = self.bytes == 1;
                    self.has_ended = is_empty && self.has_begun;
                    self.has_begun |= !is_empty;
                    self.bytes = 0;
                }
                other => {
                    if let Some(slot) = self.beginning.get_mut(self.bytes) {
                        *slot = other.to_ascii_lowercase();
                    }
                    self.bytes += 1;
                    let names_a_length = other == b':' && [CONTENT_LENGTH, TRANSFER_ENCODING].contains(&self.line());
                    self.lengths += usize::from(names_a_length);
                }
            }
            self.previous = *byte;
        }
    }

    /// The line so far, as much of it as is kept.
    fn line(&self) -> &[u8] {
        self.beginning.get(..self.bytes).unwrap_or_default()
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
