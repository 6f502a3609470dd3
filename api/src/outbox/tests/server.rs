//! A provider's REST interface on loopback, which answers as it is told. It writes its bytes itself: no server would let
//! it break the protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What the provider does with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answers with a status, more fields of the head, and a body.
    Status(u16, &'static str, String),
    /// Says nothing, and keeps the connection.
    Nothing,
    /// Sends these bytes and closes.
    Bytes(&'static str),
    /// Sends these bytes, then nothing more, and keeps the connection.
    Stops(&'static str),
}

impl Reply {
    pub(super) fn status(status: u16) -> Self {
        Self::Status(status, "", String::new())
    }

    pub(super) fn json(body: &str) -> Self {
        Self::Status(200, "content-type: application/json\r\n", body.to_owned())
    }

    pub(super) fn retry_after(status: u16, field: &'static str) -> Self {
        Self::Status(status, field, String::new())
    }
}

/// A request as it came.
#[derive(Debug)]
pub(super) struct Asked {
    /// Method and path.
    pub(super) line: String,
    /// The fields of the head, in lower case.
    pub(super) head: String,
    pub(super) body: String,
}

pub(super) struct Server {
    pub(super) origin: String,
    pub(super) asked: mpsc::Receiver<Asked>,
}

impl Server {
    /// A provider that answers request number n, from 0, with `reply(n)`.
    pub(super) async fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.expect("a listener"), None, reply)
    }

    /// The same at an address of the test's choice, and with TLS if it has some.
    pub(super) fn on(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        reply: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let (tell, asked) = mpsc::channel(10_000);
        let desk = Arc::new(Desk { reply, count: AtomicUsize::new(0), tell });
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let (desk, tls) = (desk.clone(), tls.clone());
                // A client that leaves, or does not trust us, ends its connection and nothing else.
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => desk.serve(tls.accept(stream).await?).await,
                        None => desk.serve(stream).await,
                    }
                });
            }
        });
        Self { origin, asked }
    }

    /// The next request.
    pub(super) async fn next(&mut self) -> Asked {
        self.asked.recv().await.expect("a request")
    }

    /// How many requests came that nobody has looked at yet; looks at them.
    pub(super) fn waiting(&mut self) -> usize {
        std::iter::from_fn(|| self.asked.try_recv().ok()).count()
    }
}

/// An address where nobody listens.
pub(super) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    format!("http://{}", listener.local_addr().expect("an address"))
}

struct Desk<F> {
    reply: F,
    count: AtomicUsize,
    tell: mpsc::Sender<Asked>,
}

impl<F: Fn(usize) -> Reply> Desk<F> {
    async fn serve(&self, mut stream: impl Stream) -> std::io::Result<()> {
        loop {
            let asked = read(&mut stream).await?;
            let number = self.count.fetch_add(1, Ordering::Relaxed);
            self.tell.send(asked).await.expect("a test that looks");
            match (self.reply)(number) {
                Reply::Status(status, fields, body) => {
                    let length = body.len();
                    let answer = format!("HTTP/1.1 {status} X\r\n{fields}content-length: {length}\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).await?;
                }
                Reply::Bytes(bytes) => {
                    stream.write_all(bytes.as_bytes()).await?;
                    return stream.shutdown().await;
                }
                Reply::Nothing => return wait_for_its_end(&mut stream).await,
                Reply::Stops(bytes) => {
                    stream.write_all(bytes.as_bytes()).await?;
                    return wait_for_its_end(&mut stream).await;
                }
            }
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

async fn wait_for_its_end(stream: &mut impl Stream) -> std::io::Result<()> {
    while stream.read(&mut [0; 256]).await? > 0 {}
    Ok(())
}

async fn read(stream: &mut impl Stream) -> std::io::Result<Asked> {
    let mut bytes = Vec::new();
    let (head, body_at) = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4);
        }
        more(stream, &mut bytes).await?;
    };
    let (line, fields) = head.split_once("\r\n").unwrap_or((&head, ""));
    let length = fields.lines().find_map(|field| field.strip_prefix("content-length: ")?.parse::<usize>().ok());
    while bytes.len() < body_at + length.unwrap_or(0) {
        more(stream, &mut bytes).await?;
    }
    let body = String::from_utf8_lossy(&bytes[body_at..]).into_owned();
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Asked { line, head: fields.to_owned(), body })
}

async fn more(stream: &mut impl Stream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut some = [0; 4_096];
    match stream.read(&mut some).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        n => {
            bytes.extend(&some[..n]);
            Ok(())
        }
    }
}
