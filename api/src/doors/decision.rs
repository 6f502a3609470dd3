//! The decision of a scan as JSON. Most people who come by a car hear the same, so it is spelled out once.

use std::cell::RefCell;
use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use qnect_core::language::Language;
use qnect_core::reason::ReasonSet;
use qnect_core::scan::{Refusal, ScanDecision, Verdict};
use serde::Serialize;

use crate::answer::{in_language, json_of, signal_ids, spelled};
use crate::texts;

/// Answers that a worker keeps at most, each of some hundred bytes.
const KEPT_MAX: usize = 256;

/// What an answer depends on that tells neither a time nor signs of abuse.
type Said = (Verdict, Option<Refusal>, ReasonSet, Language);

thread_local! {
    static KEPT: RefCell<HashMap<Said, (HeaderMap, Bytes)>> = RefCell::default();
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signals: Vec<&'static str>,
}

/// The answer.
pub(super) fn as_json(decision: &ScanDecision, language: Language) -> Response {
    let seconds = decision.retry_after.as_secs_ceil();
    if seconds > 0 || !decision.because.is_empty() {
        let mut response = in_language(json_of(StatusCode::OK, spell(decision, seconds, language)), language);
        if seconds > 0 {
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        }
        return response;
    }
    let said = (decision.verdict, decision.refusal, decision.offered, language);
    KEPT.with_borrow_mut(|kept| {
        if let Some((headers, body)) = kept.get(&said) {
            let mut response = Response::new(Body::from(body.clone()));
            *response.headers_mut() = headers.clone();
            return response;
        }
        let body = spell(decision, seconds, language);
        let response = in_language(json_of(StatusCode::OK, body.clone()), language);
        if let Some(body) = body
            && kept.len() < KEPT_MAX
        {
            kept.insert(said, (response.headers().clone(), body));
        }
        response
    })
}

fn spell(decision: &ScanDecision, seconds: u64, language: Language) -> Option<Bytes> {
    let texts = texts::of(language);
    spelled(&DecisionBody {
        decision: decision.verdict.id(),
        reason: decision.refusal.map(Refusal::id),
        retry_after_seconds: seconds,
        reasons: decision.offered.iter().map(|r| ReasonBody { id: r.id(), label: texts.reason(r) }).collect(),
        signals: signal_ids(decision.because),
    })
}
