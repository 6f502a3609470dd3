//! Bare hyper: what a server on this stack cannot avoid (read the head and the body, write status, headers, date and
//! body) and nothing else: no route, no limit, no timeout, no log.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// The one answer to every request. Everything in it is static, so that a clone costs no reference count shared between
/// cores.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers; hyper adds `date` and `content-length` by itself.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// An empty 200.
    pub fn new() -> Self {
        Self { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Adds a header that is written as `NAME: VALUE`. An error says what is wrong with it.
    pub fn add_header(&mut self, line: &str) -> Result<(), &'static str> {
        let (name, value) = line.split_once(':').ok_or("no colon")?;
        let name: HeaderName = name.trim().parse().map_err(|_| "not a header name")?;
        let value = HeaderValue::try_from(value.trim()).map_err(|_| "not a header value")?;
        let value = value.as_bytes().to_vec().leak();
        let value = HeaderValue::from_maybe_shared(Bytes::from_static(value)).map_err(|_| "not a header value")?;
        self.headers.append(name, value);
        Ok(())
    }

    /// Gives a connection this answer, until it ends. One that breaks is the client's affair.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(self, stream: S) {
        let service = service_fn(move |request: Request<Incoming>| {
            let mut response = Response::new(Full::new(self.body.clone()));
            *response.status_mut() = self.status;
            *response.headers_mut() = self.headers.clone();
            async move {
                let mut body = request.into_body();
                if !body.is_end_stream() {
                    while let Some(Ok(_)) = body.frame().await {}
                }
                Ok::<_, Infallible>(response)
            }
        });
        // An answer this small costs less as one copied buffer than as a vectored write.
        drop(http1::Builder::new().writev(false).serve_connection(TokioIo::new(stream), service).await);
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self::new()
    }
}
