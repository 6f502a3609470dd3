//! A small HTTP client that remembers everything it was answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long an answer may take on a busy machine.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header's value, empty without one.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// Status, headers and body, without what differs by the second.
    pub(crate) fn bytes(&self) -> (u16, Vec<(String, String)>, &str) {
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| *name != "date").collect();
        headers.sort_by_key(|(name, _)| name.as_str());
        let text = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
        let headers = headers.into_iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        (self.status, headers, &self.body)
    }
}

/// A client of one listener.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    heard: Arc<Mutex<String>>,
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { address, http, heard: Arc::default() }
    }

    /// A request to `path`, to be completed.
    pub(crate) fn request(&self, method: &Method, path: &str) -> Builder {
        Request::builder().method(method).uri(format!("http://{}{path}", self.address))
    }

    /// Sends a request with this body.
    pub(crate) async fn send(&self, request: Builder, body: impl Into<Bytes>) -> Answer {
        let request = request.body(Full::new(body.into())).expect("a request");
        let what = format!("{} {}", request.method(), request.uri());
        let answered = async {
            let response = self.http.request(request).await.unwrap_or_else(|e| panic!("{what}: {e:?}"));
            let (head, body) = response.into_parts();
            let bytes = body.collect().await.unwrap_or_else(|e| panic!("{what}: {e:?}")).to_bytes();
            let body = String::from_utf8(bytes.to_vec()).expect("an answer in UTF-8");
            Answer { status: head.status.as_u16(), headers: head.headers, body }
        };
        let answer = tokio::time::timeout(ANSWER_TIME_MAX, answered).await.unwrap_or_else(|_| panic!("{what}: late"));
        let mut heard = self.heard.lock().expect("no panic holds it");
        heard.push_str(&format!("{:?}\n{}\n", answer.headers, answer.body));
        answer
    }

    /// A JSON resource.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(&Method::GET, path).header(ACCEPT, "application/json"), "").await
    }

    /// A page, as a browser asks for it.
    pub(crate) async fn page(&self, path: &str) -> Answer {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        self.send(self.request(&Method::GET, path).header(ACCEPT, browser), "").await
    }

    /// Posts JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(path, "application/json", body.to_string()).await
    }

    /// Posts a body of any kind, asking for JSON.
    pub(crate) async fn post_as(&self, path: &str, kind: &str, body: impl Into<Bytes>) -> Answer {
        let request = self.request(&Method::POST, path).header(ACCEPT, "application/json").header(CONTENT_TYPE, kind);
        self.send(request, body).await
    }

    /// Posts a form as a browser does.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = "application/x-www-form-urlencoded";
        let request = self.request(&Method::POST, path).header(ACCEPT, "text/html").header(CONTENT_TYPE, kind);
        self.send(request, form).await
    }

    /// All that was answered so far: headers and bodies.
    pub(crate) fn heard(&self) -> String {
        self.heard.lock().expect("no panic holds it").clone()
    }
}
