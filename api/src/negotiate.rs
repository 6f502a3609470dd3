//! What a client wants to be answered in: the form, and the language.

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
    let form = |name: &str| match name {
        "application/json" | "application/problem+json" | "application/*" => Some(Range::One(Form::Json)),
        "text/html" | "application/xhtml+xml" | "text/*" => Some(Range::One(Form::Html)),
        "*/*" => Some(Range::Any),
        _ => None,
    };
    best(&weighted(headers, &ACCEPT, form), [Form::Html, Form::Json]).unwrap_or(Form::Html)
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
    best(&weighted(headers, &ACCEPT_LANGUAGE, language), Language::ALL)
}

/// Bytes of a name that means something, at most: a media type, or a language with its script, region and variants.
const NAME_BYTES_MAX: usize = 64;

/// What one element of a field names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Range<T> {
    One(T),
    Any,
}

/// The elements of a field that mean something here, each with its weight of 0 to 1000; 0 excludes.
fn weighted<T>(
    headers: &HeaderMap,
    field: &HeaderName,
    read: impl Fn(&str) -> Option<Range<T>>,
) -> Vec<(Range<T>, u16)> {
    let fields = headers.get_all(field).iter().filter_map(|v| v.to_str().ok());
    let element = |text: &str| {
        let mut parts = text.split(';').map(str::trim);
        let range = in_lower_case(parts.next()?, &mut [0; NAME_BYTES_MAX]).and_then(&read)?;
        Some((range, weight(parts)?))
    };
    fields.flat_map(|field| field.split(',')).filter_map(element).collect()
}

/// A name as it is compared; none is longer than those that mean something.
fn in_lower_case<'a>(name: &str, room: &'a mut [u8; NAME_BYTES_MAX]) -> Option<&'a str> {
    let room = room.get_mut(..name.len())?;
    room.copy_from_slice(name.as_bytes());
    room.make_ascii_lowercase();
    str::from_utf8(room).ok()
}

/// The weight among an element's parameters; `None` for one that is no weight.
fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let Some(text) = parameters.find_map(|part| part.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')) else {
        return Some(1_000);
    };
    let weight = text.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q))?;
    Some((weight * 1_000.0).round() as u16)
}

/// The one of `all` that is liked best, of equals the one that is named first. "Any" is the first that is not named.
fn best<T: Copy + PartialEq>(ranges: &[(Range<T>, u16)], all: [T; 2]) -> Option<T> {
    let any = all.into_iter().find(|&one| ranges.iter().all(|(range, _)| *range != Range::One(one)));
    let excluded = |one| ranges.contains(&(Range::One(one), 0));
    let mut best = (None, 0);
    for &(range, weight) in ranges {
        let one = match range {
            Range::One(one) => Some(one).filter(|&one| !excluded(one)),
            Range::Any => any,
        };
        if one.is_some() && weight > best.1 {
            best = (one, weight);
        }
    }
    best.0
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
