//! A client of HTTP/1.1 with one connection and one request at a time, as cheap as it can be: it shares the machine
//! with the server that it drives.

use std::io;
use std::net::SocketAddr;

use qnect_benches::Failure;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::message::measure;

/// An answer fits in here, or the buffer grows.
const ANSWER_BYTES: usize = 16 * 1024;
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A connection, and what was read from it last.
pub(crate) struct Client<S> {
    stream: S,
    buffer: Vec<u8>,
}

/// The last answer.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    /// Head and body.
    pub(crate) bytes: usize,
}

impl Client<TcpStream> {
    pub(crate) async fn connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, buffer: vec![0; ANSWER_BYTES] }
    }

    /// Sends a whole request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        let (mut filled, mut measured) = (0, None);
        loop {
            if filled == self.buffer.len() {
                if filled >= ANSWER_BYTES_MAX {
                    return Err("an answer without an end".into());
                }
                self.buffer.resize(2 * filled, 0);
            }
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            filled += read;
            if measured.is_none() {
                measured = measure(&self.buffer[..filled])?;
            }
            if let Some(measure) = measured.filter(|measure| measure.whole <= filled) {
                let status = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
                let status = status.and_then(|digits| digits.parse().ok()).ok_or("an answer without a status")?;
                let body = &self.buffer[measure.head..measure.whole];
                return Ok(Answer { status, body, bytes: measure.whole });
            }
        }
    }

    /// Ends the connection in order.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }
}
