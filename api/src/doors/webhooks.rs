//! The providers' door: verify, parse, let the engine decide, render.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Extension};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode};
use metrics::{Counter, Histogram};
use qnect_core::instruction::{Announcement, Instruction};
use qnect_core::language::Languages;
use qnect_core::leg::ProviderEvent;
use qnect_engine::EngineError;
use qnect_providers::request::{Method, WebhookRequest};
use qnect_providers::{Document, Provider, Route};

use crate::config::Secret;
use crate::doors::body::WholeUntil;
use crate::doors::{Doors, body};
use crate::negotiate::Reader;
use crate::problem::Problem;

/// What all paths of webhooks begin with.
pub const PREFIX: &str = "/webhooks/";

/// A provider that is configured, and what its webhooks are signed with.
#[derive(Debug)]
pub struct Correspondent {
    tongue: &'static dyn Provider,
    secret: Secret,
    told: [Counter; Told::ALL.len()],
    recordings: Counter,
    seconds: Histogram,
}

/// What comes of a webhook.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Told {
    Accepted = 0,
    /// It tells what we do not know.
    UnknownEvent = 1,
    /// Its signature is wrong or missing.
    Forged = 2,
    /// Its path is none that we emitted.
    UnknownRoute = 3,
    Malformed = 4,
    /// Its body was too long, or never whole.
    Unreadable = 5,
    /// The engine had no time, and who is on the line was told so.
    TryAgain = 6,
    Failed = 7,
}

impl Told {
    /// All of them, as they are numbered.
    const ALL: [Self; 8] = [
        Self::Accepted,
        Self::UnknownEvent,
        Self::Forged,
        Self::UnknownRoute,
        Self::Malformed,
        Self::Unreadable,
        Self::TryAgain,
        Self::Failed,
    ];

    /// Its name as a metric label.
    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::UnknownEvent => "unknown_event",
            Self::Forged => "forged",
            Self::UnknownRoute => "unknown_route",
            Self::Malformed => "malformed",
            Self::Unreadable => "unreadable",
            Self::TryAgain => "try_again",
            Self::Failed => "failed",
        }
    }
}

impl Correspondent {
    /// How many secrets its webhooks may be signed with: two while one takes the place of the other.
    pub fn secret_count(&self) -> usize {
        self.secret.accepted().count()
    }

    /// Who speaks `tongue` and signs with `secret`. Resolves its metrics; the recorder must be installed before.
    pub fn new(tongue: &'static dyn Provider, secret: Secret) -> Self {
        let provider = tongue.name();
        let told =
            |told: Told| metrics::counter!("qnect_webhooks_total", "provider" => provider, "result" => told.name());
        Self {
            tongue,
            secret,
            told: Told::ALL.map(told),
            recordings: metrics::counter!("qnect_recording_alarms_total", "provider" => provider),
            seconds: metrics::histogram!("qnect_webhook_answer_seconds", "provider" => provider),
        }
    }
}

/// `POST /webhooks/{provider}/{step}`
pub async fn webhook(
    State(doors): State<Arc<Doors>>,
    Extension(until): Extension<WholeUntil>,
    request: Request<Body>,
) -> Response {
    doors.hear(until, request).await
}

impl Doors {
    /// A provider tells something, on any path below [`PREFIX`].
    pub async fn hear<B>(&self, until: WholeUntil, request: Request<B>) -> Response
    where
        B: hyper::body::Body<Error: Into<BoxError>>,
    {
        let started = Instant::now();
        // The path as it came: nothing that we emit is escaped, so whatever is leads nowhere.
        let path = request.uri().path().to_owned();
        let (name, step) = path.trim_start_matches(PREFIX).split_once('/').unwrap_or_default();
        // A name that is not configured becomes no label: labels come from closed lists.
        let Some(provider) = self.providers.iter().find(|provider| provider.tongue.name() == name) else {
            return self.told(&Problem::NotFound, Reader::of(request.uri(), request.headers()), None);
        };
        let (response, told) = answer(self, provider, step, request, until).await;
        provider.told[told as usize].increment(1);
        provider.seconds.record(started.elapsed().as_secs_f64());
        response
    }
}

async fn answer<B>(
    doors: &Doors,
    provider: &Correspondent,
    step: &str,
    request: Request<B>,
    until: WholeUntil,
) -> (Response, Told)
where
    B: hyper::body::Body<Error: Into<BoxError>>,
{
    let tongue = provider.tongue;
    let (parts, body) = request.into_parts();
    let body = match body::read(body, until).await {
        Ok(body) => body,
        Err(problem) => return (empty(problem.status()), Told::Unreadable),
    };
    if !is_genuine(&parts, &body, &doors.origin, provider) {
        return (empty(StatusCode::UNAUTHORIZED), Told::Forged);
    }
    let keys = doors.engine.storage().keys();
    let Some(route) = Route::read(step, keys.checks()) else {
        return (empty(StatusCode::NOT_FOUND), Told::UnknownRoute);
    };
    let parsed = match tongue.parse(&route, &body, keys.roots()) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!(provider = tongue.name(), %error, "a signed webhook could not be understood");
            return (empty(StatusCode::BAD_REQUEST), Told::Malformed);
        }
    };
    if parsed.recording_alarm {
        tracing::error!(
            provider = tongue.name(),
            "a webhook tells of a recording, which we never ask for: check the account"
        );
        provider.recordings.increment(1);
    }
    let told = if matches!(parsed.event, ProviderEvent::Ignored) { Told::UnknownEvent } else { Told::Accepted };
    match doors.engine.provider_event(parsed.event).await {
        Ok(instruction) => (document(tongue.render(&instruction, &doors.origin)), told),
        // Somebody listens on the line: say so in words. A status callback is better sent again.
        Err(EngineError::Overloaded | EngineError::ActorLost) if route.caller_waits() => {
            let instruction = Instruction::Say { announcement: Announcement::TryAgain, languages: Languages::Every };
            (document(tongue.render(&instruction, &doors.origin)), Told::TryAgain)
        }
        Err(_) => (empty(StatusCode::SERVICE_UNAVAILABLE), Told::Failed),
    }
}

fn is_genuine(parts: &Parts, body: &[u8], origin: &str, provider: &Correspondent) -> bool {
    // Path and query exactly as they came: the provider signed them so. Never the Host field, which anyone may choose.
    let received = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let url = format!("{origin}{received}");
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
    let webhook = WebhookRequest { method: Method::Post, url: &url, header: &header, body };
    provider.tongue.verify(&webhook, &provider.secret.accepted().collect::<Vec<_>>()).is_ok()
}

fn document(Document { content_type, body }: Document) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = status.into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
