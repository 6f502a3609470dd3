//! One request and its fate: unlike other tests' client, a connection that breaks is an answer here.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::request::Builder;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::client::Answer;
use crate::oracle::Seen;
use crate::plivo::Webhook;
use crate::possible::Told;

/// How long an answer may take on a busy machine with a slow disk.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// The fate of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// An answer came.
    Answered(Answer),
    /// Nobody listened: nothing was sent.
    Unsent,
    /// It was sent, and no whole answer came.
    Lost,
}

impl Reply {
    /// The answer, if one came.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Unsent | Self::Lost => None,
        }
    }

    /// Whether the write that was asked for was acknowledged, if `status` says so.
    pub(crate) fn told(&self, status: u16) -> Told {
        match self {
            Self::Answered(answer) if answer.status == status => Told::Ok,
            // What the server could not finish, it may have begun.
            Self::Answered(answer) if answer.status >= 500 => Told::Indeterminate,
            Self::Answered(_) | Self::Unsent => Told::Failed,
            Self::Lost => Told::Indeterminate,
        }
    }
}

/// The public listener of one life of a server.
#[derive(Clone)]
pub(crate) struct Door {
    address: SocketAddr,
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
}

impl Door {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, http: hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Asks for a session, under a name of the request's own.
    pub(crate) async fn open(&self, code: &str, key: &str) -> Reply {
        let request = self.request(&Method::POST, &format!("/q/{code}/sessions"));
        let request = request.header(CONTENT_TYPE, "application/json").header("Idempotency-Key", key);
        self.send(request, json!({"reason": "blocking"}).to_string()).await
    }

    /// Asks how a session stands; an error is a reply that says nothing about it.
    pub(crate) async fn look(&self, session: &str) -> Result<Seen, Reply> {
        let reply = self.send(self.request(&Method::GET, &format!("/sessions/{session}")), String::new()).await;
        match &reply {
            Reply::Answered(answer) if answer.status == 200 => {
                let body = answer.json();
                let text = |field: &str| body[field].as_str().map(str::to_owned);
                Ok(Seen::Standing { state: text("state").unwrap_or_default(), outcome: text("outcome") })
            }
            Reply::Answered(answer) if answer.status == 404 => Ok(Seen::Missing),
            _ => Err(reply),
        }
    }

    /// Asks for something else.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(self.request(&Method::GET, path), String::new()).await
    }

    /// The scanner wants no call any more.
    pub(crate) async fn cancel(&self, session: &str) -> Reply {
        self.send(self.request(&Method::POST, &format!("/sessions/{session}/cancel")), String::new()).await
    }

    /// A provider's webhook.
    pub(crate) async fn tell(&self, webhook: &Webhook) -> Reply {
        let request = self
            .request(&Method::POST, &webhook.path)
            .header(HOST, webhook.host)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("X-Plivo-Signature-V3-Nonce", &webhook.nonce)
            .header("X-Plivo-Signature-V3", webhook.signature.as_deref().unwrap_or_default());
        self.send(request, webhook.body()).await
    }

    fn request(&self, method: &Method, path: &str) -> Builder {
        let uri = format!("http://{}{path}", self.address);
        Request::builder().method(method).uri(uri).header(ACCEPT, "application/json")
    }

    async fn send(&self, request: Builder, body: String) -> Reply {
        let request = request.body(Full::new(body.into())).expect("a request");
        let answered = async {
            let response = match self.http.request(request).await {
                Ok(response) => response,
                Err(e) if e.is_connect() => return Reply::Unsent,
                Err(_) => return Reply::Lost,
            };
            let (head, body) = response.into_parts();
            let Ok(body) = body.collect().await else { return Reply::Lost };
            let body = String::from_utf8(body.to_bytes().to_vec()).expect("an answer in UTF-8");
            Reply::Answered(Answer { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(ANSWER_TIME_MAX, answered).await.unwrap_or(Reply::Lost)
    }
}
