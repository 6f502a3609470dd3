//! The scanner's door: a sticker's page, a session, how it stands.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode};
use qnect_core::crockford;
use qnect_core::facts::Outcome;
use qnect_core::language::Language;
use qnect_core::reason::Reason;
use qnect_core::scan::{AddressKey, ScanDecision};
use qnect_core::session::Idempotency;
use qnect_core::session_id::SessionId;
use qnect_core::tag::SessionView;
use qnect_core::tag_code::TagCode;
use qnect_core::time::Timestamp;
use qnect_engine::{OpenReply, SessionRequest};
use serde::{Deserialize, Serialize};

use crate::answer::{json, page, see_other};
use crate::client::{self, Peer};
use crate::doors::{Doors, body, segment};
use crate::negotiate::{BodyKind, Form, accepted, body_kind};
use crate::pages;
use crate::problem::Problem;

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
    let form = accepted(&parts.headers);
    match doors.scan(&segment(code), peer, &parts).await {
        Err(problem) => problem.respond(form, &doors.origin),
        Ok((_, decision)) if form == Form::Json => decision_as_json(&decision),
        Ok((code, decision)) => {
            page(StatusCode::OK, pages::tag(code, &decision, &doors.origin, fresh_key()), &doors.origin)
        }
    }
}

/// A browser that prefetches, or a `HEAD`, is nobody who stands at the car.
fn is_a_look_ahead(method: &Method, headers: &HeaderMap) -> bool {
    let purpose = headers.get("sec-purpose").and_then(|v| v.to_str().ok()).unwrap_or_default();
    method == Method::HEAD || purpose.starts_with("prefetch")
}

#[derive(Serialize)]
struct ReasonBody {
    id: &'static str,
    label: &'static str,
}

#[derive(Serialize)]
struct DecisionBody {
    decision: &'static str,
    reason: Option<&'static str>,
    retry_after_seconds: u64,
    reasons: Vec<ReasonBody>,
}

fn decision_as_json(decision: &ScanDecision) -> Response {
    let seconds = decision.retry_after.as_secs_ceil();
    let mut response = json(
        StatusCode::OK,
        &DecisionBody {
            decision: decision.verdict.id(),
            reason: decision.refusal.map(qnect_core::scan::Refusal::id),
            retry_after_seconds: seconds,
            reasons: decision
                .offered
                .iter()
                .map(|r| ReasonBody { id: r.id(), label: pages::reason_label(r) })
                .collect(),
        },
    );
    if seconds > 0 {
        response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    }
    response
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
    code: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let kind = body_kind(&parts.headers);
    let form = if kind == BodyKind::Json { Form::Json } else { accepted(&parts.headers) };
    match doors.open_session(&segment(code), peer, kind, &parts, body).await {
        Err(problem) => problem.respond(form, &doors.origin),
        Ok(view) if kind == BodyKind::Form => see_other(&doors.session_url(view.id)),
        Ok(view) => json(StatusCode::CREATED, &doors.opened_body(&view)),
    }
}

fn read_open_body(kind: BodyKind, bytes: &[u8]) -> Result<OpenBody, Problem> {
    const FIELDS: &str = "send reason, and if you like language and idempotency_key, and no other field";
    match kind {
        BodyKind::Json => {
            let open = serde_json::from_slice(bytes).map_err(|e| match e.classify() {
                serde_json::error::Category::Data => Problem::Unprocessable(FIELDS),
                _ => Problem::Malformed,
            })?;
            // A list would be read as the fields in their order.
            let is_object = bytes.trim_ascii_start().starts_with(b"{");
            if is_object { Ok(open) } else { Err(Problem::Unprocessable(FIELDS)) }
        }
        BodyKind::Form => {
            let (mut reason, mut language, mut idempotency_key) = (None, None, None);
            for (name, value) in form_urlencoded::parse(bytes) {
                let field = match name.as_ref() {
                    "reason" => &mut reason,
                    "language" => &mut language,
                    "idempotency_key" => &mut idempotency_key,
                    _ => return Err(Problem::Unprocessable(FIELDS)),
                };
                if field.replace(value.into_owned()).is_some() {
                    return Err(Problem::Unprocessable("send each field once"));
                }
            }
            Ok(OpenBody { reason: reason.ok_or(Problem::Unprocessable(FIELDS))?, language, idempotency_key })
        }
        BodyKind::Other => Err(Problem::UnsupportedBody),
    }
}

fn session_request(asked: OpenBody, headers: &HeaderMap, address: AddressKey) -> Result<SessionRequest, Problem> {
    let reason = Reason::from_id(&asked.reason).ok_or(Problem::Unprocessable(
        "reason is one of blocking, lights_on, window_open, damage, other, towing, child_or_pet, emergency",
    ))?;
    let language = match asked.language.as_deref() {
        None => Language::default(),
        Some(tag) => Language::from_tag(tag).ok_or(Problem::Unprocessable("language is en or hi"))?,
    };
    let key = idempotency_key(asked.idempotency_key, headers)?;
    let idempotency = key.map(|key| Idempotency::of(&key, reason, language));
    Ok(SessionRequest { reason, language, idempotency, address })
}

/// The one key of a request, wherever and however often it is said.
fn idempotency_key(in_body: Option<String>, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut key = in_body;
    for value in headers.get_all("idempotency-key") {
        let value =
            value.to_str().map_err(|_| Problem::Unprocessable("the Idempotency-Key header is visible ASCII"))?;
        if key.get_or_insert_with(|| value.to_owned()) != value {
            return Err(Problem::Unprocessable("the request's idempotency keys differ; send one"));
        }
    }
    if key.as_ref().is_some_and(|k| k.is_empty() || k.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
        return Err(Problem::Unprocessable("an idempotency key has 1 to 128 bytes"));
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
}

/// `GET /sessions/{session}`
pub async fn session(
    State(doors): State<Arc<Doors>>,
    session: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let form = accepted(&headers);
    match doors.session(&segment(session)).await {
        Err(problem) => problem.respond(form, &doors.origin),
        Ok(view) if form == Form::Json => json(
            StatusCode::OK,
            &SessionBody {
                session: view.id.to_string(),
                state: view.state.id(),
                outcome: view.outcome.map(Outcome::id),
                expires_at: rfc3339(view.expires_at),
            },
        ),
        Ok(view) => page(StatusCode::OK, pages::session(&view), &doors.origin),
    }
}

#[derive(Serialize)]
struct SessionBody {
    session: String,
    state: &'static str,
    outcome: Option<&'static str>,
    expires_at: String,
}

impl Doors {
    async fn scan(&self, code: &str, peer: Peer, parts: &Parts) -> Result<(TagCode, ScanDecision), Problem> {
        let code = self.code(code)?;
        if is_a_look_ahead(&parts.method, &parts.headers) {
            return Ok((code, self.engine.preview(code).await?));
        }
        let address = client::address(peer, &parts.headers, &self.trusted_proxies);
        let (scan, address) = client::scan(address, &parts.headers);
        Ok((code, self.engine.scan(code, scan, address).await?))
    }

    async fn open_session(
        &self,
        code: &str,
        peer: Peer,
        kind: BodyKind,
        parts: &Parts,
        body: Body,
    ) -> Result<SessionView, Problem> {
        let code = self.code(code)?;
        let asked = read_open_body(kind, &body::read(body).await?)?;
        let address = client::address(peer, &parts.headers, &self.trusted_proxies);
        let request = session_request(asked, &parts.headers, AddressKey::of(address))?;
        match self.engine.open_session(code, request).await? {
            OpenReply::Open(view) => Ok(view),
            OpenReply::IdempotencyConflict => Err(Problem::IdempotencyConflict),
            OpenReply::Refused { refusal, retry_after } => Err(Problem::Refused(refusal, retry_after)),
        }
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

    fn session_url(&self, id: SessionId) -> String {
        format!("{}/sessions/{id}", self.origin)
    }

    fn opened_body(&self, view: &SessionView) -> OpenedBody {
        OpenedBody {
            session: view.id.to_string(),
            number: view.number.to_string(),
            access_code: Some(view.code.to_string()),
            dial_uri: pages::dial_uri(view),
            expires_at: rfc3339(view.expires_at),
            status_url: self.session_url(view.id),
            challenge: view.challenge.then_some("keypad"),
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    let ms = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX).to_string()
}

/// A key for the hidden field, so that a form that is sent twice opens one session.
fn fresh_key() -> String {
    let mut bits = [0; 16];
    // Without random bits the key is weak, and the worst that follows is a session of one's own shown again.
    let _ = getrandom::fill(&mut bits);
    let mut key = String::with_capacity(25);
    crockford::push(&mut key, u128::from_be_bytes(bits), 25);
    key
}
