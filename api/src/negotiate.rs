//! What a client wants to be answered in.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page.
    Html,
    /// JSON, and problem details for errors.
    Json,
}

/// The form that a reader asked for: JSON if it is named before HTML, else a page.
pub fn accepted(headers: &HeaderMap) -> Form {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let first =
        accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim()).find_map(
            |range| match range {
                "application/json" | "application/problem+json" => Some(Form::Json),
                "text/html" | "application/xhtml+xml" => Some(Form::Html),
                _ => None,
            },
        );
    first.unwrap_or(Form::Html)
}

/// What a body claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
    /// Anything else, or nothing.
    Other,
}

/// What a request's body claims to be.
pub fn body_kind(headers: &HeaderMap) -> BodyKind {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => BodyKind::Json,
        "application/x-www-form-urlencoded" => BodyKind::Form,
        _ => BodyKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        accepted(&headers)
    }

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        assert_eq!(asked("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Form::Html);
        assert_eq!(asked("application/json"), Form::Json);
        assert_eq!(asked("application/json, text/html;q=0.5"), Form::Json);
        assert_eq!(asked("*/*"), Form::Html);
        assert_eq!(accepted(&HeaderMap::new()), Form::Html);
    }
}
