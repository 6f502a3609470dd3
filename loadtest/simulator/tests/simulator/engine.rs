//! An engine of a few lines, for both protocols: a real HTTP server that answers with scripted documents and remembers what it was told.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use qnect_simulator::{CallReport, Dial, Method, Network, NetworkConfig, OwnerScript, Protocol, sign_twilio, sign_v3};
use tokio::net::TcpListener;

pub(crate) const PUBLIC: &str = "https://qnect.example";
pub(crate) const TOKEN: &str = "NjU4ZjA3ZmE5ZTI0";
pub(crate) const SCANNER: &str = "+919812345678";
pub(crate) const OWNER: &str = "+919800000001";
pub(crate) const INTERMEDIARY: &str = "+918031000002";
pub(crate) const CODE: &str = "4829137";

/// A webhook as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) params: Vec<(String, String)>,
    /// The signature is the one of the provider that sent it.
    pub(crate) signed: bool,
    /// In how many pieces the body came.
    pub(crate) pieces: usize,
}

impl Received {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// Status, content type, body.
pub(crate) type Answer = (u16, &'static str, String);
type Script = Box<dyn Fn(&Received, usize) -> Answer + Send + Sync>;
/// What an engine does before it answers.
type Before = Box<dyn Fn(&Received) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The server, and what it was told.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) address: String,
    received: Arc<Mutex<Vec<Received>>>,
    before: Arc<Mutex<Option<Arc<Before>>>>,
}

impl Engine {
    /// What the engine does from now on before it answers a webhook.
    pub(crate) fn before<F: Future<Output = ()> + Send + 'static>(
        &self,
        before: impl Fn(&Received) -> F + Send + Sync + 'static,
    ) {
        let before: Before = Box::new(move |received| Box::pin(before(received)));
        *self.before.lock().expect("no panic holds it") = Some(Arc::new(before));
    }

    /// `script` gets the webhook and how many came to that path before.
    pub(crate) async fn start(script: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static) -> Engine {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let engine = Engine { address, received: Arc::default(), before: Arc::default() };
        let script: Arc<Script> = Arc::new(Box::new(script));
        let accepting = engine.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (engine, script) = (accepting.clone(), script.clone());
                let service = service_fn(move |request| answer(engine.clone(), script.clone(), request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        engine
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic holds it").clone()
    }

    pub(crate) fn to(&self, path: &str) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.path == path).collect()
    }

    pub(crate) fn config(&self) -> NetworkConfig {
        NetworkConfig {
            engine: self.address.clone(),
            public_base_url: PUBLIC.to_owned(),
            auth_id: "MAEXAMPLE".to_owned(),
            auth_token: TOKEN.to_owned(),
            time_scale: 0.0,
            ..NetworkConfig::default()
        }
    }

    pub(crate) fn twilio(&self) -> NetworkConfig {
        NetworkConfig { protocol: Protocol::Twilio, auth_id: format!("AC{}", "0".repeat(32)), ..self.config() }
    }

    /// One call in which the owner's telephone follows `owner`.
    pub(crate) async fn call(&self, owner: OwnerScript) -> CallReport {
        let network = Network::new(self.config()).expect("a valid configuration");
        network.set_telephone(OWNER, owner);
        network.dial(scanner()).await
    }
}

pub(crate) fn scanner() -> Dial {
    Dial {
        from: SCANNER.to_owned(),
        number: INTERMEDIARY.to_owned(),
        post_dial: Some(CODE.to_owned()),
        talk_seconds: 20,
        ..Dial::default()
    }
}

/// An engine that does it right, except that `dial` are the attributes of its `<Dial>`.
pub(crate) async fn engine_dialling(dial: &'static str) -> Engine {
    Engine::start(move |received, _| usual(received, dial)).await
}

pub(crate) const MASKED: &str = r#"callerId="918031000002" callerName="QNect" timeLimit="180" timeout="25"
    action="https://qnect.example/dial-end#rc=2&amp;rp=ct,rt,5xx" callbackUrl="https://qnect.example/leg?s=1#rc=2&amp;rp=ct,rt,5xx"
    confirmSound="https://qnect.example/whisper" confirmKey="1" confirmTimeout="12""#;

pub(crate) fn usual(received: &Received, dial: &str) -> Answer {
    match received.path.as_str() {
        "/webhooks/plivo/voice" if received.param("Event") == "StartApp" => xml(
            r#"<GetDigits action="https://qnect.example/digits" numDigits="7" timeout="8" digitTimeout="3" log="false">
                 <Wait length="4"/><Speak language="en-IN">Please type the seven digits</Speak>
               </GetDigits>
               <Speak>Goodbye</Speak>"#,
        ),
        "/digits" => xml(&format!("<Dial {dial}><Number>919800000001</Number></Dial>")),
        "/whisper" => xml("<Speak>Your car is in the way. Press 1</Speak>"),
        "/dial-end" => xml("<Speak>The owner cannot come</Speak><Hangup/>"),
        _ => (200, "text/plain", String::new()),
    }
}

pub(crate) fn xml(elements: &str) -> Answer {
    (200, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{elements}</Response>"))
}

async fn answer(
    engine: Engine,
    script: Arc<Script>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().expect("plain ascii").to_owned()))
        .collect();
    let (method, target) = (request.method().to_string(), request.uri().to_string());
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (mut body, mut pieces, mut incoming) = (Vec::new(), 0, request.into_body());
    while let Some(frame) = incoming.frame().await {
        body.extend(frame.expect("a frame").into_data().expect("data"));
        pieces += 1;
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let params = if method == "GET" { form_urlencoded::parse(query.as_bytes()).into_owned().collect() } else { form };
    let mut received = Received { method, path, headers, params, signed: false, pieces };
    received.signed = is_signed(&received, &format!("{PUBLIC}{target}"));
    let hook = engine.before.lock().expect("no panic holds it").clone();
    if let Some(hook) = hook {
        hook(&received).await;
    }
    let before = engine.to(&received.path).len();
    let (status, kind, text) = script(&received, before);
    engine.received.lock().expect("no panic holds it").push(received);
    let response = Response::builder().status(status).header("Content-Type", kind).body(Full::from(text));
    Ok(response.expect("a response"))
}

/// A GET has its parameters in the URL, so that there is nothing beside it.
fn is_signed(received: &Received, url: &str) -> bool {
    let form: &[(String, String)] = if received.method == "GET" { &[] } else { &received.params };
    let twilio = received.header("X-Twilio-Signature");
    if !twilio.is_empty() {
        return twilio == sign_twilio(url, form, TOKEN);
    }
    let method = if received.method == "GET" { Method::Get } else { Method::Post };
    let nonce = received.header("X-Plivo-Signature-V3-Nonce");
    received.header("X-Plivo-Signature-V3") == sign_v3(method, url, form, nonce, TOKEN)
}
