//! Asking a running engine.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request as HttpRequest, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use super::server::PATH;
use super::socket::connect;
use super::words::{Refusal, Reply, Request};

/// How long an engine may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why an engine gave no reply.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("no engine listens")]
    Nobody,
    /// It said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody listens, and gave no answer.
    #[error("the engine gave no answer on its control socket: {0}; look at its log and try again")]
    Failed(String),
}

/// Asks the engine that listens at `socket`.
pub async fn ask(socket: &Path, request: &Request) -> Result<Reply, AskError> {
    let stream = match connect(socket) {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(AskError::Nobody);
        }
        Err(e) => return Err(failed(e)),
    };
    let body = serde_json::to_vec(request).map_err(failed)?;
    tokio::time::timeout(ANSWER_TIME_MAX, exchange(stream, body)).await.map_err(failed)?
}

async fn exchange(stream: std::os::unix::net::UnixStream, body: Vec<u8>) -> Result<Reply, AskError> {
    stream.set_nonblocking(true).map_err(failed)?;
    let stream = UnixStream::from_std(stream).map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Ends with the exchange; what goes wrong on it is told by the answer that does not come.
    let connection = tokio::spawn(connection);
    let request = HttpRequest::post(PATH).header(HOST, "control").header(CONTENT_TYPE, "application/json");
    let request = request.body(Full::new(Bytes::from(body))).map_err(failed)?;
    let response = sender.send_request(request).await.map_err(failed)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(failed)?.to_bytes();
    connection.abort();
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(failed);
    }
    Err(serde_json::from_slice::<Refusal>(&body).map_or_else(failed, AskError::Refused))
}

fn failed(error: impl std::fmt::Display) -> AskError {
    AskError::Failed(error.to_string())
}
