//! A webhook as it came in, before anyone believes it.

/// How a webhook was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Parameters stand in the query.
    Get,
    /// Parameters stand in the body.
    Post,
}

/// What a signature is checked against. No `Debug`: the body holds the caller's number.
#[derive(Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// How it was sent.
    pub method: Method,
    /// Our configured public origin, then path and query exactly as received, without a fragment. Never built from the
    /// `Host` field, which the sender chooses.
    pub url: &'a str,
    /// Looks up a header field by its lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// Why a webhook is not believed. Both are answered with 401 and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// No signature came with it, or not all that belongs to one.
    #[error("the webhook is not signed")]
    MissingSignature,
    /// No signature is right under any of our secrets.
    #[error("the signature of the webhook is wrong")]
    WrongSignature,
}

/// Why a believed webhook cannot be understood. Answered with 400; the texts never quote what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More parameters than any webhook of the provider has.
    #[error("too many parameters")]
    TooManyParameters,
    /// A parameter that is needed is not UTF-8.
    #[error("a parameter is not utf-8")]
    NotUtf8,
    /// The call has no id, or one of another form.
    #[error("the id of the call is missing or malformed")]
    CallId,
    /// The number that was dialled is missing, or no number.
    #[error("the dialled number is missing or malformed")]
    DialledNumber,
}
