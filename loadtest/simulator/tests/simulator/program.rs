//! The program: its exit codes and its output.

use std::process::{Command, Output};

use crate::engine::{CODE, INTERMEDIARY, MASKED, PUBLIC, SCANNER, TOKEN, engine_dialling};

async fn run(engine: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-simulator"));
    command
        .args(["--engine", engine, "--public-base-url", PUBLIC, "--auth-id", "MAEXAMPLE", "--from", SCANNER])
        .args(["--number", INTERMEDIARY, "--code", CODE, "--time-scale", "0"])
        .args(more)
        .env("PLIVO_AUTH_TOKEN", TOKEN);
    tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("the program runs")
}

#[tokio::test]
async fn every_owner_goes_as_scripted() {
    let engine = engine_dialling(MASKED).await;
    for owner in ["answers", "declines", "hangs-up", "busy", "silent", "voicemail"] {
        let output = run(&engine.address, &["--owner", owner]).await;
        assert_eq!(output.status.code(), Some(0), "{owner}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("provider asks the engine what to do"), "{owner}");
    }
}

#[tokio::test]
async fn a_call_that_is_not_as_scripted_is_said_so() {
    let unmasked = engine_dialling(r#"confirmSound="https://qnect.example/whisper" confirmKey="1""#).await;
    let output = run(&unmasked.address, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("not as scripted: the owner's display shows the scanner's number")
    );
}

#[tokio::test]
async fn json_is_one_line() {
    let engine = engine_dialling(MASKED).await;
    let output = run(&engine.address, &["--json"]).await;
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().count(), 1);
    let report: serde_json::Value = serde_json::from_str(&text).expect("json");
    assert_eq!(report["bridged"], true);
    assert_eq!(report["owner_saw"], INTERMEDIARY);
}

#[tokio::test]
async fn a_host_that_may_not_be_ours_is_refused() {
    for engine in ["http://192.0.2.1:8080", "http://127.0.0.1.example", "http://localhost@192.0.2.1"] {
        let output = run(engine, &[]).await;
        assert_eq!(output.status.code(), Some(2), "{engine}");
    }
    assert_eq!(run("ftp://localhost", &[]).await.status.code(), Some(2));
    assert_eq!(run("http://localhost:1", &["--owner", "sleeps"]).await.status.code(), Some(2));
}
