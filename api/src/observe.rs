//! Metrics of the doors: one recorder, buckets for every histogram, labels only from closed sets.

mod counts;
mod histograms;
mod recorder;
mod series;

use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram, Unit, describe_counter, describe_gauge, describe_histogram};

pub use recorder::Shown;

/// Seconds: from a decision in memory to what a person on a line would notice.
const SECONDS: [f64; 16] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Seconds that people take to dial, to listen and to pick up: a session lives for ten minutes.
const PEOPLE: [f64; 14] = [0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0];
/// Records of a batch.
const RECORDS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

/// There is a recorder already.
#[derive(Debug, thiserror::Error)]
#[error("metrics are recorded by something else in this process")]
pub struct RecorderError;

/// Installs the recorder, once for the process, and describes every metric.
pub fn install() -> Result<Shown, RecorderError> {
    let shown = recorder::install(buckets_of).map_err(|_| RecorderError)?;
    qnect_engine::describe_metrics();
    describe_counter!("qnect_webhooks_total", "provider webhooks by what came of them");
    describe_histogram!("qnect_webhook_answer_seconds", Unit::Seconds, "from a webhook's head to its answer");
    describe_counter!("qnect_recording_alarms_total", "webhooks that told of a recording; each is an incident");
    describe_counter!("qnect_http_requests_total", "requests by route template and status code");
    describe_histogram!("qnect_http_request_seconds", Unit::Seconds, "from a request's head to its answer");
    describe_counter!("qnect_http_requests_shed_total", "requests turned away unread because their worker had no time");
    describe_histogram!(
        "qnect_worker_late_seconds",
        Unit::Seconds,
        "how long requests waited that could not begin at once"
    );
    describe_gauge!("qnect_connections", "open connections of both listeners");
    describe_counter!("qnect_connections_refused_total", "connections turned away because there were too many");
    describe_counter!(
        "qnect_connections_gave_way_total",
        "connections ended for new ones because there were too many, those that did nothing for longest first"
    );
    describe_counter!(
        "qnect_connections_reaped_total",
        "connections ended because their client took too long, by what it was waited for"
    );
    for state in Awaited::ALL {
        state.reaped(0);
    }
    describe_counter!("qnect_provider_requests_total", "requests to providers by operation and what came of them");
    describe_counter!(
        "qnect_provider_retries_total",
        "second tries of requests to providers; at most a tenth of the first"
    );
    describe_gauge!("qnect_provider_circuit_open", "1 while a provider fails and is hardly asked any more");
    describe_counter!(
        "qnect_provider_chores_total",
        "deletions of providers' records of ended calls, by what came of them"
    );
    describe_gauge!(
        "qnect_check_passed",
        "1 while this check of /readyz passes, else 0; disk_space does not make it red"
    );
    describe_gauge!("qnect_commit_under_way_seconds", Unit::Seconds, "how long the commit under way has taken so far");
    describe_gauge!("qnect_build_info", "always 1; the labels tell what runs");
    metrics::gauge!("qnect_build_info", "version" => env!("CARGO_PKG_VERSION"), "commit" => commit()).set(1.0);
    Ok(shown)
}

/// The upper bounds of the buckets of a histogram.
fn buckets_of(name: &str) -> &'static [f64] {
    match name {
        "qnect_commit_batch_records" => &RECORDS,
        name if name.starts_with("qnect_session_to_") => &PEOPLE,
        _ => &SECONDS,
    }
}

/// The commit that was built, where the build was told.
fn commit() -> &'static str {
    option_env!("QNECT_COMMIT").unwrap_or("unknown")
}

/// What a client is waited for, whose connection is ended when it takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The end of a handshake.
    Handshake,
    /// A whole head.
    Head,
    /// A whole body.
    Body,
    /// One request of several at once: its body, and room for its answer.
    Stream,
    /// Room for an answer.
    Answer,
    /// The next request.
    Idle,
}

impl Awaited {
    /// All of them.
    const ALL: [Self; 6] = [Self::Handshake, Self::Head, Self::Body, Self::Stream, Self::Answer, Self::Idle];

    /// Counts connections that were ended because of it.
    pub fn reaped(self, count: u64) {
        let state = match self {
            Self::Handshake => "handshake",
            Self::Head => "head",
            Self::Body => "body",
            Self::Stream => "stream",
            Self::Answer => "answer",
            Self::Idle => "idle",
        };
        metrics::counter!("qnect_connections_reaped_total", "state" => state).increment(count);
    }
}

/// A route template: the only form in which a path is counted or logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Route {
    /// A sticker's page.
    Tag = 0,
    /// Opening a session.
    Sessions = 1,
    /// A session's page.
    Session = 2,
    /// A webhook.
    Webhook = 3,
    /// Anything else.
    Other = 4,
}

const ROUTES: usize = 5;
/// Status codes that are told apart, and the rest in one.
const CODES: [u16; 15] = [200, 201, 303, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503];

impl Route {
    /// All of them, as they are numbered.
    const ALL: [Self; ROUTES] = [Self::Tag, Self::Sessions, Self::Session, Self::Webhook, Self::Other];

    /// The template that a path belongs to.
    pub fn of(path: &str) -> Self {
        let rest = path.strip_prefix("/q/").or_else(|| path.strip_prefix("/Q/"));
        match rest {
            Some(rest) if rest.ends_with("/sessions") => Self::Sessions,
            Some(_) => Self::Tag,
            None if path.starts_with("/sessions/") => Self::Session,
            None if path.starts_with("/webhooks/") => Self::Webhook,
            None => Self::Other,
        }
    }

    /// The template.
    pub fn template(self) -> &'static str {
        match self {
            Self::Tag => "/q/{code}",
            Self::Sessions => "/q/{code}/sessions",
            Self::Session => "/sessions/{session}",
            Self::Webhook => "/webhooks/{provider}",
            Self::Other => "other",
        }
    }
}

/// Handles of the doors' metrics. All are there from the start: a rate does not see what a series begins with.
pub struct HttpMetrics {
    requests: [[Counter; CODES.len() + 1]; ROUTES],
    seconds: [Histogram; ROUTES],
}

impl HttpMetrics {
    /// Resolves all handles; the recorder must be installed before.
    pub fn new() -> Self {
        let counter = |route: Route, code: usize| {
            let label = CODES.get(code).map_or("other".to_owned(), u16::to_string);
            metrics::counter!("qnect_http_requests_total", "route" => route.template(), "code" => label)
        };
        Self {
            requests: Route::ALL.map(|route| std::array::from_fn(|code| counter(route, code))),
            seconds: Route::ALL.map(|r| metrics::histogram!("qnect_http_request_seconds", "route" => r.template())),
        }
    }

    /// Counts an answered request.
    pub fn answered(&self, route: Route, status: StatusCode, elapsed: Duration) {
        let code = CODES.iter().position(|&c| c == status.as_u16()).unwrap_or(CODES.len());
        self.requests[route as usize][code].increment(1);
        self.seconds[route as usize].record(elapsed.as_secs_f64());
    }
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self::new()
    }
}
