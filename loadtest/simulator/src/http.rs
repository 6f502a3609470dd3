//! A small HTTP client: one request, bounded in time and size.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long the provider waits for an answer. \[D\]
const REPLY_MAX: Duration = Duration::from_secs(60);
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
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpClient {
    pub(crate) fn new() -> HttpClient {
        HttpClient { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, NoReply> {
        tokio::time::timeout(REPLY_MAX, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(NoReply::Read("too late".to_owned())))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, NoReply> {
        let response = self.client.request(request).await.map_err(|cause| match cause.is_connect() {
            true => NoReply::Connect(cause.to_string()),
            false => NoReply::Read(cause.to_string()),
        })?;
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
