//! Bodies that cannot be meant: each is answered with what to send instead, and nothing comes of it.

use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::folder::{Folder, owner};
use crate::raw;
use crate::scan::{assert_common, assert_page};
use crate::server::Server;
use crate::sessions::assert_problem;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const RIGHT: &str = r#"{"reason":"blocking"}"#;
const FIELDS: &str = "no other field";
const REASONS: &str = "reason is one of blocking";
const LANGUAGES: &str = "language is en or hi";
const KEY: &str = "1 to 128 bytes";
const CORRECT: &str = "correct it";
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Content type, body, status, the problem's code, a part of what it says to do.
type Row = (&'static str, Vec<u8>, u16, &'static str, &'static str);

fn rows() -> Vec<Row> {
    let unprocessable = |body: &[u8], says| (JSON, body.to_vec(), 422, "invalid_request", says);
    let malformed = |body: &[u8]| (JSON, body.to_vec(), 400, "malformed_body", CORRECT);
    let form = |body: &[u8], says| (FORM, body.to_vec(), 422, "invalid_request", says);
    let utf16: Vec<u8> = RIGHT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let nested = |open: &str, times: usize| format!("{{\"reason\":{}", open.repeat(times));
    vec![
        unprocessable(b"[]", FIELDS),
        unprocessable(br#"[{"reason":"blocking"}]"#, FIELDS),
        unprocessable(b"null", FIELDS),
        unprocessable(br#""blocking""#, FIELDS),
        unprocessable(b"7", FIELDS),
        unprocessable(br#"{"reason":null}"#, FIELDS),
        unprocessable(br#"{"reason":["blocking"]}"#, FIELDS),
        unprocessable(br#"{"reason":"blocking","reason":"damage"}"#, FIELDS),
        unprocessable(br#"{"reason":"blocking","Reason":"blocking"}"#, FIELDS),
        unprocessable(br#"{"reason":"blocking","":""}"#, FIELDS),
        unprocessable(br#"{"reason":"blocking","__proto__":{}}"#, FIELDS),
        unprocessable(nested("[", 60_000).as_bytes(), FIELDS),
        unprocessable(nested("{\"a\":", 10_000).as_bytes(), FIELDS),
        unprocessable("[".repeat(60_000).as_bytes(), FIELDS),
        unprocessable(br#"{"reason":""}"#, REASONS),
        unprocessable(br#"{"reason":"BLOCKING"}"#, REASONS),
        unprocessable(br#"{"reason":" blocking"}"#, REASONS),
        unprocessable(br#"{"reason":"blocking\u0000"}"#, REASONS),
        unprocessable("{\"reason\":\"bl\u{43e}cking\"}".as_bytes(), REASONS),
        unprocessable(format!("{{\"reason\":\"{}\"}}", "b".repeat(60_000)).as_bytes(), REASONS),
        unprocessable(br#"{"reason":"blocking","language":""}"#, LANGUAGES),
        unprocessable(br#"{"reason":"blocking","language":"english"}"#, LANGUAGES),
        unprocessable(br#"{"reason":"blocking","language":"en_IN"}"#, LANGUAGES),
        unprocessable(
            format!("{{\"reason\":\"blocking\",\"idempotency_key\":\"{}\"}}", "k".repeat(129)).as_bytes(),
            KEY,
        ),
        unprocessable(br#"{"reason":"blocking","idempotency_key":7}"#, FIELDS),
        unprocessable(b"{\"reason\":7e300}", FIELDS),
        malformed(b"{\"reason\":1e999}"),
        malformed(format!("{{\"reason\":{}}}", "9".repeat(60_000)).as_bytes()),
        malformed(b"\xef\xbb\xbf{\"reason\":\"blocking\"}"),
        malformed(&utf16),
        malformed(b"{\"reason\":\"blocking\"}\0"),
        malformed(b"{\"reason\":\"block\0ing\"}"),
        malformed(b"{\"reason\":\"blocking\"}{}"),
        malformed(b"{\"reason\":\"\xff\"}"),
        malformed(br#"{"reason":"\ud800"}"#),
        malformed(b"{'reason':'blocking'}"),
        malformed(b"{reason:\"blocking\"}"),
        malformed(br#"{"reason":"blocking",}"#),
        malformed(b"\0"),
        malformed(&[b' '; BODY_BYTES_MAX]),
        form(b"", FIELDS),
        form(b"&&==&", FIELDS),
        form(RIGHT.as_bytes(), FIELDS),
        form(b"Reason=blocking", FIELDS),
        form(b"reason[]=blocking", FIELDS),
        form(b"reason=", REASONS),
        form(b"reason", REASONS),
        form(b"reason=%FF", REASONS),
        form(b"reason=%00", REASONS),
        form(b"reason=blocking%00", REASONS),
        form(b"reason=blocking;language=en", REASONS),
        form(b"reason=blocking&language=fr", LANGUAGES),
        form(b"reason=blocking&idempotency_key=", KEY),
        form(b"reason=blocking&reason=towing", "each field once"),
        form(b"reason=blocking&%72eason=blocking", "each field once"),
        form("reason=blocking&".repeat(4_000).as_bytes(), "each field once"),
        ("application/vnd.api+json", RIGHT.into(), 415, "unsupported_body", "send application/json"),
        ("application/json, text/plain", RIGHT.into(), 415, "unsupported_body", "send application/json"),
        ("text/html", RIGHT.into(), 415, "unsupported_body", "send application/json"),
        ("application/xml", b"<reason>blocking</reason>".to_vec(), 415, "unsupported_body", "send application/json"),
        ("application/octet-stream", vec![0; 64], 415, "unsupported_body", "send application/json"),
        (";", RIGHT.into(), 415, "unsupported_body", "send application/json"),
    ]
}

#[tokio::test]
async fn a_body_that_cannot_be_meant_opens_nothing_and_says_what_to_send() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let path = format!("/q/{code}/sessions");
    let before = server.metrics().await;
    for (kind, body, status, problem, says) in rows() {
        let what = format!("{kind}: {}", String::from_utf8_lossy(&body[..body.len().min(60)]));
        let answer = server.public.post_as(&path, kind, body.clone()).await;
        assert_problem(&answer, status, problem, &what);
        assert!(answer.json()["detail"].as_str().is_some_and(|d| d.contains(says)), "{what}: {}", answer.body);

        let request =
            server.public.request(&Method::POST, &path).header(ACCEPT, "text/html").header(CONTENT_TYPE, kind);
        let page = server.public.send(request, body).await;
        assert_eq!(page.status, status, "{what}");
        // Who sends JSON is answered in JSON.
        if kind == JSON { assert_common(&page) } else { assert_page(&page) }
    }
    let after = server.metrics().await;
    for metric in ["qnect_sessions_opened_total", "qnect_sessions_open", "qnect_tag_actors", "qnect_store_reads_total"]
    {
        assert_eq!(after.sum(metric), before.sum(metric), "{metric}");
    }
    assert_eq!(server.public.post_as(&path, JSON, RIGHT).await.status, 201, "a right one is taken");
}

#[tokio::test]
async fn a_packed_body_is_not_unpacked() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let path = format!("/q/{code}/sessions");
    for coding in ["gzip", "deflate", "br", "zstd", "identity, gzip", "GZIP"] {
        for kind in [JSON, FORM] {
            let request = server.public.request(&Method::POST, &path).header(ACCEPT, JSON).header(CONTENT_TYPE, kind);
            let answer = server.public.send(request.header("Content-Encoding", coding), RIGHT).await;
            assert_problem(&answer, 415, "unsupported_body", coding);
            assert!(answer.body.contains("not compressed"), "{}", answer.body);
        }
    }
    let request = server.public.request(&Method::POST, &path).header(ACCEPT, JSON).header(CONTENT_TYPE, JSON);
    let plain = server.public.send(request.header("Content-Encoding", "identity"), RIGHT).await;
    assert_eq!(plain.status, 201);
    assert_eq!(server.metrics().await.sum("qnect_sessions_open"), 1.0);
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_however_it_is_announced() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let over = vec![b' '; BODY_BYTES_MAX + 1];
    let huge = "18446744073709551615";
    for line in [format!("POST /q/{code}/sessions"), "POST /webhooks/plivo/voice".to_owned()] {
        let fields = [("Content-Type", JSON), ("Accept", JSON)];
        let with = |name, value| [fields[0], fields[1], (name, value)];
        let chunked = raw::request(&line, &with("Transfer-Encoding", "chunked"), &raw::chunked(&over));
        let announced = raw::request(&line, &with("Content-Length", "65537"), &over);
        let absurd = raw::request(&line, &with("Content-Length", huge), b"{");
        for request in [chunked, announced] {
            let answer = raw::exchange(server.address, &request).await;
            assert_eq!(raw::status(&answer), 413, "{line}: {answer}");
            // A provider's program reads no advice.
            assert!(line.contains("webhooks") || answer.contains("send less"), "{answer}");
        }
        let answer = raw::exchange(server.address, &absurd).await;
        assert!([400, 413, 431].contains(&raw::status(&answer)), "{line}: {answer}");
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("qnect_sessions_open"), 0.0);
    assert_eq!(metrics.value("qnect_webhooks_total", &[("result", "accepted")]), 0.0);
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for_without_end() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let fields = [("Content-Type", JSON), ("Accept", JSON), ("Content-Length", "21")];
    let half = raw::request(&format!("POST /q/{code}/sessions"), &fields, b"{\"reason\":");
    let answer = raw::exchange(server.address, &half).await;
    assert_eq!(raw::status(&answer), 408, "{answer}");
    assert!(answer.contains("\"code\":\"body_too_slow\"") && answer.contains("send it again"), "{answer}");
    assert_eq!(server.metrics().await.sum("qnect_sessions_open"), 0.0);
}

#[tokio::test]
async fn a_body_whose_length_is_told_in_two_ways_is_no_request() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let line = format!("POST /q/{code}/sessions");
    let second = format!("{RIGHT}GET /q/{code} HTTP/1.1\r\nHost: x\r\n\r\n");
    let fields = |more: &[(&'static str, &'static str)]| [&[("Content-Type", JSON), ("Accept", JSON)], more].concat();
    for more in [
        &[("Content-Length", "21"), ("Content-Length", "22")][..],
        &[("Content-Length", "21, 22")],
        &[("Content-Length", "-1")],
        &[("Content-Length", "+21")],
        &[("Content-Length", "0x15")],
        &[("Content-Length", "")],
        &[("Content-Length", "21"), ("Transfer-Encoding", "chunked")],
        &[("Transfer-Encoding", "chunked"), ("Content-Length", "21")],
        &[("Transfer-Encoding", "gzip, chunked")],
        &[("Transfer-Encoding", "chunked, identity")],
    ] {
        let answer = raw::exchange(server.address, &raw::request(&line, &fields(more), second.as_bytes())).await;
        assert_eq!(raw::status(&answer), 400, "{more:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{more:?}: nothing is read out of a body: {answer}");
    }
    let metrics = server.metrics().await;
    assert_eq!((metrics.sum("qnect_sessions_open"), metrics.sum("qnect_scans_total")), (0.0, 0.0));
}
