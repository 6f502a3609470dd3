//! Opening a session: what is given, what is refused, and in which words.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::folder::{Folder, NUMBER, ORIGIN, owner};
use crate::scan::{assert_common, assert_page};
use crate::server::{Opened, Server, path_of};

const BODY_BYTES_MAX: usize = 64 * 1024;

#[tokio::test]
async fn a_program_gets_all_that_it_needs_to_call() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let before = Timestamp::now();
    let body = json!({"reason": "blocking", "language": "en"});
    let answer = server.public.post(&format!("/q/{code}/sessions"), &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_common(&answer);
    let body = answer.json();
    let fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
    let expected = ["access_code", "challenge", "dial_uri", "expires_at", "number", "session", "status_url"];
    let mut sorted = fields.clone();
    sorted.sort();
    assert_eq!(sorted, expected, "these fields, and no others");
    let opened = Opened::of(&answer);
    assert_eq!(opened.number, NUMBER);
    assert!(opened.access_code.len() == 7 && opened.access_code.bytes().all(|b| b.is_ascii_digit()), "{body}");
    assert_eq!(body["dial_uri"], format!("tel:{NUMBER},{}", opened.access_code));
    assert_eq!(body["status_url"], format!("{ORIGIN}/sessions/{}", opened.session));
    assert_eq!(body["challenge"], Value::Null);
    let expires = body["expires_at"].as_str().expect("a time");
    assert!(expires.ends_with('Z'), "RFC 3339 in UTC: {expires}");
    let expires: Timestamp = expires.parse().expect("RFC 3339");
    assert!(expires > before + 9.minutes() && expires < before + 12.minutes(), "{expires} is ten minutes ahead");

    let status = server.public.get(path_of(body["status_url"].as_str().expect("a URL"))).await;
    assert_eq!(status.status, 200);
    let metrics = server.metrics().await;
    assert_eq!(metrics.value("qnect_sessions_opened_total", &[("outcome", "opened")]), 1.0);
    assert_eq!(metrics.sum("qnect_sessions_open"), 1.0);
}

#[tokio::test]
async fn a_browser_is_sent_to_its_sessions_page() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let page = server.public.page(&format!("/q/{code}")).await.body;
    let action = between(&page, "action=\"", "\"");
    let key = between(&page, "name=\"idempotency_key\" value=\"", "\"");
    let fields = [("idempotency_key", key), ("language", "en"), ("reason", "lights_on")];

    let sent = server.public.submit(path_of(action), &fields).await;
    assert_eq!((sent.status, sent.body.as_str()), (303, ""));
    assert_common(&sent);
    let location = sent.header("location").to_owned();
    let page = server.public.page(path_of(&location)).await;
    assert_eq!(page.status, 200);
    assert_page(&page);

    let again = server.public.submit(path_of(action), &fields).await;
    assert_eq!(again.header("location"), location, "a form that is sent twice opens one session");
    let other = server.public.submit(path_of(action), &[fields[0], fields[1], ("reason", "damage")]).await;
    assert_eq!(other.status, 422, "the same key for another reason");
    assert_page(&other);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_its_reason() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let client = &server.public;
    let path = format!("/q/{code}/sessions");
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";

    for (kind, body, status, code) in [
        (json, r#"{"reason":"boredom"}"#, 422, "invalid_request"),
        (json, r#"{"reason":"blocking","phone":"1"}"#, 422, "invalid_request"),
        (json, r#"{"reason":"blocking","language":"fr"}"#, 422, "invalid_request"),
        (json, r#"{"reason":7}"#, 422, "invalid_request"),
        (json, "{}", 422, "invalid_request"),
        (json, r#"{"reason":"blocking","idempotency_key":""}"#, 422, "invalid_request"),
        (json, r#"["blocking","en",null]"#, 422, "invalid_request"),
        (json, r#"{"reason":"blocking","reason":"blocking"}"#, 422, "invalid_request"),
        (json, r#"["blocking""#, 400, "malformed_body"),
        (json, r#"{"reason":"blocking""#, 400, "malformed_body"),
        (json, "reason=blocking", 400, "malformed_body"),
        (json, "", 400, "malformed_body"),
        (form, "reason=boredom", 422, "invalid_request"),
        (form, "language=en", 422, "invalid_request"),
        (form, "reason=blocking&reason=blocking", 422, "invalid_request"),
        (form, "reason=blocking&language=en&language=hi", 422, "invalid_request"),
        (form, "reason=blocking&idempotency_key=a&idempotency_key=a", 422, "invalid_request"),
        (form, "reason=blocking&phone=1", 422, "invalid_request"),
        ("text/plain", r#"{"reason":"blocking"}"#, 415, "unsupported_body"),
        ("multipart/form-data; boundary=x", "--x--", 415, "unsupported_body"),
        ("", r#"{"reason":"blocking"}"#, 415, "unsupported_body"),
    ] {
        let answer = client.post_as(&path, kind, body).await;
        assert_problem(&answer, status, code, body);
    }
    let charset = client.post_as(&path, "application/json; charset=utf-8", r#"{"reason":"blocking"}"#).await;
    assert_eq!(charset.status, 201, "a parameter of the content type does no harm");

    let padded = |bytes: usize| format!("{{{}\"reason\":\"boredom\"}}", " ".repeat(bytes - 20)).into_bytes();
    assert_eq!(padded(BODY_BYTES_MAX).len(), BODY_BYTES_MAX);
    assert_problem(&client.post_as(&path, json, padded(BODY_BYTES_MAX)).await, 422, "invalid_request", "64 KiB");
    assert_problem(&client.post_as(&path, json, padded(BODY_BYTES_MAX + 1)).await, 413, "body_too_large", "more");

    let nowhere = format!("/q/{}/sessions", "0".repeat(20));
    assert_problem(&client.post(&nowhere, &json!({"reason": "blocking"})).await, 404, "not_found", "forged");
    for (method, path) in [
        (Method::PUT, format!("/q/{code}")),
        (Method::POST, format!("/q/{code}")),
        (Method::GET, path.clone()),
        (Method::DELETE, "/sessions/x".to_owned()),
        (Method::GET, "/webhooks/plivo/voice".to_owned()),
    ] {
        let request = client.request(&method, &path).header(ACCEPT, json);
        let answer = client.send(request, "").await;
        assert_problem(&answer, 405, "method_not_allowed", &format!("{method} {path}"));
        assert!(!answer.header("allow").is_empty(), "405 says what is allowed: {method} {path}");
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.value("qnect_sessions_opened_total", &[("outcome", "opened")]), 1.0);
}

#[tokio::test]
async fn a_named_request_opens_one_session() {
    let folder = Folder::new();
    let codes = folder.import(&[owner("+919800000017"), owner("+919800000018")]);
    let server = Server::start(&folder);
    let client = &server.public;
    let paths: Vec<String> = codes.iter().map(|code| format!("/q/{code}/sessions")).collect();
    let body = json!({"reason": "blocking"});

    let first = named(client, &paths[0], "key 1", &body).await;
    let again = named(client, &paths[0], "key 1", &body).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json(), "the same answer");
    let in_body = client.post(&paths[0], &json!({"reason": "blocking", "idempotency_key": "key 1"})).await;
    assert_eq!(first.json(), in_body.json(), "the field is as good as the header");

    let other = named(client, &paths[0], "key 1", &json!({"reason": "damage"})).await;
    assert_problem(&other, 422, "idempotency_conflict", "another body");
    let other_key = named(client, &paths[0], "key 2", &body).await;
    assert_ne!(first.json()["session"], other_key.json()["session"]);
    let other_tag = named(client, &paths[1], "key 1", &body).await;
    assert_eq!(other_tag.status, 201, "a key is scoped to its tag");
    assert_ne!(first.json()["session"], other_tag.json()["session"]);
    assert_problem(&named(client, &paths[0], &"k".repeat(129), &body).await, 422, "invalid_request", "a long key");
    let twice = async |keys: [&[u8]; 2], body: &str| {
        let request = client.request(&Method::POST, &paths[0]).header(ACCEPT, "application/json");
        let request = request.header(CONTENT_TYPE, "application/json");
        let named = keys.iter().fold(request, |request, key| request.header("Idempotency-Key", *key));
        client.send(named, body.to_owned()).await
    };
    let (plain, with_key) = (r#"{"reason":"blocking"}"#, r#"{"reason":"blocking","idempotency_key":"key 1"}"#);
    assert_eq!(twice([b"key 1", b"key 1"], plain).await.json(), first.json(), "said twice");
    assert_eq!(twice([b"key 1", b"key 1"], with_key).await.json(), first.json(), "said three times");
    for (keys, body) in [([&b"key 1"[..], b"key 2"], plain), ([b"key 2", b"key 2"], with_key)] {
        let answer = twice(keys, body).await;
        assert_problem(&answer, 422, "invalid_request", "two keys");
        assert!(answer.body.contains("differ"), "{}", answer.body);
    }
    let answer = twice([b"k\xe9y", b"k\xe9y"], plain).await;
    assert_problem(&answer, 422, "invalid_request", "a key that is not ASCII");
    assert!(answer.body.contains("ASCII"), "{}", answer.body);
    assert_eq!(server.metrics().await.sum("qnect_sessions_open"), 3.0);
}

#[tokio::test]
async fn limits_say_when_to_come_back() {
    let folder = Folder::new()
        .edit("access_code_digits = 7", "access_code_digits = 6")
        .set("LIMITS__TAG_OPEN_SESSIONS_MAX", "4")
        .edit("[storage]", "trusted_proxies = [\"127.0.0.0/8\"]\n\n[storage]");
    let owners: Vec<Value> = (10..14).map(|n| owner(&format!("+9198000000{n}"))).collect();
    let paths: Vec<String> = folder.import(&owners).iter().map(|code| format!("/q/{code}/sessions")).collect();
    let server = Server::start(&folder);
    let body = json!({"reason": "other"});

    for path in &paths[..2] {
        // From as many addresses: one has no more than its share of a car's room.
        for n in 1..=4 {
            assert_eq!(post_from(&server.public, n, path).await.status, 201);
        }
        let limited = post_from(&server.public, 5, path).await;
        assert_problem(&limited, 429, "tag_limit", "a fifth session");
        assert_retry_after(&limited, 600);
    }
    // A number of 100,000 codes carries ten sessions.
    for n in 1..=2 {
        assert_eq!(post_from(&server.public, n, &paths[2]).await.status, 201);
    }
    let exhausted = server.public.post(&paths[2], &body).await;
    assert_problem(&exhausted, 503, "numbers_exhausted", "an eleventh session");
    assert_retry_after(&exhausted, 60);
    let page = server.public.submit(&paths[2], &[("reason", "other")]).await;
    assert_eq!(page.status, 503);
    assert_page(&page);
    assert_retry_after(&page, 60);
    let metrics = server.metrics().await;
    for (outcome, count) in [("opened", 10.0), ("limited", 2.0), ("exhausted", 2.0), ("refused", 0.0)] {
        let counted = metrics.value("qnect_sessions_opened_total", &[("outcome", outcome)]);
        assert_eq!(counted, count, "{outcome}");
    }
}

#[tokio::test]
async fn an_address_may_not_open_sessions_without_end() {
    let folder = Folder::new().set("LIMITS__ADDRESS_SESSIONS_PER_HOUR", "2");
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    for _ in 0..2 {
        server.open(&code, "other").await;
    }
    let limited = server.public.post(&format!("/q/{code}/sessions"), &json!({"reason": "other"})).await;
    assert_problem(&limited, 429, "address_limit", "a third session");
    assert_retry_after(&limited, 3_600);
}

/// Asks for a session from an address, each in a network of its own.
async fn post_from(client: &Client, n: u8, path: &str) -> Answer {
    let request = client.request(&Method::POST, path).header(ACCEPT, "application/json");
    let request = request.header(CONTENT_TYPE, "application/json").header("X-Forwarded-For", format!("203.0.{n}.113"));
    client.send(request, json!({"reason": "other"}).to_string()).await
}

async fn named(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    let request = client.request(&Method::POST, path).header(ACCEPT, "application/json");
    let request = request.header(CONTENT_TYPE, "application/json").header("Idempotency-Key", key);
    client.send(request, body.to_string()).await
}

/// RFC 9457: every member that we promise, and the status in both places.
pub(crate) fn assert_problem(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    assert_common(answer);
    let body = answer.json();
    assert_eq!((&body["status"], &body["code"]), (&json!(status), &json!(code)), "{what}");
    assert_eq!(body["type"], "about:blank", "{what}");
    for member in ["title", "detail"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{what}: {member} in {body}");
    }
}

fn assert_retry_after(answer: &Answer, seconds_max: u64) {
    let seconds: u64 = answer.header("retry-after").parse().unwrap_or_else(|_| panic!("no Retry-After: {answer:?}"));
    assert!((1..=seconds_max).contains(&seconds), "{seconds}");
    if answer.header("content-type").contains("json") {
        assert_eq!(answer.json()["retry_after_seconds"], seconds);
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before}")) + before.len();
    &text[start..start + text[start..].find(after).expect("an end")]
}
