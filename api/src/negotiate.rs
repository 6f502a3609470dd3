//! What a client wants to be answered in: the form, and the language.

use std::cmp::Reverse;

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Uri};
use qnect_core::language::Language;

/// What a reader is answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reader {
    /// A page or JSON.
    pub form: Form,
    /// The language of all texts.
    pub language: Language,
}

impl Reader {
    /// The reader who sent a request with this address and these fields.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let language = chosen(uri).or_else(|| preferred(headers)).unwrap_or_default();
        Self { form: accepted(headers), language }
    }
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A page.
    Html,
    /// JSON, and problem details for errors.
    Json,
}

/// The form that a reader likes best; a page where nothing is said.
pub fn accepted(headers: &HeaderMap) -> Form {
    // The likeliest first.
    const FORMS: [(&str, Range<Form>); 7] = [
        ("application/json", Range::One(Form::Json)),
        ("text/html", Range::One(Form::Html)),
        ("*/*", Range::Any),
        ("application/xhtml+xml", Range::One(Form::Html)),
        ("application/problem+json", Range::One(Form::Json)),
        ("application/*", Range::One(Form::Json)),
        ("text/*", Range::One(Form::Html)),
    ];
    let form = |name: &str| FORMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, form)| *form);
    best(headers, &ACCEPT, form, [Form::Html, Form::Json]).unwrap_or(Form::Html)
}

/// The language that the address asks for: what a language link says.
pub fn chosen(uri: &Uri) -> Option<Language> {
    let query = uri.query().unwrap_or_default().as_bytes();
    form_urlencoded::parse(query).find_map(|(name, value)| Language::from_tag(&value).filter(|_| name == "lang"))
}

/// The language that a browser is set to.
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let language = |name: &str| match name {
        "*" => Some(Range::Any),
        tag => Language::from_tag(tag).map(Range::One),
    };
    best(headers, &ACCEPT_LANGUAGE, language, Language::ALL)
}

/// What one element of a field names.
#[derive(Clone, Copy)]
enum Range<T> {
    One(T),
    Any,
}

/// A weight of 0 to 1000, and by how many elements it was preceded: of two weights that are equal the first counts.
type Liked = (u16, Reverse<usize>);

/// The one of `all` that a field likes best; `read` says what a name means, if it means something here. A weight of 0 excludes,
/// and "any" is the first that is not named.
fn best<T: Copy + PartialEq>(
    headers: &HeaderMap,
    field: &HeaderName,
    read: impl Fn(&str) -> Option<Range<T>>,
    all: [T; 2],
) -> Option<T> {
    let (mut named, mut is_excluded, mut any) = ([None::<Liked>; 2], [false; 2], None);
    let fields = headers.get_all(field).iter().filter_map(|value| value.to_str().ok());
    for (nth, element) in fields.flat_map(|field| field.split(',')).enumerate() {
        let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
        let Some((range, weight)) = read(name.trim_ascii()).zip(weight(parameters)) else { continue };
        let liked = Some((weight, Reverse(nth)));
        match range {
            Range::Any => any = any.max(liked),
            Range::One(one) => {
                let Some(at) = all.iter().position(|known| *known == one) else { continue };
                named[at] = named[at].max(liked);
                is_excluded[at] |= weight == 0;
            }
        }
    }
    if let Some(unnamed) = named.iter().position(Option::is_none) {
        named[unnamed] = any;
    }
    let liked = (0..all.len()).filter(|&at| !is_excluded[at] && named[at].is_some_and(|(weight, _)| weight > 0));
    liked.max_by_key(|&at| named[at]).map(|at| all[at])
}

/// The weight among an element's parameters; `None` for one that is no weight.
fn weight(parameters: &str) -> Option<u16> {
    let Some(text) = parameters.split(';').find_map(quality) else { return Some(1_000) };
    let weight = text.trim_ascii().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))?;
    Some((weight * 1_000.0).round() as u16)
}

/// What stands behind `q=`.
fn quality(parameter: &str) -> Option<&str> {
    parameter.trim_ascii_start().strip_prefix(['q', 'Q'])?.trim_ascii_start().strip_prefix('=')
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

    fn language(uri: &str, fields: &[&str]) -> Language {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(ACCEPT_LANGUAGE, field.parse().unwrap());
        }
        Reader::of(&uri.parse().unwrap(), &headers).language
    }

    #[test]
    fn a_browser_is_answered_in_the_language_that_it_likes_best() {
        use Language::{English, Hindi};
        let table: [(&[&str], Language); 23] = [
            (&[], English),
            (&[""], English),
            (&["hi"], Hindi),
            (&["HI-in"], Hindi),
            (&["hi-IN,hi;q=0.9,en-IN;q=0.8,en;q=0.7"], Hindi),
            (&["en-IN,en;q=0.9,hi;q=0.8"], English),
            (&["en;q=0.8, hi;q=0.9"], Hindi),
            (&["hi;q=0.8, en;q=0.9"], English),
            (&["hi;q=0.5, en;q=0.5"], Hindi),
            (&["en, hi"], English),
            (&["ta-IN, ta;q=0.9, hi;q=0.5, en;q=0.4"], Hindi),
            (&["ta, fr;q=0.9"], English),
            (&["*"], English),
            (&["hi;q=0.4, *;q=0.5"], English),
            (&["en;q=0.4, *;q=0.5"], Hindi),
            (&["en;q=0, *"], Hindi),
            (&["en;q=0"], English),
            (&["hi;q=0"], English),
            (&["en;q=0, hi;q=0, *"], English),
            (&["hi;q=1.5, en;q=0.1"], English),
            (&["hi;q=x"], English),
            (&["en;q=0.1", "hi;q=0.2"], Hindi),
            (&["hin, hi_IN"], English),
        ];
        for (fields, expected) in table {
            assert_eq!(language("/q/x", fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_language_link_beats_the_browsers_settings() {
        use Language::{English, Hindi};
        for (uri, expected) in [
            ("/q/x?lang=hi", Hindi),
            ("/q/x?a=b&lang=hi", Hindi),
            ("/q/x?lang=hi-IN", Hindi),
            ("/q/x?lang=en", English),
            ("/q/x?lang=fr", Hindi),
            ("/q/x?lang=", Hindi),
            ("/q/x?langs=en", Hindi),
            ("/q/x?lang=fr&lang=en", English),
        ] {
            assert_eq!(language(uri, &["hi"]), expected, "{uri}");
        }
        assert_eq!(language("/q/x?lang=hi", &["en"]), Hindi);
    }
}
