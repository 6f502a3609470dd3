//! Request heads: methods that nobody offers, oddities in `Accept`, floods of fields, and what is no HTTP at all.

use http::Method;
use http::header::ACCEPT;

use crate::folder::{Folder, owner};
use crate::raw;
use crate::scan::{assert_common, assert_page};
use crate::server::Server;
use crate::sessions::assert_problem;

/// Fields and bytes of a head that the server takes at most.
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1024;

#[tokio::test]
async fn a_method_that_nobody_offers_does_nothing() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let opened = server.open(&code, "blocking").await;
    let resources = [
        (format!("/q/{code}"), "GET,HEAD"),
        (format!("/Q/{code}"), "GET,HEAD"),
        (format!("/q/{code}/sessions"), "POST"),
        (opened.path(), "GET,HEAD"),
        ("/webhooks/plivo/voice".to_owned(), "POST"),
    ];
    let before = server.metrics().await;
    for (path, allowed) in &resources {
        let words = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "BREW"];
        for word in words.into_iter().filter(|word| !allowed.split(',').any(|a| a == *word)) {
            let method = Method::from_bytes(word.as_bytes()).expect("a token");
            let request = server.public.request(&method, path).header(ACCEPT, "application/json");
            let answer = server.public.send(request.header("X-Echo", "echo-me"), "").await;
            let what = format!("{word} {path}");
            assert_eq!(answer.status, 405, "{what}: {answer:?}");
            assert_eq!(answer.header("allow"), *allowed, "{what}");
            assert_common(&answer);
            if word != "HEAD" {
                assert_problem(&answer, 405, "method_not_allowed", &what);
                assert!(answer.body.contains("the Allow header names"), "{what}: {}", answer.body);
            }
            assert!(!answer.body.contains("echo-me"), "nothing of a request is repeated: {what}");
        }
        // A browser elsewhere is not invited to ask here.
        let request = server.public.request(&Method::OPTIONS, path).header("Origin", "https://evil.example");
        let answer = server.public.send(request.header("Access-Control-Request-Method", "POST"), "").await;
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}: {answer:?}");
    }
    let after = server.metrics().await;
    for metric in ["qnect_scans_total", "qnect_sessions_opened_total", "qnect_webhooks_total"] {
        assert_eq!(after.sum(metric), before.sum(metric), "{metric}");
    }
    assert_eq!(server.status(&opened.session).await.0, "waiting");
}

#[tokio::test]
async fn an_odd_accept_gets_a_page_or_json_and_nothing_else() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let many = "application/xml;q=0.1,".repeat(500);
    for (accept, json) in [
        (&b"application/json"[..], true),
        (b"APPLICATION/JSON;Q=1.0", true),
        (b"application/json;charset=utf-16", true),
        (b"application/json \t;\t q=0.001", true),
        (b",,, application/json ,,,", true),
        (b"application/json;q=0.000", false),
        (b"application/json;q=-1", false),
        (b"application/json;q=NaN", false),
        (b"application/json;q=inf", false),
        (b"application/json;q=1e9", false),
        (b"application/json;q=", false),
        (b"application/jsonp", false),
        (b"*/json", false),
        (b"*", false),
        (b";", false),
        (b"\"application/json\"", false),
        (b"application/json\xff", false),
        (b"../../etc/passwd", false),
        (b"<script>alert(1)</script>", false),
        (many.as_bytes(), false),
    ] {
        let what = String::from_utf8_lossy(&accept[..accept.len().min(60)]).into_owned();
        for path in [format!("/q/{code}"), "/nothing".to_owned()] {
            let request = server.public.request(&Method::GET, &path).header(ACCEPT, accept);
            let answer = server.public.send(request, "").await;
            assert_eq!(answer.status, if path == "/nothing" { 404 } else { 200 }, "{what}");
            if json {
                assert!(answer.header("content-type").ends_with("json"), "{what}: {answer:?}");
                assert_common(&answer);
            } else {
                assert_page(&answer);
            }
        }
    }
}

#[tokio::test]
async fn a_head_without_end_is_cut_and_others_are_served() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let line = format!("GET /q/{code}");
    // Host and Connection are two of them.
    let many = |count: usize| -> Vec<(String, String)> {
        (2..count).map(|n| (format!("X-Field-{n}"), "1".to_owned())).collect()
    };
    let borrowed = |fields: &[(String, String)]| -> Vec<u8> {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        raw::request(&line, &fields, b"")
    };
    let at_the_bound = raw::exchange(server.address, &borrowed(&many(HEADERS_MAX))).await;
    assert_eq!(raw::status(&at_the_bound), 200, "{at_the_bound}");
    let scans = server.metrics().await.sum("qnect_scans_total");

    let long = "a".repeat(HEAD_BYTES_MAX);
    let floods = [
        borrowed(&many(HEADERS_MAX + 1)),
        borrowed(&many(10_000)),
        raw::request(&line, &[("X-Long", &long)], b""),
        raw::request(&line, &[(&long, "1")], b""),
        raw::request(&format!("GET /q/{long}"), &[], b""),
        raw::request(&format!("GET /q/{code}?{long}"), &[], b""),
        raw::request(&line, &[("Cookie", &long)], b""),
    ];
    for flood in &floods {
        let answer = raw::exchange(server.address, flood).await;
        assert_eq!(raw::status(&answer), 431, "{}: {answer}", String::from_utf8_lossy(&flood[..60]));
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("qnect_scans_total"), scans, "none of them was a scan");
    assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 200, "others are served");
}

#[tokio::test]
async fn what_is_no_request_is_told_so_or_hung_up_on() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    let good = format!("GET /q/{code} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (what, bytes) in [
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("almost HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX".to_vec()),
        ("HTTP/0.9", b"GET /\r\n\r\n".to_vec()),
        ("HTTP/3.0", format!("GET /q/{code} HTTP/3.0\r\nHost: x\r\n\r\n").into()),
        ("nothing", b"\r\n\r\n\r\n\r\nX\r\n\r\n".to_vec()),
        ("NULs", vec![0; 1_000]),
        ("a field without a colon", format!("{good}nonsense\r\n\r\n").into()),
        ("a NUL in a name", format!("{good}A\0: b\r\n\r\n").into()),
        ("a NUL in a value", format!("{good}A: \0\r\n\r\n").into()),
        ("a space before the colon", format!("{good}A : b\r\n\r\n").into()),
        ("a folded field", format!("{good}A: b\r\n c\r\n\r\n").into()),
        ("a space in the target", format!("GET /q/{code} x HTTP/1.1\r\nHost: x\r\n\r\n").into()),
        ("a bare CR", format!("{good}A: b\rC: d\r\n\r\n").into()),
    ] {
        let answer = raw::exchange(server.address, &bytes).await;
        assert!(answer.is_empty() || (400..=505).contains(&raw::status(&answer)), "{what}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what}: {answer}");
    }
    for target in ["*", "qnect.example:443", "http://evil.example/nothing", "//evil.example/q/x", "/q/../metrics"] {
        let answer = raw::exchange(server.address, &raw::request(&format!("OPTIONS {target}"), &[], b"")).await;
        assert_eq!(raw::status(&answer), 404, "{target}: {answer}");
        assert!(!answer.contains("evil"), "{target}: {answer}");
    }
    assert_eq!(server.metrics().await.sum("qnect_scans_total"), 0.0);
    assert_eq!(server.public.get(&format!("/q/{code}")).await.status, 200, "others are served");
}

#[tokio::test]
async fn a_host_that_a_client_made_up_stands_in_no_answer() {
    let folder = Folder::new();
    let code = folder.import(&[owner("+919800000017")]).remove(0);
    let server = Server::start(&folder);
    for fields in [
        &[("Host", "evil.example")][..],
        &[("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http")],
        &[("Forwarded", "host=evil.example;proto=http")],
        &[("X-Original-URL", "/metrics"), ("X-Rewrite-URL", "/metrics")],
        &[("X-HTTP-Method-Override", "DELETE"), ("Origin", "https://evil.example")],
    ] {
        let mut request = server.public.request(&Method::GET, &format!("/q/{code}"));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let page = server.public.send(request, "").await;
        assert_eq!(page.status, 200, "{fields:?}");
        assert_page(&page);
        assert!(!format!("{page:?}").contains("evil"), "{fields:?}");
    }
}
