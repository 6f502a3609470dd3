//! A small HTTP client: one request, bounded in time and size, as slow as it is told to be.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::Sleep;

/// The longest answer that is read.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

/// Why there is no answer; each is a policy of its own in a URL fragment.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NoReply {
    #[error("no connection: {0}")]
    Connect(String),
    #[error("no answer: {0}")]
    Read(String),
}

/// Keeps connections open between requests.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: Client<HttpConnector, SlowBody>,
    slow: Duration,
}

impl HttpClient {
    /// A client that stops for `slow` in the middle of sending, and before it reads a body.
    pub(crate) fn new(slow: Duration) -> HttpClient {
        HttpClient { client: Client::builder(TokioExecutor::new()).build_http(), slow }
    }

    /// Waits for the answer `reply_max` at most, its own slowness not counted.
    pub(crate) async fn send(&self, request: Request<Bytes>, reply_max: Duration) -> Result<Reply, NoReply> {
        let request = request.map(|body| SlowBody::new(body, self.slow));
        tokio::time::timeout(reply_max + 2 * self.slow, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(NoReply::Read("too late".to_owned())))
    }

    async fn exchange(&self, request: Request<SlowBody>) -> Result<Reply, NoReply> {
        let response = self.client.request(request).await.map_err(|cause| match cause.is_connect() {
            true => NoReply::Connect(cause.to_string()),
            false => NoReply::Read(cause.to_string()),
        })?;
        if !self.slow.is_zero() {
            tokio::time::sleep(self.slow).await;
        }
        let (head, body) = response.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|c| NoReply::Read(c.to_string()))?;
        let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Ok(Reply {
            status: head.status.as_u16(),
            content_type: content_type.unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        })
    }
}

/// A body in two halves with a pause between them; in one piece if there is no pause.
#[derive(Debug)]
struct SlowBody {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
}

impl SlowBody {
    fn new(mut body: Bytes, pause: Duration) -> SlowBody {
        let mut pieces = VecDeque::new();
        if !pause.is_zero() {
            pieces.push_back(body.split_to(body.len() / 2));
        }
        pieces.push_back(body);
        pieces.retain(|piece| !piece.is_empty());
        SlowBody { pieces, pause, pausing: None }
    }
}

impl Body for SlowBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(pause) = &mut self.pausing {
            ready!(pause.as_mut().poll(cx));
            self.pausing = None;
        }
        let piece = self.pieces.pop_front();
        if !self.pieces.is_empty() {
            self.pausing = Some(Box::pin(tokio::time::sleep(self.pause)));
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
