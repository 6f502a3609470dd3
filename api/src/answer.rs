//! The answers: JSON, problem details, pages and redirections, with the fields that all of them carry.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, VARY};
use http::{HeaderName, HeaderValue, StatusCode};
use qnect_core::abuse::{Signal, SignalSet};
use qnect_core::language::Language;
use qnect_core::tag_code::TagCode;
use qnect_core::time::Span;
use serde::Serialize;

use crate::negotiate::{Form, Reader};
use crate::pages::{self, Edition};
use crate::problem::Problem;
use crate::texts;

impl Problem {
    /// The answer, in the form and language that were asked for. `sticker` is the page to go back to, if it is known.
    pub fn respond(&self, reader: Reader, origin: &str, sticker: Option<TagCode>) -> Response {
        let edition = Edition { origin, language: reader.language };
        let mut response = match reader.form {
            Form::Json => {
                let texts = texts::of(reader.language);
                let body = ProblemDetails {
                    kind: "about:blank",
                    title: self.title(texts),
                    status: self.status().as_u16(),
                    code: self.code(),
                    detail: self.detail(texts),
                    retry_after_seconds: self.retry_after().map(Span::as_secs_ceil),
                    signals: signal_ids(self.signals()),
                };
                let mut response = in_language(json(self.status(), &body), reader.language);
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
                response
            }
            Form::Html => page(self.status(), pages::problem(self, sticker, edition), edition),
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signals: Vec<&'static str>,
}

/// The fixed ids of signs of abuse: whoever is held up is told why.
pub fn signal_ids(signals: SignalSet) -> Vec<&'static str> {
    signals.iter().map(Signal::id).collect()
}

/// Fields that an answer usually has, those of the server included.
const HEADERS_USUAL: usize = 12;
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
    let Ok(body) = serde_json::to_vec(body) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Once, and not for each of them.
    headers.reserve(HEADERS_USUAL);
    headers.extend(COMMON);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The answer with its language named.
pub fn in_language(mut response: Response, language: Language) -> Response {
    response.headers_mut().insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    response
}

/// A page. It may load nothing, run nothing, be framed by nobody, and post only to our own origin.
pub fn page(status: StatusCode, html: String, Edition { origin, language }: Edition<'_>) -> Response {
    let mut response = in_language((status, html).into_response(), language);
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
        // This host only: what else lives under its name is not ours to say.
        headers.insert(http::header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
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
