//! The one table that turns errors and refusals into HTTP: what is not simply a success, with its status, its name, and what a person or a programmer is told to do.

use http::StatusCode;
use qnect_core::scan::{Refusal, Verdict};
use qnect_core::time::Span;
use qnect_engine::EngineError;

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
            Self::MethodNotAllowed => {
                "this address does not take that method; the Allow header names those that it takes"
            }
            Self::TooLarge => "the body is larger than 64 KiB; send less",
            Self::TooSlow => "the body did not arrive within 10 seconds; send it again",
            Self::UnsupportedBody => "send application/json or application/x-www-form-urlencoded, not compressed",
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
}
