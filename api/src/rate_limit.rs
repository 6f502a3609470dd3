//! The `RateLimit` fields, so that a client can slow down before it is turned away (draft-ietf-httpapi-ratelimit-headers-10).

use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use qnect_core::limiter::Remaining;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The answer with what its address has left of the quota `name`, which is a plain word; the answer as it is without a limit.
pub(crate) fn tell(mut response: Response, name: &'static str, remaining: Option<Remaining>) -> Response {
    // What is not there has no limits either: all of it looks alike.
    let remaining = remaining.filter(|_| response.status() != StatusCode::NOT_FOUND);
    let Some(Remaining { quota, left, reset }) = remaining else { return response };
    let policy = format!("\"{name}\";q={};w={}", quota.limit(), quota.period().as_secs_ceil());
    let limit = format!("\"{name}\";r={left};t={}", reset.as_secs_ceil());
    for (field, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, limit)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(field, value);
        }
    }
    response
}
