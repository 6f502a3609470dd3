//! What a client wants to be answered in.

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A page.
    Html,
    /// JSON, and problem details for errors.
    Json,
}

/// A media range of `Accept` that means something here.
struct Range {
    /// `None`: any form.
    form: Option<Form>,
    /// 0 to 1000; 0 excludes.
    thousandths: u16,
}

/// The form that a reader likes best, of equals the one that is named first; a page where nothing is said.
pub fn accepted(headers: &HeaderMap) -> Form {
    let fields = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
    let ranges: Vec<Range> = fields.flat_map(|field| field.split(',')).filter_map(range).collect();
    let excluded = |form| ranges.iter().any(|range| range.form == Some(form) && range.thousandths == 0);
    let any = if excluded(Form::Html) { Form::Json } else { Form::Html };
    let mut best = (Form::Html, 0);
    for range in &ranges {
        let form = range.form.unwrap_or(any);
        if range.thousandths > best.1 && !excluded(form) {
            best = (form, range.thousandths);
        }
    }
    best.0
}

/// Reads one range; one that we cannot serve, or whose weight is none, is as if it were not there.
fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(str::trim);
    let form = match parts.next()?.to_ascii_lowercase().as_str() {
        "application/json" | "application/problem+json" | "application/*" => Some(Form::Json),
        "text/html" | "application/xhtml+xml" | "text/*" => Some(Form::Html),
        "*/*" => None,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('='));
    let thousandths = match weight {
        None => 1_000,
        Some(text) => {
            let weight = text.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))?;
            (weight * 1_000.0).round() as u16
        }
    };
    Some(Range { form, thousandths })
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
    // Nothing is unpacked here, so that 64 KiB stay 64 KiB.
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return BodyKind::Other;
    }
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

    fn asked(fields: &[&str]) -> Form {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(ACCEPT, field.parse().unwrap());
        }
        accepted(&headers)
    }

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        use Form::{Html, Json};
        let table: [(&[&str], Form); 26] = [
            (&[], Html),
            (&[""], Html),
            (&["*/*"], Html),
            (&["image/png"], Html),
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], Html),
            (&["application/json"], Json),
            (&["Application/JSON"], Json),
            (&["application/problem+json"], Json),
            (&["application/*"], Json),
            (&["text/*"], Html),
            (&["application/json, text/plain, */*"], Json),
            (&["*/*, application/json"], Html),
            (&["application/json, text/html;q=0.5"], Json),
            (&["text/html;q=0.5, application/json"], Json),
            (&["text/html;q=0.5, application/json;q=0.4"], Html),
            (&["application/json, text/html"], Json),
            (&["text/html, application/json"], Html),
            (&["text/html;level=1;Q=0.3, application/json; q=0.301"], Json),
            (&["application/json;q=0.5, */*;q=0.8"], Html),
            (&["text/html;q=0, */*"], Json),
            (&["application/json;q=0, application/*, text/html;q=0.1"], Html),
            (&["application/json;q=0"], Html),
            (&["*/*;q=0, application/json;q=0.000"], Html),
            (&["application/json;q=2, text/html;q=0.1"], Html),
            (&["image/png", "application/json"], Json),
            (&["text/html;q=0.1", "application/json"], Json),
        ];
        for (fields, form) in table {
            assert_eq!(asked(fields), form, "{fields:?}");
        }
    }
}
