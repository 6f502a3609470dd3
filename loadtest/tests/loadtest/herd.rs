//! A herd at a door that is away for a while, and may forget.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::door::{self, Answer, Door};
use crate::open::{play, visits};

/// How long the engine has no time after it was struck.
const AWAY: Duration = Duration::from_millis(700);

/// A run at an engine that is struck after ten seconds, and then knows the sessions that it `keeps`. It gives them numbers.
async fn run(strike: &str, keeps: fn(u64) -> bool) -> (Option<i32>, Value, u64) {
    run_with(strike, keeps, &[]).await
}

/// The same with more options. Who calls is hung up on.
async fn run_with(strike: &str, keeps: fn(u64) -> bool, options: &[&str]) -> (Option<i32>, Value, u64) {
    let room = TempDir::new().expect("a temporary folder");
    let struck = room.path().join("struck");
    let strike = strike.replace("STRUCK", struck.to_str().expect("a path in UTF-8"));
    let (given, began) = (AtomicU64::new(0), Instant::now());
    let door = Door::open(move |address, asked| {
        let since = std::fs::metadata(&struck).and_then(|file| file.modified()).ok();
        let is_away = since.and_then(|at| at.elapsed().ok()).is_some_and(|elapsed| elapsed < AWAY);
        match asked.path.strip_prefix("/sessions/") {
            None if asked.path.starts_with("/webhooks/") => {
                (200, "application/xml", "<Response><Hangup/></Response>".to_owned())
            }
            _ if is_away => door::problem(503, "overloaded"),
            Some(nth) if nth.parse().is_ok_and(keeps) => (200, "application/json", "{}".to_owned()),
            Some(_) => door::problem(404, "not_found"),
            None if asked.method == "POST" => named(&given),
            None => door::right(address, asked),
        }
    })
    .await;
    let more = ["--strike", &strike, "--strike-at", "10", "--back-within", "1", "--seconds", "16", "--rate", "100"];
    // A machine that is busy is not as before for its own reasons, which is none of this test's.
    let output = play(
        "restart-herd",
        &door,
        &[&more[..], &["--back-to", "10000", "--stolen-max", "100", "--json"], options].concat(),
    )
    .await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {output:?}"));
    assert!(began.elapsed() >= Duration::from_secs(15), "{report}");
    let posted = door.asked().iter().filter(|asked| asked.path.ends_with("/sessions")).count() as u64;
    (output.status.code(), report, posted)
}

/// A session with a name of its own.
fn named(given: &AtomicU64) -> Answer {
    let (status, kind, body) = door::session();
    let mut session: Value = serde_json::from_str(&body).expect("a session");
    session["session"] = given.fetch_add(1, Ordering::Relaxed).to_string().into();
    (status, kind, session.to_string())
}

#[tokio::test]
async fn who_finds_no_time_comes_again_until_all_are_served() {
    let (code, report, posted) = run("touch STRUCK", |_| true).await;
    let recovery = &report["recovery"];
    assert_eq!(report["good_visits"], report["visits"], "{report}");
    assert!((1_300..1_900).contains(&visits(&report)), "{report}");
    assert!(recovery["came_again"].as_u64() > Some(35) && recovery["tries_of_those"].as_f64() >= Some(2.0), "{report}");
    assert!(recovery["longest_visit_us"].as_u64() > Some(1_000_000), "{report}");
    assert!(recovery["back_after_s"].as_u64().is_some_and(|back| (1..=5).contains(&back)), "{report}");
    // A fifth of them keep a session; those that were turned away asked again.
    let given = recovery["sessions_given"].as_u64().expect("a number");
    assert!((200..450).contains(&given) && given <= posted, "{report}");
    assert_eq!((&recovery["sessions_lost"], &recovery["sessions_unknown"]), (&0.into(), &0.into()), "{report}");
    assert_eq!(
        (code == Some(0), report["good"] == true),
        (report["valid"] == true, report["valid"] == true),
        "{report}"
    );
}

#[tokio::test]
async fn a_session_that_is_forgotten_is_counted() {
    let (code, report, _) = run("touch STRUCK", |nth| nth != 7).await;
    assert_eq!((code, &report["good"], &report["recovery"]["sessions_lost"]), (Some(1), &false.into(), &1.into()));
}

#[tokio::test]
async fn who_calls_keeps_a_session_like_others_and_a_call_that_fails_is_told_by_its_reason() {
    let (code, report, _) = run_with("touch STRUCK", |_| true, &["--calls", "100"]).await;
    let (calls, recovery) = (&report["calls"], &report["recovery"]);
    // Of those who keep a session every second calls.
    let (made, given) = (calls["calls"].as_u64().expect("a number"), recovery["sessions_given"].as_u64());
    assert!(given.is_some_and(|given| (given / 3..given * 2 / 3).contains(&made)), "{report}");
    assert_eq!((&calls["failed_by_reason"]["not_dialled"], &calls["webhooks_held"]), (&made.into(), &0.into()));
    assert_eq!((code, &calls["good"], &recovery["sessions_lost"]), (Some(1), &false.into(), &0.into()), "{report}");
}

#[tokio::test]
async fn a_strike_that_fails_or_does_not_end_is_none() {
    let [fails, stays] = ["exit 3", "exec sleep 60"].map(|strike| run(strike, |_| true));
    let (fails, stays) = tokio::join!(fails, stays);
    for ((code, report, _), why) in [(fails, "exit status: 3"), (stays, "still going on")] {
        let failed = report["strike_failed"].as_str().expect("a sentence");
        assert!(code == Some(1) && report["good"] == false && failed.contains(why), "{report}");
        assert_eq!(report["recovery"]["came_again"], 0, "{report}");
    }
}
