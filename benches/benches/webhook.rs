//! A webhook's way through a provider's tongue: the signature, the parameters, the document.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use qnect_core::caller::RootKey;
use qnect_core::check::CheckKeys;
use qnect_core::instruction::{Dial, Instruction};
use qnect_core::number::{CallerId, IntermediaryNumber};
use qnect_core::phone::Phone;
use qnect_core::session_id::SessionId;
use qnect_core::tag_code::TagId;
use qnect_core::time::Span;
use qnect_providers::plivo::{NONCE, Plivo, SIGNATURE};
use qnect_providers::request::{Method, WebhookRequest};
use qnect_providers::{Provider, Route};
use qnect_simulator::sign_v3;

const ORIGIN: &str = "https://qnect.example";
const TOKEN: &str = "not-a-secret-used-by-the-bench-only";
const A_NONCE: &str = "12345678901234567890";
/// A code was keyed: what Plivo tells then.
const PARAMS: [(&str, &str); 12] = [
    ("ALegUUID", "00000001-0000-4000-8000-000000000000"),
    ("BillRate", "0.00850"),
    ("CallStatus", "in-progress"),
    ("CallUUID", "00000001-0000-4000-8000-000000000000"),
    ("CallerName", "919700000017"),
    ("Digits", "4829137"),
    ("Direction", "inbound"),
    ("Event", "Redirect"),
    ("From", "919700000017"),
    ("ParentAuthID", "MA00000000000000BENCH"),
    ("SessionStart", "2026-01-01 10:00:00.000000"),
    ("To", "911140000001"),
];

fn webhook(c: &mut Criterion) {
    let (url, keys) = (format!("{ORIGIN}/webhooks/plivo/code/1"), CheckKeys::new(0, &[1; 32], &[2; 32]));
    let params = PARAMS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    let signature = sign_v3(qnect_simulator::Method::Post, &url, &params, A_NONCE, TOKEN);
    let header = |name: &str| match name {
        SIGNATURE => Some(signature.as_str()),
        NONCE => Some(A_NONCE),
        _ => None,
    };
    let request = WebhookRequest { method: Method::Post, url: &url, header: &header, body: body.as_bytes() };
    assert_eq!(Plivo.verify(&request, &[TOKEN]), Ok(()), "a webhook that is not believed measures something else");
    c.bench_function("webhook, verified", |b| b.iter(|| Plivo.verify(black_box(&request), &[TOKEN])));

    let (route, root) = (Route::read("code/1", &keys).expect("a route"), RootKey::new(&[3; 32]));
    c.bench_function("webhook, parsed", |b| b.iter(|| Plivo.parse(&route, black_box(body.as_bytes()), &root)));

    let number = IntermediaryNumber::parse("+911140000001").expect("a number");
    let dial = Instruction::Dial(Dial {
        session: SessionId::new(TagId::from_random(0, 42), [7; 17], &keys).expect("a known version"),
        to: Phone::parse("+919800000017").expect("a number"),
        caller_id: CallerId::new(number),
        ring: Span::from_secs(25),
        talk: Span::from_secs(180),
    });
    c.bench_function("a dial, rendered", |b| b.iter(|| Plivo.render(black_box(&dial), ORIGIN)));
}

criterion_group!(benches, webhook);
criterion_main!(benches);
