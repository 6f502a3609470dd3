//! The scanner's door: a sticker's page, a session, how it stands.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{BoxError, Extension};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use qnect_core::facts::Outcome;
use qnect_core::language::Language;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressKey, Refusal, ScanDecision};
use qnect_core::session_id::SessionId;
use qnect_core::tag::SessionView;
use qnect_core::tag_code::TagCode;
use qnect_core::time::Timestamp;
use qnect_engine::{OpenReply, SessionRequest};
use qnect_storage::Keyring;
use serde::{Deserialize, Serialize};

use crate::answer::{json, page, see_other, signal_ids};
use crate::client::{self, Peer};
use crate::doors::body::WholeUntil;
use crate::doors::{Doors, body, decision, segment};
use crate::negotiate::{BodyKind, Form, Reader, body_kind, chosen};
use crate::pages::{self, Edition};
use crate::problem::{Fault, Problem};
use crate::rate_limit;

/// Bytes of an idempotency key at most.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// `GET /q/{code}`
pub async fn tag(
    State(doors): State<Arc<Doors>>,
    Extension(peer): Extension<Peer>,
    code: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let (parts, _) = request.into_parts();
    doors.look(&segment(code), peer, &parts.method, &parts.uri, &parts.headers).await
}

/// A browser that prefetches, or a `HEAD`, is nobody who stands at the car.
fn is_a_look_ahead(method: &Method, headers: &HeaderMap) -> bool {
    let purpose = headers.get("sec-purpose").and_then(|v| v.to_str().ok()).unwrap_or_default();
    method == Method::HEAD || purpose.starts_with("prefetch")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenBody {
    reason: String,
    language: Option<String>,
    idempotency_key: Option<String>,
}

/// `POST /q/{code}/sessions`
pub async fn open_session(
    State(doors): State<Arc<Doors>>,
    Extension(peer): Extension<Peer>,
    Extension(until): Extension<WholeUntil>,
    code: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    doors.open(&segment(code), peer, until, request).await
}

fn stated_language(kind: BodyKind, bytes: &[u8]) -> Option<Language> {
    let fields = (kind == BodyKind::Form).then(|| form_urlencoded::parse(bytes));
    fields.into_iter().flatten().find_map(|(name, value)| Language::from_tag(&value).filter(|_| name == "language"))
}

fn read_open_body(kind: BodyKind, bytes: &[u8]) -> Result<OpenBody, Problem> {
    match kind {
        BodyKind::Json => {
            let open = serde_json::from_slice(bytes).map_err(|e| match e.classify() {
                serde_json::error::Category::Data => Problem::Unprocessable(Fault::Fields),
                _ => Problem::Malformed,
            })?;
            // A list would be read as the fields in their order.
            let is_object = bytes.trim_ascii_start().starts_with(b"{");
            if is_object { Ok(open) } else { Err(Problem::Unprocessable(Fault::Fields)) }
        }
        BodyKind::Form => {
            let (mut reason, mut language, mut idempotency_key) = (None, None, None);
            for (name, value) in form_urlencoded::parse(bytes) {
                let field = match name.as_ref() {
                    "reason" => &mut reason,
                    "language" => &mut language,
                    "idempotency_key" => &mut idempotency_key,
                    _ => return Err(Problem::Unprocessable(Fault::Fields)),
                };
                if field.replace(value.into_owned()).is_some() {
                    return Err(Problem::Unprocessable(Fault::Repeated));
                }
            }
            Ok(OpenBody { reason: reason.ok_or(Problem::Unprocessable(Fault::Fields))?, language, idempotency_key })
        }
        BodyKind::Other => Err(Problem::UnsupportedBody),
    }
}

fn session_request(
    asked: OpenBody,
    headers: &HeaderMap,
    address: AddressKey,
    keys: &Keyring,
) -> Result<SessionRequest, Problem> {
    let reason = Reason::from_id(&asked.reason).ok_or(Problem::Unprocessable(Fault::Reason))?;
    let language = match asked.language.as_deref() {
        None => Language::default(),
        Some(tag) => Language::from_tag(tag).ok_or(Problem::Unprocessable(Fault::Language))?,
    };
    let key = idempotency_key(asked.idempotency_key, headers)?;
    let idempotency = key.map(|key| keys.idempotency(&key, reason, language));
    Ok(SessionRequest { reason, language, idempotency, address })
}

/// The one key of a request, wherever and however often it is said.
fn idempotency_key(in_body: Option<String>, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut key = in_body;
    for value in headers.get_all("idempotency-key") {
        let value = value.to_str().map_err(|_| Problem::Unprocessable(Fault::KeyAscii))?;
        if key.get_or_insert_with(|| value.to_owned()) != value {
            return Err(Problem::Unprocessable(Fault::KeysDiffer));
        }
    }
    if key.as_ref().is_some_and(|k| k.is_empty() || k.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
        return Err(Problem::Unprocessable(Fault::KeyLength));
    }
    Ok(key)
}

#[derive(Serialize)]
struct OpenedBody {
    session: String,
    number: String,
    access_code: Option<String>,
    dial_uri: String,
    expires_at: String,
    status_url: String,
    challenge: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signals: Vec<&'static str>,
}

/// `GET /sessions/{session}`
pub async fn session(
    State(doors): State<Arc<Doors>>,
    session: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let reader = Reader::of(&uri, &headers);
    match doors.session(&segment(session)).await {
        Err(problem) => doors.told(&problem, reader, None),
        Ok(view) if reader.form == Form::Json => json(StatusCode::OK, &SessionBody::of(&view)),
        Ok(view) => doors.session_page(&view, chosen(&uri).unwrap_or(view.language)),
    }
}

/// `POST /sessions/{session}/cancel`: the scanner does not need the call any more. The body, if any, is not read.
pub async fn cancel(
    State(doors): State<Arc<Doors>>,
    session: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let reader = Reader::of(&uri, &headers);
    match doors.cancel(&segment(session)).await {
        Err(problem) => doors.told(&problem, reader, None),
        Ok(view) if reader.form == Form::Json => json(StatusCode::OK, &SessionBody::of(&view)),
        Ok(view) => {
            let language = chosen(&uri).unwrap_or(view.language);
            see_other(&format!("{}?lang={}", doors.session_url(view.id), language.tag()))
        }
    }
}

#[derive(Serialize)]
struct SessionBody {
    session: String,
    state: &'static str,
    outcome: Option<&'static str>,
    expires_at: String,
}

impl SessionBody {
    fn of(view: &SessionView) -> Self {
        Self {
            session: view.id.to_string(),
            state: view.state.id(),
            outcome: view.outcome.map(Outcome::id),
            expires_at: rfc3339(view.expires_at),
        }
    }
}

impl Doors {
    /// Somebody looks at a sticker.
    pub async fn look(&self, code: &str, peer: Peer, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let reader = Reader::of(uri, headers);
        let (code, decision) = match self.scan(code, peer, method, headers).await {
            Ok(decided) => decided,
            Err(problem) => return self.told(&problem, reader, None),
        };
        let response = decision::answer(code, &decision, reader, &self.origin);
        if decision.refusal != Some(Refusal::AddressLimit) {
            return response;
        }
        let address = AddressKey::of(self.address(peer, headers));
        rate_limit::tell(response, "scans", self.engine.remaining_scans(address))
    }

    /// Somebody wants to call.
    pub async fn open<B>(&self, code: &str, peer: Peer, until: WholeUntil, request: Request<B>) -> Response
    where
        B: hyper::body::Body<Error: Into<BoxError>>,
    {
        let (parts, body) = request.into_parts();
        let kind = body_kind(&parts.headers);
        let mut reader = Reader::of(&parts.uri, &parts.headers);
        if kind == BodyKind::Json {
            reader.form = Form::Json;
        }
        let code = match self.code(code) {
            Ok(code) => code,
            Err(problem) => return self.told(&problem, reader, None),
        };
        let address = self.address(peer, &parts.headers);
        let opened = match body::read(body, until).await {
            Ok(bytes) => {
                // The language of the page with the form, whatever else is wrong with the fields.
                reader.language = stated_language(kind, &bytes).unwrap_or(reader.language);
                self.open_session(code, AddressKey::of(address), kind, &parts.headers, &bytes).await
            }
            Err(problem) => Err(problem),
        };
        let response = match opened {
            Err(problem) => self.told(&problem, reader, Some(code)),
            Ok(view) if kind == BodyKind::Form => see_other(&self.session_url(view.id)),
            Ok(view) => json(StatusCode::CREATED, &self.opened_body(&view)),
        };
        rate_limit::tell(response, "sessions", self.engine.remaining_sessions(AddressKey::of(address)))
    }

    async fn scan(
        &self,
        code: &str,
        peer: Peer,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(TagCode, ScanDecision), Problem> {
        let code = self.code(code)?;
        if is_a_look_ahead(method, headers) {
            return Ok((code, self.engine.preview(code).await?));
        }
        let (scan, address) = client::scan(self.address(peer, headers), headers);
        Ok((code, self.engine.scan(code, scan, address).await?))
    }

    async fn open_session(
        &self,
        code: TagCode,
        address: AddressKey,
        kind: BodyKind,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<SessionView, Problem> {
        let asked = read_open_body(kind, body)?;
        let request = session_request(asked, headers, address, self.engine.storage().keys())?;
        match self.engine.open_session(code, request).await? {
            OpenReply::Open(view) => Ok(view),
            OpenReply::IdempotencyConflict => Err(Problem::IdempotencyConflict),
            OpenReply::Refused { refusal, retry_after, because } => {
                Err(Problem::Refused(refusal, retry_after, because))
            }
        }
    }

    fn address(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        client::address(peer, headers, &self.trusted_proxies)
    }

    /// Reads a code; a wrong form and a wrong check end here: no store is read, no actor is made.
    fn code(&self, text: &str) -> Result<TagCode, Problem> {
        TagCode::read(text, self.engine.storage().keys().checks()).ok_or(Problem::NotFound)
    }

    /// A forged id ends here, like a forged code.
    async fn session(&self, text: &str) -> Result<SessionView, Problem> {
        let id = SessionId::read(text, self.engine.storage().keys().checks()).ok_or(Problem::NotFound)?;
        Ok(self.engine.session(id).await?)
    }

    fn session_page(&self, view: &SessionView, language: Language) -> Response {
        let (edition, now) = (self.edition(language), self.engine.clock().now());
        let sticker = TagCode::of(view.id.tag(), self.engine.storage().keys().checks());
        let html = pages::session(view, now, sticker, edition);
        let mut response = page(StatusCode::OK, html, edition);
        if let Some(after) = pages::refreshed_after(view.state) {
            response.headers_mut().insert(http::header::REFRESH, after.as_secs_ceil().into());
        }
        response
    }

    fn edition(&self, language: Language) -> Edition<'_> {
        Edition { origin: &self.origin, language }
    }

    async fn cancel(&self, text: &str) -> Result<SessionView, Problem> {
        let id = SessionId::read(text, self.engine.storage().keys().checks()).ok_or(Problem::NotFound)?;
        Ok(self.engine.cancel_session(id).await?)
    }

    fn session_url(&self, session: impl Display) -> String {
        format!("{}/sessions/{session}", self.origin)
    }

    fn opened_body(&self, view: &SessionView) -> OpenedBody {
        let session = view.id.to_string();
        OpenedBody {
            status_url: self.session_url(&session),
            session,
            number: view.number.to_string(),
            access_code: Some(view.code.to_string()),
            dial_uri: pages::dial_uri(view),
            expires_at: rfc3339(view.expires_at),
            challenge: view.challenge.then_some("keypad"),
            signals: signal_ids(view.because),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    let ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX).to_string()
}
