//! The answer to a look at a sticker. Most people who come by a car hear the same, so it is spelled out once.

use std::cell::RefCell;

use axum::response::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;
use qnect_core::crockford;
use qnect_core::scan::{Refusal, ScanDecision};
use qnect_core::tag_code::TagCode;
use serde::Serialize;

use crate::answer::{in_language, json, page, signal_ids};
use crate::kept::{self, Said};
use crate::negotiate::{Form, Reader};
use crate::pages::{self, Edition};
use crate::texts;

/// Bytes of a form's key, and the characters that they make.
const KEY_BYTES: usize = 16;
const KEY_CHARS: u32 = 25;
/// Keys that a worker draws at once: to ask the kernel costs more than to make a page.
const KEYS_DRAWN: usize = 64;

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

/// The answer to a look at the sticker with this code.
pub(super) fn answer(code: TagCode, decision: &ScanDecision, reader: Reader, origin: &str) -> Response {
    let edition = Edition { origin, language: reader.language };
    let said = Said::Decision(decision.verdict, decision.refusal, decision.offered);
    let is_of_this_moment = decision.retry_after.as_secs_ceil() > 0 || !decision.because.is_empty();
    match reader.form {
        Form::Json if is_of_this_moment => as_json(decision, reader),
        Form::Json => kept::answer(said, reader, origin, [], |[]| as_json(decision, reader)),
        Form::Html => {
            let spell =
                |[code, key]: [&str; 2]| page(StatusCode::OK, pages::tag(code, decision, key, edition), edition);
            let (code, key) = (code.to_string(), fresh_key());
            let own = [&*code, &*key];
            if is_of_this_moment { spell(own) } else { kept::answer(said, reader, origin, own, spell) }
        }
    }
}

fn as_json(decision: &ScanDecision, reader: Reader) -> Response {
    let (texts, seconds) = (texts::of(reader.language), decision.retry_after.as_secs_ceil());
    let body = DecisionBody {
        decision: decision.verdict.id(),
        reason: decision.refusal.map(Refusal::id),
        retry_after_seconds: seconds,
        reasons: decision.offered.iter().map(|r| ReasonBody { id: r.id(), label: texts.reason(r) }).collect(),
        signals: signal_ids(decision.because),
    };
    let mut response = in_language(json(StatusCode::OK, &body), reader.language);
    if seconds > 0 {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Random bytes for keys, and how many keys they are still good for.
type Drawn = ([[u8; KEY_BYTES]; KEYS_DRAWN], usize);

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(([[0; KEY_BYTES]; KEYS_DRAWN], 0)) };
}

/// A key for the hidden field, so that a form that is sent twice opens one session.
fn fresh_key() -> String {
    DRAWN.with_borrow_mut(|(drawn, left)| {
        if *left == 0 {
            // Without random bits the keys are weak, and the worst that follows is a session of one's own shown again.
            let _ = getrandom::fill(drawn.as_flattened_mut());
            *left = KEYS_DRAWN;
        }
        *left -= 1;
        let mut key = String::with_capacity(KEY_CHARS as usize);
        crockford::push(&mut key, u128::from_be_bytes(drawn[*left]), KEY_CHARS);
        key
    })
}
