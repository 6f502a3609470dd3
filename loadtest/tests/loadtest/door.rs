//! An engine of a few lines: a real HTTP server that answers from a script and remembers what it was asked.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use qnect_simulator::{Method, sign_v3};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{HandshakeKind, ProtocolVersion};

use crate::TOKEN;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) accept: String,
    pub(crate) forwarded_for: String,
    pub(crate) body: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) signed: bool,
}

impl Asked {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Status, content type, body.
pub(crate) type Answer = (u16, &'static str, String);
type Script = Arc<dyn Fn(&str, &Asked) -> Answer + Send + Sync>;

/// The server, and what it was asked.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Connections that began with a whole handshake of TLS 1.3.
    handshakes: Arc<AtomicUsize>,
}

impl Door {
    /// `script` gets the server's own address and the request.
    pub(crate) async fn open(script: impl Fn(&str, &Asked) -> Answer + Send + Sync + 'static) -> Door {
        Door::open_through(None, script).await
    }

    /// The same behind TLS, with a certificate for `localhost`.
    pub(crate) async fn open_through(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&str, &Asked) -> Answer + Send + Sync + 'static,
    ) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let address = match tls {
            None => format!("http://{address}"),
            Some(_) => format!("https://localhost:{}", address.port()),
        };
        let door = Door { address, asked: Arc::default(), handshakes: Arc::default() };
        let (script, accepting): (Script, Door) = (Arc::new(script), door.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (door, script, tls) = (accepting.clone(), script.clone(), tls.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else { return door.serve(stream, script).await };
                    // Whoever does not trust us leaves here.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let about = stream.get_ref().1;
                    let is_whole = about.handshake_kind() == Some(HandshakeKind::Full);
                    let is_new = about.protocol_version() == Some(ProtocolVersion::TLSv1_3);
                    door.handshakes.fetch_add(usize::from(is_whole && is_new), Ordering::Relaxed);
                    door.serve(stream, script).await;
                });
            }
        });
        door
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, script: Script) {
        let service = service_fn(move |request| answer(self.clone(), script.clone(), request));
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // How a connection ends is the client's affair.
        let _ = connection.await;
    }

    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::Relaxed)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic holds it").clone()
    }

    /// The codes that were scanned, in order.
    pub(crate) fn scanned(&self) -> Vec<String> {
        let scans = self.asked().into_iter().filter(|asked| asked.method == "GET");
        scans.filter_map(|asked| asked.path.strip_prefix("/q/").map(str::to_owned)).collect()
    }
}

/// An engine that does it right.
pub(crate) fn right(address: &str, asked: &Asked) -> Answer {
    dialling(address, asked, r#"callerId="911140000001" callerName="QNect""#)
}

/// The same, except that `attributes` of its `<Dial>` say what the owner's telephone displays.
pub(crate) fn dialling(address: &str, asked: &Asked, attributes: &str) -> Answer {
    match asked.path.as_str() {
        "/webhooks/plivo/voice" if !asked.signed => (401, "text/plain", String::new()),
        "/webhooks/plivo/voice" if asked.param("Event") == "StartApp" => xml(&format!(
            r#"<GetDigits action="{address}/digits" numDigits="7" timeout="8"><Speak>Type the digits</Speak></GetDigits>"#
        )),
        "/digits" if asked.param("Digits") == "4829137" => xml(&format!(
            r#"<Dial {attributes} confirmSound="{address}/whisper" confirmKey="1"><Number>919800000001</Number></Dial>"#
        )),
        "/digits" => xml("<Speak>Nobody has that code</Speak>"),
        "/whisper" => xml("<Speak>Press 1</Speak>"),
        path if path.ends_with("/sessions") => session(),
        path if path.starts_with("/q/") => decision("allow", None),
        _ => (200, "text/plain", String::new()),
    }
}

pub(crate) fn decision(decision: &str, reason: Option<&str>) -> Answer {
    let body = json!({"decision": decision, "reason": reason, "retry_after_seconds": 0, "reasons": []});
    (200, "application/json", body.to_string())
}

pub(crate) fn session() -> Answer {
    let body = json!({
        "session": "S", "number": "+911140000001", "access_code": "4829137", "dial_uri": "tel:+911140000001,4829137",
        "expires_at": "2026-01-01T00:10:00Z", "status_url": "http://localhost/sessions/S", "challenge": null,
    });
    (201, "application/json", body.to_string())
}

pub(crate) fn problem(status: u16, code: &str) -> Answer {
    (status, "application/problem+json", json!({"type": "about:blank", "status": status, "code": code}).to_string())
}

fn xml(elements: &str) -> Answer {
    (200, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{elements}</Response>"))
}

async fn answer(door: Door, script: Script, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let body = body.collect().await.expect("a body").to_bytes();
    let params: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let url = format!("{}{}", door.address, head.uri);
    let expected = sign_v3(Method::Post, &url, &params, &header("X-Plivo-Signature-V3-Nonce"), TOKEN);
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        accept: header("Accept"),
        forwarded_for: header("X-Forwarded-For"),
        body: String::from_utf8_lossy(&body).into_owned(),
        params,
        signed: header("X-Plivo-Signature-V3") == expected,
    };
    let (status, kind, text) = script(&door.address, &asked);
    door.asked.lock().expect("no panic holds it").push(asked);
    let response = Response::builder().status(status).header("Content-Type", kind).body(Full::from(text));
    Ok(response.expect("a response"))
}
