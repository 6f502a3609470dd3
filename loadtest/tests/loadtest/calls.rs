//! Whole calls, and every way in which one fails.

use std::collections::HashSet;
use std::process::Output;

use serde_json::Value;

use crate::door::{self, Answer, Asked, Door};
use crate::{code, codes, file, path, run};

type Scripted = fn() -> Answer;

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "{output:?}");
    serde_json::from_str(&text).expect("json")
}

/// Four calls at a door that answers so; returns the exit code and the report.
async fn four(script: impl Fn(&str, &Asked) -> Answer + Send + Sync + 'static) -> (Option<i32>, Value, Door) {
    let door = Door::open(script).await;
    let codes = codes(4);
    let output =
        run(&["--target", &door.address, "--codes", path(&codes), "--calls", "4", "--concurrency", "2", "--json"])
            .await;
    (output.status.code(), report(&output), door)
}

#[tokio::test]
async fn calls_that_are_bridged_and_masked_are_counted_so() {
    let (exit, report, door) = four(door::right).await;
    assert_eq!(exit, Some(0), "{report}");
    for figure in ["calls", "ended", "bridged", "masked"] {
        assert_eq!(report[figure], 4, "{figure}");
    }
    assert_eq!(report["failed"], 0);
    assert_eq!(report["webhooks_not_2xx"], 0);
    assert_eq!(report["requests"], door.asked().len());
    assert_eq!(report["scan_us"]["answers"], 4);
    assert_eq!(report["session_us"]["answers"], 4);
    assert!(report["note"].as_str().expect("text").starts_with("closed loop"));
    let causes = report["failed_by_cause"].as_object().expect("an object");
    assert!(causes.values().all(|calls| calls == 0), "{causes:?}");
}

#[tokio::test]
async fn a_stranger_asks_for_json_and_a_session_of_a_reason() {
    let (_, _, door) = four(door::right).await;
    let asked = door.asked();
    let browser: Vec<&Asked> = asked.iter().filter(|asked| asked.path.starts_with("/q/")).collect();
    assert_eq!(browser.len(), 8);
    assert!(browser.iter().all(|asked| asked.accept == "application/json"));
    let opened = browser.iter().filter(|asked| asked.method == "POST");
    assert!(opened.clone().all(|asked| asked.body == r#"{"reason":"blocking","language":"en"}"#));
    assert_eq!(opened.count(), 4);
}

#[tokio::test]
async fn every_call_has_a_number_of_its_own() {
    let (_, _, door) = four(door::right).await;
    let asked = door.asked();
    let callers: HashSet<&str> =
        asked.iter().filter(|asked| asked.path == "/digits").map(|asked| asked.param("From")).collect();
    assert_eq!(callers, HashSet::from(["919700000000", "919700000001", "919700000002", "919700000003"]));
}

#[tokio::test]
async fn the_seed_is_the_order_and_every_tag_has_its_turn() {
    let codes = codes(8);
    let mut orders = Vec::new();
    for seed in ["1", "1", "2"] {
        let door = Door::open(door::right).await;
        let output = run(&[
            &["--target", &door.address, "--codes", path(&codes), "--seed", seed][..],
            &["--calls", "16", "--concurrency", "1"],
        ]
        .concat())
        .await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("8 tags, seed {seed}\n")), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("8 tags for 16 calls"), "{output:?}");
        orders.push(door.scanned());
    }
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
    let (first, second) = orders[0].split_at(8);
    assert_eq!(first, second, "two calls to one tag are as far apart as can be");
    assert_eq!(first.iter().cloned().collect::<HashSet<_>>(), (0..8).map(code).collect());
}

#[tokio::test]
async fn what_an_import_prints_is_read() {
    let door = Door::open(door::right).await;
    let line =
        serde_json::json!({"line": 1, "owner_id": "O", "tag_code": code(7), "scan_url": "https://qnect.example"});
    let imported = file(&format!("{line}\n"));
    let output = run(&["--target", &door.address, "--codes", path(&imported), "--calls", "1"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(door.scanned(), [code(7)]);
}

#[tokio::test]
async fn a_session_that_is_refused_is_a_cause_of_its_own() {
    for (status, name, cause) in [
        (429, "tag_limit", "session_limited"),
        (403, "score", "session_refused"),
        (503, "numbers_exhausted", "session_numbers_exhausted"),
        (503, "overloaded", "session_overloaded"),
        (404, "not_found", "unknown_tag"),
        (500, "", "session_unexpected"),
    ] {
        let (exit, report, door) = four(move |address, asked| match asked.method.as_str() {
            "POST" => door::problem(status, name),
            _ => door::right(address, asked),
        })
        .await;
        assert_eq!(exit, Some(1), "{status} {name}");
        assert_eq!(report["failed_by_cause"][cause], 4, "{status} {name}: {report}");
        assert_eq!(report["failed"], 4);
        assert_eq!(report["session_us"]["answers"], 4, "a refusal is an answer");
        assert_eq!(door.asked().len(), 8, "nobody dials without a session");
    }
}

#[tokio::test]
async fn a_scan_that_is_not_allowed_goes_no_further() {
    let table: [(Scripted, &str); 8] = [
        (|| door::decision("limited", Some("tag_limit")), "scan_limited"),
        (|| door::decision("refused", Some("owner_unavailable")), "scan_refused"),
        (|| door::decision("challenge", None), "challenged"),
        (|| door::decision("perhaps", None), "scan_unexpected"),
        (|| (200, "text/html", "<p>a page</p>".to_owned()), "scan_unexpected"),
        (|| door::problem(404, "not_found"), "unknown_tag"),
        (|| door::problem(503, "overloaded"), "scan_overloaded"),
        (|| (200, "application/json", " ".repeat(65 * 1024)), "scan_no_answer"),
    ];
    for (scan, cause) in table {
        let (exit, report, door) = four(move |_, _| scan()).await;
        assert_eq!(exit, Some(1), "{cause}");
        assert_eq!(report["failed_by_cause"][cause], 4, "{cause}: {report}");
        assert_eq!(door.asked().len(), 4, "{cause}");
    }
}

#[tokio::test]
async fn a_leak_is_told_before_everything() {
    // Without a caller id the provider shows the scanner's number.
    let (exit, report, _) = four(|address, asked| door::dialling(address, asked, "")).await;
    assert_eq!(exit, Some(1));
    assert_eq!(report["bridged"], 4);
    assert_eq!(report["masked"], 0);
    assert_eq!(report["failed_by_cause"]["not_masked"], 4, "{report}");
}

#[tokio::test]
async fn a_bridge_that_nobody_agreed_to_is_no_success() {
    // A question that cannot be played is not asked: the provider connects the two at once.
    let (exit, report, _) = four(|address, asked| match asked.path.as_str() {
        "/whisper" => (200, "application/xml", "<Response><Hangup/></Response>".to_owned()),
        _ => door::right(address, asked),
    })
    .await;
    assert_eq!(exit, Some(1));
    assert_eq!(report["bridged"], 4);
    assert_eq!(report["failed_by_cause"]["bridged_without_key"], 4, "{report}");
}

#[tokio::test]
async fn a_call_that_comes_to_nothing_says_where_it_ended() {
    let table: [(&str, Scripted, &str); 3] = [
        ("/digits", || (200, "application/xml", "<Response><Speak>No</Speak></Response>".to_owned()), "not_dialled"),
        ("/digits", || (500, "text/plain", String::new()), "webhook_failed"),
        ("/digits", || (200, "application/xml", "<Response><Record/></Response>".to_owned()), "protocol_error"),
    ];
    for (path, document, cause) in table {
        let (exit, report, _) = four(move |address, asked| match asked.path == path {
            true => document(),
            false => door::right(address, asked),
        })
        .await;
        assert_eq!(exit, Some(1), "{cause}");
        assert_eq!(report["failed_by_cause"][cause], 4, "{cause}: {report}");
        assert_eq!(report["bridged"], 0, "{cause}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_seen_at_the_first_webhook() {
    let door = Door::open(door::right).await;
    let codes = codes(2);
    let output =
        run(&["--target", &door.address, "--codes", path(&codes), "--calls", "2", "--auth-token", "another"]).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("2        webhook_failed: ") && text.contains("(the first: 401)"), "{text}");
}

#[tokio::test]
async fn nobody_at_home_is_a_failure_and_no_crash() {
    let codes = codes(2);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let output = run(&["--target", &address, "--codes", path(&codes), "--calls", "2", "--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(report(&output)["failed_by_cause"]["scan_no_answer"], 2);
}
