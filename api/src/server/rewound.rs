//! Bytes that were read too early go back in front of the stream they came from.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are held for one stranger at most, before anything that costs more is made for it.
pub(super) const HELD_BYTES_MAX: usize = 4 * 1024;

/// A stream, and in front of it what was read of it already.
pub(super) struct Rewound<S> {
    held: Vec<u8>,
    given: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> Rewound<S> {
    /// Reads until what is there is `enough`, or [`HELD_BYTES_MAX`] of it, or the end. A stranger who is slow costs no more
    /// than the bytes that came.
    pub(super) async fn hold(&mut self, enough: fn(&[u8]) -> bool) -> io::Result<()> {
        while self.held.len() < HELD_BYTES_MAX && !enough(&self.held) {
            if poll_fn(|context| self.poll_more(context)).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // On the stack, so that nothing of it outlives this poll.
        let mut bytes = [0; HELD_BYTES_MAX];
        let mut buffer = ReadBuf::new(&mut bytes[self.held.len()..]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl<S> Rewound<S> {
    /// Nothing read yet.
    pub(super) fn new(stream: S) -> Self {
        Self { held: Vec::new(), given: 0, stream }
    }

    /// What was read already.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.given == self.held.len() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let given = buffer.remaining().min(self.held.len() - self.given);
        buffer.put_slice(&self.held[self.given..self.given + given]);
        self.given += given;
        if self.given == self.held.len() {
            (self.held, self.given) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
