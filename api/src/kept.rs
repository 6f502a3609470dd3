//! Answers that most people get, spelled out once by each worker: it copies them, and fills in what is of one reader only.
//!
//! A worker keeps its own, because a count of references that all cores share costs more than the copy.

use std::cell::RefCell;
use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::FutureExt;
use http::{HeaderMap, StatusCode};
use qnect_core::reason::ReasonSet;
use qnect_core::scan::{Refusal, Verdict};

use crate::negotiate::Reader;

/// Answers that a worker keeps at most, each of ten thousand bytes at most.
const KEPT_MAX: usize = 256;
/// What stands in for what is of one reader only while an answer is spelled out: no text has such characters.
const STAND_INS: [&str; 2] = ["\u{1}", "\u{2}"];

/// What an answer says that tells no time and no signs of abuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Said {
    /// A decision, with the reasons that are offered.
    Decision(Verdict, Option<Refusal>, ReasonSet),
    /// That there is nothing here.
    NotFound,
    /// That there is no time.
    Overloaded,
}

thread_local! {
    static KEPT: RefCell<HashMap<(Said, Reader), Kept>> = RefCell::default();
}

/// An answer in memory, taken apart.
struct Kept {
    /// To which its links lead.
    origin: String,
    status: StatusCode,
    headers: HeaderMap,
    /// Each but the first comes after that one of what is of the reader only.
    pieces: Vec<(usize, Bytes)>,
}

/// The answer to this reader, whose links lead to `origin`. It has `own` where what `spell` makes of stand-ins has these:
/// visible ASCII that means nothing in HTML.
pub(crate) fn answer<const OWN: usize>(
    said: Said,
    reader: Reader,
    origin: &str,
    own: [&str; OWN],
    spell: impl FnOnce([&str; OWN]) -> Response,
) -> Response {
    KEPT.with_borrow_mut(|kept| {
        let name = (said, reader);
        if let Some(known) = kept.get(&name).filter(|known| known.origin == origin) {
            return known.with(&own);
        }
        if kept.len() >= KEPT_MAX {
            return spell(own);
        }
        let response = spell(std::array::from_fn(|nth| STAND_INS[nth]));
        let new = Kept::of(response, origin);
        let response = new.with(&own);
        kept.insert(name, new);
        response
    })
}

impl Kept {
    fn of(response: Response, origin: &str) -> Self {
        let (head, body) = response.into_parts();
        // It is in memory: it is there at once, and nothing can fail.
        let body = axum::body::to_bytes(body, usize::MAX).now_or_never().and_then(Result::ok).unwrap_or_default();
        let (mut pieces, mut from, mut after) = (Vec::new(), 0, 0);
        for (at, byte) in body.iter().enumerate() {
            if let Some(nth) = STAND_INS.iter().position(|own| own.as_bytes() == [*byte]) {
                pieces.push((after, body.slice(from..at)));
                (from, after) = (at + 1, nth);
            }
        }
        pieces.push((after, body.slice(from..)));
        Self { origin: origin.to_owned(), status: head.status, headers: head.headers, pieces }
    }

    fn with(&self, own: &[&str]) -> Response {
        let mut response = Response::new(match &*self.pieces {
            [(_, whole)] => Body::from(whole.clone()),
            pieces => Body::from(filled(pieces, own)),
        });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

fn filled(pieces: &[(usize, Bytes)], own: &[&str]) -> Vec<u8> {
    let between = |nth: usize| own.get(nth).copied().unwrap_or_default();
    let length = pieces.iter().map(|(after, piece)| between(*after).len() + piece.len()).sum();
    let mut text = Vec::with_capacity(length);
    for (nth, (after, piece)) in pieces.iter().enumerate() {
        if nth > 0 {
            text.extend_from_slice(between(*after).as_bytes());
        }
        text.extend_from_slice(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use qnect_core::language::Language;

    use super::*;
    use crate::negotiate::Form;
    use crate::problem::Problem;

    const READER: Reader = Reader { form: Form::Html, language: Language::English };

    fn text(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).now_or_never().unwrap().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn page(origin: &str, own: [&str; 2]) -> String {
        let spell = |[code, key]: [&str; 2]| format!("{key}{code} at {origin}/{code}, {key}").into_response();
        text(answer(Said::NotFound, READER, origin, own, spell))
    }

    #[test]
    fn everybody_has_an_answer_of_ones_own_from_the_first_on() {
        for (code, key) in [("A", "1"), ("B", "2"), ("", "3")] {
            assert_eq!(page("here", [code, key]), format!("{key}{code} at here/{code}, {key}"));
        }
    }

    #[test]
    fn links_lead_to_the_origin_that_was_asked() {
        assert_eq!(
            ["a", "b", "a"].map(|origin| page(origin, ["C", "1"])),
            ["1C at a/C, 1", "1C at b/C, 1", "1C at a/C, 1"]
        );
    }

    #[test]
    fn whatever_is_kept_is_what_is_said() {
        let origin = "https://qnect.example";
        for (said, problem) in [(Said::NotFound, Problem::NotFound), (Said::Overloaded, Problem::Overloaded)] {
            for (form, language) in [Form::Html, Form::Json].into_iter().flat_map(|f| Language::ALL.map(|l| (f, l))) {
                let reader = Reader { form, language };
                let spelled = || problem.respond(reader, origin, None);
                for _ in 0..2 {
                    let (kept, spelled) = (answer(said, reader, origin, [], |[]| spelled()), spelled());
                    assert_eq!((kept.status(), kept.headers()), (spelled.status(), spelled.headers()));
                    assert_eq!(text(kept), text(spelled));
                }
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let offered: Vec<_> = (0..=u8::MAX).map(ReasonSet::from_bits).collect();
        for language in Language::ALL {
            for set in &offered {
                let said = Said::Decision(Verdict::Allow, None, *set);
                let spell = |[code]: [&str; 1]| format!("{code} {set:?}").into_response();
                let reader = Reader { language, ..READER };
                assert_eq!(text(answer(said, reader, "", ["A"], spell)), format!("A {set:?}"));
            }
        }
        assert_eq!(KEPT.with_borrow(HashMap::len), KEPT_MAX);
    }
}
