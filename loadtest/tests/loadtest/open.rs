//! Open loops at a door that is scripted: what they ask, what they count, how they end.

use std::collections::HashSet;
use std::process::{Command, Output};

use serde_json::Value;

use crate::door::{self, Answer, Asked, Door};
use crate::{TOKEN, codes, output, path};

pub(crate) async fn play(scenario: &str, door: &Door, more: &[&str]) -> Output {
    let codes = codes(20);
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-loadtest"));
    command.args([scenario, "--target", &door.address, "--codes", path(&codes)]);
    if !more.contains(&"--seconds") {
        command.args(["--seconds", "1"]);
    }
    command.args(more).env("PLIVO_AUTH_ID", "MAEXAMPLE").env("PLIVO_AUTH_TOKEN", TOKEN);
    output(command).await
}

/// A run with its report. A machine that is busy makes it invalid, so that its exit code is not looked at.
pub(crate) async fn report(scenario: &str, door: &Door, more: &[&str]) -> Value {
    let output = play(scenario, door, &[&["--json"], more].concat()).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {output:?}"));
    let is_good = report["valid"] == true && report["thresholds"][0]["kept"] == true;
    assert_eq!((output.status.code() == Some(0), report["good"] == true), (is_good, is_good), "{report}");
    report
}

/// An engine whose sessions can be cancelled.
fn right(address: &str, asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/sessions/S/cancel" if asked.method == "POST" => (200, "application/json", "{}".to_owned()),
        _ => door::right(address, asked),
    }
}

pub(crate) fn visits(report: &Value) -> u64 {
    report["visits"].as_u64().expect("a number")
}

#[tokio::test]
async fn visitors_scan_from_many_addresses_and_every_one_is_counted() {
    let door = Door::open(right).await;
    let report = report("scan", &door, &["--rate", "100", "--sources", "1000"]).await;
    let asked = door.asked();
    assert_eq!(visits(&report), asked.len() as u64);
    assert!((60..140).contains(&asked.len()), "{}", asked.len());
    assert_eq!(report["latency_us"]["scan"]["answers"], report["visits"]);
    assert!(asked.iter().all(|asked| asked.accept == "application/json" && asked.path.starts_with("/q/TAG")));
    let sources: HashSet<&str> = asked.iter().map(|asked| asked.forwarded_for.as_str()).collect();
    assert!(sources.len() > asked.len() * 4 / 5, "{sources:?}");
}

#[tokio::test]
async fn a_page_is_asked_for_as_a_browser_does() {
    let door = Door::open(|_, _| (200, "text/html", "<p>page</p>".to_owned())).await;
    let report = report("scan", &door, &["--rate", "20", "--format", "html"]).await;
    assert!(door.asked().iter().all(|asked| asked.accept == "text/html"));
    assert_eq!(report["good_visits"], report["visits"]);
}

#[tokio::test]
async fn the_seed_is_who_comes_to_which_tag_and_some_come_more_often() {
    let mut runs = Vec::new();
    for seed in ["1", "1", "2"] {
        let door = Door::open(right).await;
        report("scan", &door, &["--rate", "100", "--zipf", "2", "--seed", seed]).await;
        // Requests that are under way together may arrive in any order.
        let mut seen: Vec<_> = door.asked().into_iter().map(|asked| (asked.path, asked.forwarded_for)).collect();
        seen.sort();
        runs.push(seen);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let most = runs[0].iter().filter(|(path, _)| runs[0].iter().filter(|(other, _)| other == path).count() > 30);
    assert!(most.count() > 30, "{:?}", runs[0]);
}

#[tokio::test]
async fn a_session_is_given_back() {
    let door = Door::open(right).await;
    let report = report("session", &door, &["--rate", "50"]).await;
    let asked = door.asked();
    let cancelled = asked.iter().filter(|asked| asked.path == "/sessions/S/cancel").count() as u64;
    assert!(cancelled > 0 && cancelled == visits(&report) && asked.len() as u64 == 2 * cancelled, "{report}");
    assert_eq!(report["latency_us"]["cancel"]["answers"], cancelled);
}

#[tokio::test]
async fn a_refusal_is_no_error_and_an_error_breaks_the_threshold() {
    for (status, name, refused) in [(503, "overloaded", true), (429, "tag_limit", true), (500, "", false)] {
        let door = Door::open(move |_, _| door::problem(status, name)).await;
        let report = report("session", &door, &["--rate", "20"]).await;
        let (of, other) = if refused { ("refused", "wrong") } else { ("wrong", "refused") };
        assert_eq!((&report[of], &report[other]), (&report["visits"], &Value::from(0)), "{report}");
        assert_eq!(report["thresholds"][0]["kept"], refused, "{report}");
        assert_eq!(report[format!("{of}_by_reason")].as_object().expect("reasons").len(), 1, "{report}");
        assert_eq!(
            report["latency_us"]["session"]["answers"],
            if refused { Value::from(0) } else { report["visits"].clone() }
        );
    }
}

#[tokio::test]
async fn calls_come_when_they_are_due_and_are_masked() {
    let door = Door::open(right).await;
    let report = report("call", &door, &["--rate", "10"]).await;
    assert!(visits(&report) > 0 && report["good_visits"] == report["visits"], "{report}");
    for step in ["call", "scan", "session", "ring", "talk"] {
        assert_eq!(report["latency_us"][step]["answers"], report["visits"], "{step}");
    }
    // Telephones' time: it takes seconds before a telephone rings.
    let p50 = |step: &str| report["latency_us"][step]["p50"].as_u64();
    assert!(p50("ring") > Some(1_000_000) && p50("talk") > p50("ring"), "{report}");
    let callers: HashSet<String> = door
        .asked()
        .iter()
        .filter(|asked| asked.path == "/digits")
        .map(|asked| asked.param("From").to_owned())
        .collect();
    assert_eq!(callers.len() as u64, visits(&report));
}

#[tokio::test]
async fn a_storm_tells_what_was_not_told_signed_and_more_than_once() {
    let door = Door::open(right).await;
    let report = report("webhook-storm", &door, &["--calls", "3", "--rate", "100"]).await;
    let asked = door.asked();
    let (_, storm) = asked.split_at(asked.len() - usize::try_from(visits(&report)).expect("few"));
    assert!(storm.len() > 50 && storm.iter().all(|asked| asked.signed && asked.method == "POST"), "{report}");
    // This door asks for no other news than that a call is over.
    let events: HashSet<_> = storm.iter().map(|asked| (asked.param("CallUUID"), asked.param("Event"))).collect();
    assert!(events.len() == 3 && events.iter().all(|(_, event)| *event != "StartApp"), "{events:?}");
}

#[tokio::test]
async fn a_day_has_people_of_every_kind() {
    let door = Door::open(|address, asked| match asked.path.strip_prefix("/q/") {
        Some(code) if !code.starts_with("TAG") => door::problem(404, "not_found"),
        _ => right(address, asked),
    })
    .await;
    let report = report("peak-hour", &door, &["--rate", "1000", "--lines", "0"]).await;
    assert_eq!(report["good_visits"], report["visits"], "{report}");
    for step in ["scan", "session", "cancel", "ring", "talk", "guess"] {
        assert!(report["latency_us"][step]["answers"].as_u64() > Some(0), "{step}: {report}");
    }
}

#[tokio::test]
async fn a_page_is_written_and_shows_the_engines_own_figures() {
    let metrics = "qnect_commit_queue_records 3\nqnect_sessions_open 2\n";
    let operations = Door::open(move |_, _| (200, "text/plain", metrics.to_owned())).await;
    let (door, folder) = (Door::open(right).await, tempfile::tempdir().expect("a temporary folder"));
    let file = folder.path().join("report.html");
    let file = file.to_str().expect("a path in UTF-8");
    play("scan", &door, &["--rate", "20", "--html", file, "--ops", &operations.address]).await;
    let page = std::fs::read_to_string(file).expect("a page");
    assert!(operations.asked().iter().all(|asked| asked.path == "/metrics"));
    for said in ["<!doctype html>", "Percentiles", "Commit queue", "Open sessions", "</html>"] {
        assert!(page.contains(said), "{said} in {page}");
    }
}

#[tokio::test]
async fn what_makes_no_run_is_refused_before_the_first_request() {
    let door = Door::open(right).await;
    for (scenario, more, why) in [
        ("scan", &["--threshold", "p99<20"][..], "a time needs its unit"),
        ("scan", &["--threshold", "session:p99<20ms"], "has the steps scan"),
        ("scan", &["--rate", "0"], "--rate"),
        ("scan", &["--zipf", "5"], "between 0 and 4"),
        ("scan", &["--html", "/nowhere/report.html"], "/nowhere/report.html: "),
        ("scan", &["--ops", "http://192.0.2.1:1"], "--i-own-this-host"),
        ("scan", &["--pid", "4294967295"], "process 4294967295"),
        ("call", &["--threshold", "p99<20ms"], "say --rate"),
    ] {
        let output = play(scenario, &door, more).await;
        assert_eq!(output.status.code(), Some(2), "{more:?}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{more:?}: {said}");
    }
    assert!(door.asked().is_empty());
}
