//! The one table that turns errors and refusals into HTTP: what is not simply a success, with its status, its name, and what a person or a programmer is told to do.

use http::StatusCode;
use qnect_core::abuse::SignalSet;
use qnect_core::scan::{Refusal, Verdict};
use qnect_core::time::Span;
use qnect_engine::EngineError;

use crate::texts::Texts;

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
    Unprocessable(Fault),
    /// The idempotency key was used for another request.
    IdempotencyConflict,
    /// The engine said no.
    Refused(Refusal, Span, SignalSet),
    /// A bound is reached.
    Overloaded,
    /// All codes of all numbers are in use.
    NumbersExhausted,
    /// All lines of the providers' accounts are taken: a call would fail.
    LinesBusy,
    /// The store failed; the process ends.
    Unavailable,
}

/// What is wrong with the fields of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One is missing or unknown, or has another type.
    Fields,
    /// One is there twice.
    Repeated,
    /// The reason is none of ours.
    Reason,
    /// The language is none of ours.
    Language,
    /// The idempotency key in the header is not visible ASCII.
    KeyAscii,
    /// Two idempotency keys name one request.
    KeysDiffer,
    /// The idempotency key is empty or too long.
    KeyLength,
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::UnknownTag | EngineError::UnknownSession => Self::NotFound,
            EngineError::Overloaded | EngineError::ActorLost => Self::Overloaded,
            EngineError::NumbersExhausted => Self::NumbersExhausted,
            EngineError::LinesBusy => Self::LinesBusy,
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
            Self::Refused(refusal, ..) if refusal.verdict() == Verdict::Limited => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(..) => StatusCode::FORBIDDEN,
            Self::Overloaded | Self::NumbersExhausted | Self::LinesBusy | Self::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
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
            Self::Refused(refusal, ..) => refusal.id(),
            Self::Overloaded | Self::LinesBusy => "overloaded",
            Self::NumbersExhausted => "numbers_exhausted",
            Self::Unavailable => "unavailable",
        }
    }

    /// The status in words, as RFC 9457 wants the title of a problem without a type of its own.
    pub(crate) fn title(&self, texts: &'static Texts) -> &'static str {
        match self {
            Self::NotFound => &texts.status_404,
            Self::MethodNotAllowed => &texts.status_405,
            Self::TooLarge => &texts.status_413,
            Self::TooSlow => &texts.status_408,
            Self::UnsupportedBody => &texts.status_415,
            Self::Malformed => &texts.status_400,
            Self::Unprocessable(_) | Self::IdempotencyConflict => &texts.status_422,
            Self::Refused(refusal, ..) if refusal.verdict() == Verdict::Limited => &texts.status_429,
            Self::Refused(..) => &texts.status_403,
            Self::Overloaded | Self::NumbersExhausted | Self::LinesBusy | Self::Unavailable => &texts.status_503,
        }
    }

    /// What a programmer is told to do.
    pub(crate) fn detail(&self, texts: &'static Texts) -> &'static str {
        match self {
            Self::NotFound => &texts.detail_not_found,
            Self::MethodNotAllowed => &texts.detail_method_not_allowed,
            Self::TooLarge => &texts.detail_too_large,
            Self::TooSlow => &texts.detail_too_slow,
            Self::UnsupportedBody => &texts.detail_unsupported_body,
            Self::Malformed => &texts.detail_malformed,
            Self::Unprocessable(Fault::Fields) => &texts.fault_fields,
            Self::Unprocessable(Fault::Repeated) => &texts.fault_repeated,
            Self::Unprocessable(Fault::Reason) => &texts.fault_reason,
            Self::Unprocessable(Fault::Language) => &texts.fault_language,
            Self::Unprocessable(Fault::KeyAscii) => &texts.fault_key_ascii,
            Self::Unprocessable(Fault::KeysDiffer) => &texts.fault_keys_differ,
            Self::Unprocessable(Fault::KeyLength) => &texts.fault_key_length,
            Self::IdempotencyConflict => &texts.detail_idempotency_conflict,
            Self::Refused(Refusal::TagLimit, ..) => &texts.detail_tag_limit,
            Self::Refused(Refusal::AddressLimit, ..) => &texts.detail_address_limit,
            Self::Refused(Refusal::Score, ..) => &texts.detail_score,
            Self::Refused(Refusal::OwnerUnavailable, ..) => &texts.detail_owner_unavailable,
            Self::Refused(Refusal::NotActive, ..) => &texts.detail_not_active,
            Self::Overloaded => &texts.detail_overloaded,
            Self::NumbersExhausted | Self::LinesBusy => &texts.detail_numbers_exhausted,
            Self::Unavailable => &texts.detail_unavailable,
        }
    }

    /// When to come back, if that makes sense.
    pub fn retry_after(&self) -> Option<Span> {
        match self {
            Self::Refused(refusal, after, _) if refusal.verdict() == Verdict::Limited || *after > Span::ZERO => {
                Some(*after)
            }
            Self::Overloaded | Self::Unavailable => Some(OVERLOAD_RETRY),
            Self::NumbersExhausted | Self::LinesBusy => Some(EXHAUSTED_RETRY),
            _ => None,
        }
    }

    /// The signs of abuse that led to it, if it was these.
    pub(crate) fn signals(&self) -> SignalSet {
        match self {
            Self::Refused(_, _, signals) => *signals,
            _ => SignalSet::default(),
        }
    }
}
