//! The one table that turns decisions and errors into HTTP.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use http::{HeaderName, HeaderValue, StatusCode};
use qnect_core::scan::{Refusal, Verdict};
use qnect_core::time::Span;
use qnect_engine::EngineError;
use serde::Serialize;

use crate::negotiate::Form;
use crate::pages;

/// How long a client is asked to wait when a bound of ours is reached.
const OVERLOAD_RETRY: Span = Span::from_secs(2);
/// How long until a number is likely to be free.
const EXHAUSTED_RETRY: Span = Span::from_secs(30);

/// Everything that is not simply a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nothing here: unknown, forged, suspended, retired and erased alike, the same bytes for all.
    NotFound,
    /// The method is not one of this resource.
    MethodNotAllowed,
    /// The body is too large.
    TooLarge,
    /// The body took too long.
    TooSlow,
    /// The body is of a kind that is not read here.
    UnsupportedBody,
    /// The body is not what it claims to be.
    Malformed,
    /// A field is unknown, missing or has an unknown value.
    Unprocessable(&'static str),
    /// The idempotency key was used for another request.
    IdempotencyConflict,
    /// The engine said no.
    Refused(Refusal, Span),
    /// A bound is reached.
    Overloaded,
    /// All codes of all numbers are in use.
    NumbersExhausted,
    /// The store failed; the process ends.
    Unavailable,
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::UnknownTag | EngineError::UnknownSession => Self::NotFound,
            EngineError::Overloaded | EngineError::ActorLost => Self::Overloaded,
            EngineError::NumbersExhausted => Self::NumbersExhausted,
            EngineError::Storage => Self::Unavailable,
        }
    }
}

impl Problem {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnsupportedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unprocessable(_) | Self::IdempotencyConflict => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Refused(refusal, _) if refusal.verdict() == Verdict::Limited => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(..) => StatusCode::FORBIDDEN,
            Self::Overloaded | Self::NumbersExhausted | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "body_too_large",
            Self::TooSlow => "body_too_slow",
            Self::UnsupportedBody => "unsupported_body",
            Self::Malformed => "malformed_body",
            Self::Unprocessable(_) => "invalid_request",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::Refused(refusal, _) => refusal.id(),
            Self::Overloaded => "overloaded",
            Self::NumbersExhausted => "numbers_exhausted",
            Self::Unavailable => "unavailable",
        }
    }

    /// What a person or a programmer is told to do.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::NotFound => "nothing is here; scan the sticker again, or check the code on it",
            Self::MethodNotAllowed => "this address does not take that method",
            Self::TooLarge => "the body is larger than 64 KiB; send less",
            Self::TooSlow => "the body did not arrive within 10 seconds; send it again",
            Self::UnsupportedBody => "send application/json or application/x-www-form-urlencoded",
            Self::Malformed => "the body is not what its content type says; correct it",
            Self::Unprocessable(what) => what,
            Self::IdempotencyConflict => "this idempotency key was used for a different request; choose a new one",
            Self::Refused(Refusal::TagLimit, _) => "this owner was called often just now; try again later",
            Self::Refused(Refusal::AddressLimit, _) => "too many requests from this connection; try again later",
            Self::Refused(Refusal::Score, _) => "calls from here are refused for now; try again later",
            Self::Refused(Refusal::OwnerUnavailable, _) => "the owner does not take calls at the moment",
            Self::Refused(Refusal::NotActive, _) => "this sticker is not in use yet",
            Self::Overloaded => "very busy just now; try again in a moment",
            Self::NumbersExhausted => "all lines are busy; try again shortly",
            Self::Unavailable => "not available at the moment; try again shortly",
        }
    }

    /// When to come back, if that makes sense.
    pub fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Refused(refusal, after) if refusal.verdict() == Verdict::Limited => Some(*after),
            Self::Overloaded | Self::Unavailable => Some(OVERLOAD_RETRY),
            Self::NumbersExhausted => Some(EXHAUSTED_RETRY),
            _ => None,
        }
    }

    /// The answer, in the form that was asked for.
    pub fn respond(&self, form: Form, origin: &str) -> Response {
        let mut response = match form {
            Form::Json => {
                let body = ProblemDetails {
                    kind: "about:blank",
                    title: self.status().canonical_reason().unwrap_or("error"),
                    status: self.status().as_u16(),
                    code: self.code(),
                    detail: self.detail(),
                    retry_after_seconds: self.retry_after().map(Span::as_secs_ceil),
                };
                let mut response = json(self.status(), &body);
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
                response
            }
            Form::Html => page(self.status(), pages::notice(self), origin),
        };
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs_ceil().max(1)));
        }
        response
    }
}

/// RFC 9457 problem details, with a code of ours.
#[derive(Serialize)]
struct ProblemDetails {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

/// Fields that every answer to a scanner carries.
const COMMON: [(HeaderName, HeaderValue); 4] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (VARY, HeaderValue::from_static("Accept, Accept-Language")),
    (http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// A JSON answer.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // Our own types serialise; should one not, nothing half-written goes out.
    let Ok(bytes) = serde_json::to_vec(body) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = (status, bytes).into_response();
    response.headers_mut().extend(COMMON);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A page. It may load nothing, run nothing, be framed by nobody, and post only to our own `origin`.
pub fn page(status: StatusCode, html: String, origin: &str) -> Response {
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.extend(COMMON);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("geolocation=(), camera=(), microphone=()"),
    );
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action {origin}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(http::header::CONTENT_SECURITY_POLICY, policy);
    }
    if origin.starts_with("https://") {
        headers.insert(
            http::header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    response
}

/// The way on after a form was sent.
pub fn see_other(url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().extend(COMMON);
    if let Ok(location) = HeaderValue::try_from(url) {
        response.headers_mut().insert(http::header::LOCATION, location);
    }
    response
}
