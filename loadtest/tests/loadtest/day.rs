//! A crowd of people and abusers at a door that is scripted, and codes that nobody printed.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::door::{self, Answer, Asked, Door};
use crate::{TOKEN, codes, output, path};

/// Two hours in less than a second: nothing at a scripted door depends on time, so that it does not matter who is late.
const RATE: &str = "10000";

/// Two hours of forty honest people and their two abusers of each kind or less.
async fn two_hours(script: impl Fn(&str, &Asked) -> Answer + Send + Sync + 'static) -> (Option<i32>, Value, Door) {
    let (door, codes) = (Door::open(script).await, codes(20));
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-loadtest"));
    command.args(["shared-address", "--target", &door.address, "--codes", path(&codes), "--honest", "40"]);
    command.args(["--rate", RATE, "--json"]).env("PLIVO_AUTH_ID", "MAEXAMPLE").env("PLIVO_AUTH_TOKEN", TOKEN);
    let output = output(command).await;
    (output.status.code(), report(&output), door)
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {output:?}"))
}

/// An engine that lets everybody on.
fn open(address: &str, asked: &Asked) -> Answer {
    let reasons = ["blocking", "lights_on", "window_open", "damage", "other", "towing", "child_or_pet", "emergency"];
    let reasons: Vec<Value> = reasons.iter().map(|id| json!({"id": id, "label": id})).collect();
    match asked.method.as_str() {
        "GET" if asked.path.starts_with("/q/TAG") => {
            let body = json!({"decision": "allow", "reason": null, "retry_after_seconds": 0, "reasons": reasons});
            (200, "application/json", body.to_string())
        }
        "GET" => door::problem(404, "not_found"),
        _ => door::right(address, asked),
    }
}

fn kind<'a>(report: &'a Value, kind: &str) -> &'a Value {
    let kinds = report["kinds"].as_array().expect("rows");
    kinds.iter().find(|row| row["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {report}"))
}

/// Of all honest kinds together.
fn honest(report: &Value, what: &str) -> u64 {
    let kinds = report["kinds"].as_array().expect("rows");
    kinds.iter().filter_map(|row| row["honest"][what].as_u64()).sum()
}

#[tokio::test]
async fn an_engine_that_lets_everybody_on_stops_nobody() {
    let (_, report, door) = two_hours(open).await;
    let people = honest(&report, "reached") + honest(&report, "left");
    // One flooder, and the urgent caller at its tag.
    assert_eq!(people, 41, "{report}");
    assert_eq!(report["honest_refused"], 0.0);
    assert_eq!(report["honest_success"], 100.0);
    for (kind_of, stopped) in
        [("harvester_slow", 0.0), ("prankster", 0.0), ("flooder_60", 0.0), ("enumerator", 100.0), ("guesser", 100.0)]
    {
        assert_eq!(kind(&report, kind_of)["attack"]["stopped_percent"], stopped, "{kind_of}: {report}");
    }
    assert!(kind(&report, "harasser")["rang"].as_u64().expect("a number") > 30, "{report}");
    assert!(kind(&report, "urgent_in_flood")["tap_to_ring_ms"]["median"].as_u64() > Some(1_000), "{report}");
    let guessed =
        door.asked().into_iter().filter(|asked| asked.path == "/digits" && asked.param("Digits") != "4829137");
    assert!(guessed.count() >= 30, "codes are guessed");
}

#[tokio::test]
async fn an_engine_that_refuses_everybody_stops_everybody() {
    let (exit, report, _) = two_hours(|_, asked| match asked.method.as_str() {
        "POST" => door::problem(403, "score"),
        _ => door::decision("refused", Some("score")),
    })
    .await;
    assert_eq!(exit, Some(1), "nobody honest succeeds");
    assert_eq!((&report["honest_refused"], &report["honest_success"]), (&json!(100.0), &json!(0.0)), "{report}");
    assert_eq!(report["attackers_stopped"], 100.0, "{report}");
    let by: u64 = ["honest", "prefetcher", "urgent_in_flood"]
        .iter()
        .filter_map(|name| kind(&report, name)["honest"]["turned_away_by"]["score"].as_u64())
        .sum();
    assert_eq!(by, honest(&report, "turned_away"), "{report}");
}

#[tokio::test]
async fn an_owner_who_takes_no_calls_refuses_nobody() {
    let (_, report, _) = two_hours(|_, _| door::decision("refused", Some("owner_unavailable"))).await;
    assert_eq!((honest(&report, "owner_away"), honest(&report, "turned_away")), (41, 0), "{report}");
}

/// So many forged codes at a door that answers each look at its metrics so.
async fn forged(status: u16, metrics: impl Fn(u64) -> String + Send + Sync + 'static) -> (Option<i32>, Value) {
    let looks = AtomicU64::new(0);
    let door = Door::open(move |_, asked| match asked.path.as_str() {
        "/metrics" => (200, "text/plain", metrics(looks.fetch_add(1, Ordering::Relaxed))),
        _ => door::problem(status, "not_found"),
    })
    .await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-loadtest"));
    command.args(["forged", "--target", &door.address, "--ops", &door.address, "--requests", "300", "--json"]);
    command.args(["--connections", "4"]);
    let output = output(command).await;
    let codes: std::collections::HashSet<String> = door.scanned().into_iter().collect();
    assert!(
        codes.len() == 330 && codes.iter().all(|code| code.len() == 20),
        "every code is another, the first 30 warm up"
    );
    (output.status.code(), report(&output))
}

#[tokio::test]
async fn forged_codes_may_reach_nothing() {
    let still = |_| "qnect_store_reads_total 7\nqnect_other 1\n".to_owned();
    let (exit, report) = forged(404, still).await;
    assert_eq!((exit, &report["not_found"], &report["store_reads"]), (Some(0), &json!(300), &json!(0.0)), "{report}");
    let (exit, report) = forged(404, |look| format!("qnect_store_reads_total {look}\n")).await;
    assert_eq!((exit, &report["store_reads"]), (Some(1), &json!(1.0)), "{report}");
    let (exit, report) = forged(200, still).await;
    assert_eq!((exit, &report["wrong"]), (Some(1), &json!(300)), "{report}");
}
