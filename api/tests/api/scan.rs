//! A sticker's page: what it says, to whom, and what it never says.

use http::Method;
use http::header::ACCEPT;
use serde_json::json;

use crate::client::Answer;
use crate::folder::{Folder, ORIGIN, owner, sleeping_owner};
use crate::server::Server;

const PAGE_BYTES_MAX: usize = 14 * 1024;
const ALL_REASONS: [&str; 8] =
    ["blocking", "lights_on", "window_open", "damage", "other", "towing", "child_or_pet", "emergency"];
const URGENT: [&str; 3] = ["towing", "child_or_pet", "emergency"];

#[tokio::test]
async fn a_sticker_answers_programs_and_people() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let first = server.public.get(&format!("/q/{code}")).await;
    for path in [format!("/q/{code}")].into_iter().chain(other_ways_to_write(&code)) {
        let answer = server.public.get(&path).await;
        assert_eq!(answer.bytes(), first.bytes(), "{path}");
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        let body = answer.json();
        assert_eq!(body["decision"], "allow");
        assert_eq!(body["reason"], json!(null));
        assert_eq!(body["retry_after_seconds"], 0);
        assert_eq!(offered(&answer), ALL_REASONS);
        assert!(answer.headers.get("retry-after").is_none());
        assert_common(&answer);

        let page = server.public.page(&path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(&format!("action=\"{ORIGIN}/q/{code}/sessions\"")), "the form posts to us");
        for reason in ALL_REASONS {
            assert!(page.body.contains(&format!("value=\"{reason}\"")), "{reason} can be chosen");
        }
        assert!(page.body.contains("name=\"idempotency_key\""), "a form that is sent twice opens one session");
        assert_page(&page);
    }
}

#[tokio::test]
async fn nothing_here_is_always_the_same_nothing() {
    let (folder, elsewhere) = (Folder::new(), Folder::without_key());
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    elsewhere.take_key_of(&folder);
    let unknown = elsewhere.import(&[owner("+919800000018")]).remove(0);
    let server = Server::start(&folder);

    let mut nothing = vec![
        format!("/q/{}", "0".repeat(20)),
        format!("/q/{}", &code[..19]),
        format!("/q/{code}0"),
        format!("/q/{}", "A".repeat(4_000)),
        "/q/%FF%FE".to_owned(),
        format!("/q/{code}%00"),
        format!("/q/{code}/"),
        "/q/".to_owned(),
        "/sessions/%FF".to_owned(),
        "/metrics".to_owned(),
        "/nothing".to_owned(),
    ];
    nothing.extend((0..20).map(|at| format!("/q/{}", with_another_character(&code, at))));
    let before = server.metrics().await;
    let first = (server.public.get(&nothing[0]).await, server.public.page(&nothing[0]).await);
    assert_eq!((first.0.status, first.1.status), (404, 404));
    assert_eq!(first.0.header("content-type"), "application/problem+json");
    assert_eq!(first.0.json()["status"], 404);
    assert_common(&first.0);
    assert_page(&first.1);
    for path in &nothing {
        assert_eq!(server.public.get(path).await.bytes(), first.0.bytes(), "{path}");
        assert_eq!(server.public.page(path).await.bytes(), first.1.bytes(), "{path}");
    }
    let forged = server.metrics().await;
    for metric in ["qnect_store_reads_total", "qnect_tag_actors", "qnect_revivals_total", "qnect_scans_total"] {
        assert_eq!(forged.sum(metric), before.sum(metric), "a forged code reaches nothing: {metric}");
    }

    // Well formed, rightly checked, and nobody's: one look into the store, no actor, and the same bytes.
    let path = format!("/q/{unknown}");
    for _ in 0..3 {
        assert_eq!(server.public.get(&path).await.bytes(), first.0.bytes());
        assert_eq!(server.public.page(&path).await.bytes(), first.1.bytes());
    }
    let looked = server.metrics().await;
    assert_eq!(looked.sum("qnect_store_reads_total") - forged.sum("qnect_store_reads_total"), 1.0);
    assert_eq!(looked.sum("qnect_tag_actors"), 0.0);
    // The counters are alive: the real code moves them.
    assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 200);
    let real = server.metrics().await;
    assert_eq!(real.sum("qnect_tag_actors"), 1.0);
    assert_eq!(real.sum("qnect_scans_total"), 1.0);
}

#[tokio::test]
async fn only_people_are_counted() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let path = format!("/q/{code}");

    let head = server.public.send(server.public.request(&Method::HEAD, &path), "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_common(&head);
    for purpose in ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"] {
        let request = server.public.request(&Method::GET, &path).header("Sec-Purpose", purpose);
        assert_eq!(server.public.send(request, "").await.status, 200);
    }
    assert_eq!(server.metrics().await.sum("qnect_scans_total"), 0.0, "nobody stood at the car");
    server.public.page(&path).await;
    server.public.get(&path).await;
    assert_eq!(server.metrics().await.value("qnect_scans_total", &[("decision", "allow")]), 2.0);
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let folder = Folder::new().set("LIMITS__ADDRESS_SCANS_PER_MINUTE", "2");
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let path = format!("/q/{code}");
    for _ in 0..2 {
        assert_eq!(server.public.get(&path).await.json()["decision"], "allow");
    }
    let limited = server.public.get(&path).await;
    assert_eq!(limited.status, 200, "a refusal is an answer");
    let body = limited.json();
    assert_eq!((&body["decision"], &body["reason"]), (&json!("limited"), &json!("address_limit")));
    let seconds = body["retry_after_seconds"].as_u64().expect("a number");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(limited.header("retry-after"), seconds.to_string());
    let page = server.public.page(&path).await;
    assert_eq!(page.status, 200);
    let is_offered = |reason: &str| page.body.contains(&format!("value=\"{reason}\""));
    assert!(is_offered("child_or_pet") && !is_offered("blocking"), "what is urgent, and nothing else");
    assert_eq!(server.metrics().await.value("qnect_scans_total", &[("decision", "limited")]), 2.0);
}

#[tokio::test]
async fn a_sleeping_owner_may_still_be_woken_for_what_is_urgent() {
    let folder = Folder::new();
    let code = folder.import(&[sleeping_owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let answer = server.public.get(&format!("/q/{code}")).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["decision"], &body["reason"]), (&json!("refused"), &json!("owner_unavailable")));
    assert_eq!(offered(&answer), URGENT);
    let page = server.public.page(&format!("/q/{code}")).await;
    assert!(page.body.contains("value=\"towing\"") && !page.body.contains("value=\"blocking\""));

    let sessions = format!("/q/{code}/sessions");
    let refused = server.public.post(&sessions, &json!({"reason": "blocking"})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["code"], "owner_unavailable");
    assert_eq!(server.public.post(&sessions, &json!({"reason": "towing"})).await.status, 201);
    assert_eq!(server.metrics().await.value("qnect_sessions_opened_total", &[("outcome", "refused")]), 1.0);
}

#[tokio::test]
async fn json_is_for_those_who_ask_for_it() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    for (accept, kind) in [
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.5", "application/json"),
        ("text/html, application/json", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
    ] {
        let request = server.public.request(&Method::GET, &format!("/q/{code}")).header(ACCEPT, accept);
        assert_eq!(server.public.send(request, "").await.header("content-type"), kind, "{accept:?}");
    }
}

#[tokio::test]
async fn a_session_is_the_same_however_its_sticker_is_written() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let plain = format!("/q/{code}/sessions");
    let asked = json!({"reason": "blocking", "idempotency_key": "once"});
    let opened = server.public.post(&plain, &asked).await;
    assert_eq!(opened.status, 201);
    let wrong = server.public.post(&plain, &json!({"reason": "none"})).await;
    assert_eq!(wrong.status, 422);
    for way in other_ways_to_write(&code) {
        let path = format!("{way}/sessions");
        assert_eq!(server.public.post(&path, &json!({"reason": "none"})).await.bytes(), wrong.bytes(), "{path}");
        assert_eq!(server.public.post(&path, &asked).await.json(), opened.json(), "{path}");
    }
}

/// The path of a sticker as people and their browsers may have it; in some of these ways it is not read as most are.
fn other_ways_to_write(code: &str) -> [String; 5] {
    [
        format!("/Q/{code}"),
        format!("/q/{}", code.to_lowercase()),
        format!("/q/{}-{}-{}", &code[..5], &code[5..12], &code[12..]),
        format!("/q/%{:02X}{}", code.as_bytes()[0], &code[1..]),
        format!("/Q/%{:02x}{}", code.as_bytes()[0], &code[1..]),
    ]
}

/// What every answer to a scanner carries.
pub(crate) fn assert_common(answer: &Answer) {
    assert_eq!(answer.header("vary"), "Accept, Accept-Language", "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.headers.get("set-cookie").is_none(), "no cookie");
}

/// What every page keeps to.
pub(crate) fn assert_page(page: &Answer) {
    assert_common(page);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy: Vec<&str> = page.header("content-security-policy").split(';').map(str::trim).collect();
    let form_action = format!("form-action {ORIGIN}");
    for directive in ["default-src 'none'", &form_action, "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(&directive), "{directive} is missing in {policy:?}");
    }
    assert!(!policy.iter().any(|directive| directive.starts_with("script-src")), "nothing may run");
    assert!(page.body.len() < PAGE_BYTES_MAX, "{} bytes", page.body.len());
    let lower = page.body.to_lowercase();
    assert!(!lower.contains("<script") && !lower.contains("javascript:"), "no script");
    for load in ["<link", "<img", "<iframe", "@import", "url("] {
        assert!(!lower.contains(load), "a page loads nothing: {load}");
    }
    for (at, _) in page.body.match_indices("://") {
        let start = page.body[..at].rfind(['"', ' ', '>', '\'']).map_or(0, |quote| quote + 1);
        assert!(page.body[start..].starts_with(ORIGIN), "a third party: {}", &page.body[start..at + 20]);
    }
    assert!(!page.body.contains("\"//"), "a third party without a scheme");
}

fn offered(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let reasons = body["reasons"].as_array().expect("a list");
    let text = |reason: &serde_json::Value, field: &str| reason[field].as_str().expect("text").to_owned();
    assert!(reasons.iter().all(|reason| !text(reason, "label").is_empty()), "every reason has a label");
    reasons.iter().map(|reason| text(reason, "id")).collect()
}

/// `code` with the next character of Crockford's alphabet at one place.
pub(crate) fn with_another_character(code: &str, at: usize) -> String {
    let alphabet = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = code.as_bytes().to_vec();
    let place = alphabet.iter().position(|c| *c == bytes[at]).expect("a character of the alphabet");
    bytes[at] = alphabet[(place + 1) % alphabet.len()];
    String::from_utf8(bytes).expect("ASCII")
}
