//! The providers' door: verify, parse, let the engine decide, render.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::Language;
use qnect_core::leg::ProviderEvent;
use qnect_engine::EngineError;
use qnect_providers::plivo::{self, PlivoRoute};
use qnect_providers::request::{Method, WebhookRequest};

use crate::config::Secret;
use crate::doors::{Doors, body, segment};

/// `POST /webhooks/plivo/{step}`
pub async fn plivo(
    State(doors): State<Arc<Doors>>,
    step: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let started = Instant::now();
    let (response, result) = plivo_answer(&doors, &segment(step), request).await;
    metrics::counter!("qnect_webhooks_total", "provider" => "plivo", "result" => result).increment(1);
    let elapsed = started.elapsed().as_secs_f64();
    metrics::histogram!("qnect_webhook_answer_seconds", "provider" => "plivo").record(elapsed);
    response
}

async fn plivo_answer(doors: &Doors, step: &str, request: Request<Body>) -> (Response, &'static str) {
    let Some(secret) = &doors.plivo else { return (empty(StatusCode::NOT_FOUND), "not_configured") };
    let (parts, body) = request.into_parts();
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(problem) => return (empty(problem.status()), "unreadable"),
    };
    if !is_genuine(&parts, &body, &doors.origin, secret) {
        return (empty(StatusCode::UNAUTHORIZED), "forged");
    }
    let keys = doors.engine.storage().keys();
    let Some(route) = PlivoRoute::read(step, keys.checks()) else {
        return (empty(StatusCode::NOT_FOUND), "unknown_route");
    };
    let parsed = match plivo::parse(&route, &body, keys.roots()) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!(provider = "plivo", %error, "a signed webhook could not be understood");
            return (empty(StatusCode::BAD_REQUEST), "malformed");
        }
    };
    if parsed.recording_alarm {
        tracing::error!(
            provider = "plivo",
            "a webhook tells of a recording, which we never ask for: check the account"
        );
        metrics::counter!("qnect_recording_alarms_total", "provider" => "plivo").increment(1);
    }
    let told = if matches!(parsed.event, ProviderEvent::Ignored) { "unknown_event" } else { "accepted" };
    match doors.engine.provider_event(parsed.event).await {
        Ok(instruction) => (xml(&instruction, &doors.origin), told),
        // Somebody listens on the line: say so in words. A status callback is better sent again.
        Err(EngineError::Overloaded | EngineError::ActorLost) if somebody_listens(&route) => {
            let instruction = Instruction::Say { announcement: Announcement::TryAgain, language: Language::default() };
            (xml(&instruction, &doors.origin), "try_again")
        }
        Err(_) => (empty(StatusCode::SERVICE_UNAVAILABLE), "failed"),
    }
}

fn is_genuine(parts: &Parts, body: &[u8], origin: &str, secret: &Secret) -> bool {
    // Path and query exactly as they came: the provider signed them so. Never the Host field, which anyone may choose.
    let received = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let url = format!("{origin}{received}");
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let webhook = WebhookRequest { method: Method::Post, url: &url, header: &header, body };
    plivo::verify(&webhook, &secret.accepted().collect::<Vec<_>>()).is_ok()
}

fn somebody_listens(route: &PlivoRoute) -> bool {
    match route {
        PlivoRoute::Voice | PlivoRoute::Code { .. } => true,
        PlivoRoute::Whisper { .. } | PlivoRoute::Leg { .. } | PlivoRoute::DialEnd { .. } => false,
    }
}

fn xml(instruction: &Instruction, origin: &str) -> Response {
    let mut response = plivo::render(instruction, origin).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = status.into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
