//! Asking a running engine.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TE};
use http::{Request as HttpRequest, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::server::{COPIES_PATH, COPY_ENDED, PATH, WHOLE};
use super::socket::connect;
use super::words::{CopyOf, Refusal, Reply, Request};

/// How long an engine may take, or pause within a copy.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// How long an engine may verify what it stores: a store of many millions is read whole.
const VERIFY_TIME_MAX: Duration = Duration::from_secs(6 * 60 * 60);
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
    let exchange = async {
        let (response, _connection) = post(socket, PATH, request).await?;
        serde_json::from_slice(&read(response).await?).map_err(failed)
    };
    let time_max = if matches!(request, Request::Verify) { VERIFY_TIME_MAX } else { ANSWER_TIME_MAX };
    tokio::time::timeout(time_max, exchange).await.map_err(failed)?
}

/// A copy that an engine hands out piece by piece.
pub struct Copying {
    body: Incoming,
    _connection: Connection,
}

/// Asks the engine that listens at `socket` for a copy.
pub async fn copy(socket: &Path, what: CopyOf) -> Result<Copying, AskError> {
    let asked = async {
        let (response, connection) = post(socket, COPIES_PATH, &what).await?;
        match response.status() {
            StatusCode::OK => Ok(Copying { body: response.into_body(), _connection: connection }),
            _ => Err(refused(&read(response).await?)),
        }
    };
    tokio::time::timeout(ANSWER_TIME_MAX, asked).await.map_err(failed)?
}

impl Copying {
    /// The next piece; `None` when the copy is whole, as the engine says at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, AskError> {
        loop {
            let frame = tokio::time::timeout(ANSWER_TIME_MAX, self.body.frame()).await.map_err(failed)?;
            let frame = frame.ok_or_else(|| failed("the copy was cut off"))?.map_err(failed)?;
            let frame = match frame.into_data() {
                Ok(bytes) if bytes.is_empty() => continue,
                Ok(bytes) => return Ok(Some(bytes)),
                Err(frame) => frame,
            };
            let Ok(trailers) = frame.into_trailers() else { continue };
            return match trailers.get(&COPY_ENDED) {
                Some(how) if how == WHOLE => Ok(None),
                Some(how) => Err(refused(how.as_bytes())),
                None => Err(failed("the copy was cut off")),
            };
        }
    }
}

/// Ends with the exchange; what goes wrong on it is told by the answer that does not come.
struct Connection(JoinHandle<hyper::Result<()>>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn post(socket: &Path, path: &str, what: &impl Serialize) -> Result<(Response<Incoming>, Connection), AskError> {
    let stream = match connect(socket) {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Err(AskError::Nobody);
        }
        Err(e) => return Err(failed(e)),
    };
    stream.set_nonblocking(true).map_err(failed)?;
    let stream = UnixStream::from_std(stream).map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let connection = Connection(tokio::spawn(connection));
    let body = serde_json::to_vec(what).map_err(failed)?;
    let request = HttpRequest::post(path).header(HOST, "control").header(CONTENT_TYPE, "application/json");
    // How a copy ended comes behind it.
    let request = request.header(TE, "trailers").body(Full::new(Bytes::from(body))).map_err(failed)?;
    Ok((sender.send_request(request).await.map_err(failed)?, connection))
}

/// The body of an answer that says yes.
async fn read(response: Response<Incoming>) -> Result<Bytes, AskError> {
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(failed)?.to_bytes();
    if status == StatusCode::OK { Ok(body) } else { Err(refused(&body)) }
}

fn refused(refusal: &[u8]) -> AskError {
    serde_json::from_slice::<Refusal>(refusal).map_or_else(failed, AskError::Refused)
}

fn failed(error: impl std::fmt::Display) -> AskError {
    AskError::Failed(error.to_string())
}
