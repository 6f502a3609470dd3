//! The program: its exit codes and its output.

use std::process::{Command, Output};

use qnect_simulator::sign_twilio;
use serde_json::Value;

use crate::engine::{CODE, Engine, INTERMEDIARY, MASKED, PUBLIC, SCANNER, TOKEN, engine_dialling, usual, xml};
use crate::twilio;

async fn run(engine: &str, more: &[&str]) -> Output {
    run_with(engine, &[&["--code", CODE], more].concat()).await
}

async fn run_with(engine: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qnect-simulator"));
    command
        .args(["--engine", engine, "--public-base-url", PUBLIC, "--from", SCANNER])
        .args(["--number", INTERMEDIARY, "--time-scale", "0"])
        .args(more)
        .envs([("PLIVO_AUTH_ID", "MAEXAMPLE"), ("PLIVO_AUTH_TOKEN", TOKEN)])
        .envs([("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"), ("TWILIO_AUTH_TOKEN", TOKEN)]);
    tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("the program runs")
}

#[tokio::test]
async fn every_owner_goes_as_scripted() {
    let (engine, twilio) = (engine_dialling(MASKED).await, twilio::engine().await);
    for owner in ["answers", "declines", "hangs-up", "busy", "silent", "voicemail", "coming", "cannot", "wrong-key"] {
        let output = run(&engine.address, &["--owner", owner]).await;
        assert_eq!(output.status.code(), Some(0), "{owner}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("provider asks the engine what to do"), "{owner}");
        let output = run(&twilio.address, &["--owner", owner, "--protocol", "twilio"]).await;
        assert_eq!(output.status.code(), Some(0), "{owner}: {output:?}");
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

#[tokio::test]
async fn a_redial_is_a_second_call_without_a_code() {
    // An engine that knows the caller again.
    let engine = Engine::start(|received, before| match received.path.as_str() {
        "/webhooks/plivo/voice" if received.param("Event") == "StartApp" && before > 0 => {
            xml(&format!("<Dial {MASKED}><Number>919800000001</Number></Dial>"))
        }
        _ => usual(received, MASKED),
    })
    .await;
    let output = run(&engine.address, &["--redial"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let story = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(story.contains("the same telephone dials again, without a code"), "{story}");
    assert_eq!(story.matches("bridged; neither sees the other's number").count(), 1, "{story}");
    assert_eq!(engine.to("/digits").len(), 1);
}

#[tokio::test]
async fn wrong_codes_come_first() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/digits" if received.param("Digits") != CODE => {
            xml(r#"<GetDigits action="https://qnect.example/digits" numDigits="7"><Speak>Again</Speak></GetDigits>"#)
        }
        _ => usual(received, MASKED),
    })
    .await;
    let output = run(&engine.address, &["--wrong-code", "1111111", "--wrong-code", "2222222"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let keyed: Vec<String> = engine.to("/digits").iter().map(|r| r.param("Digits").to_owned()).collect();
    assert_eq!(keyed, ["1111111", "2222222", CODE]);
}

#[tokio::test]
async fn faults_and_limits_are_obeyed_and_the_seed_is_said() {
    let engine = twilio::engine().await;
    let faults = ["--duplicate", "1", "--reorder", "3", "--delay", "0.3", "--drop", "0.3", "--seed", "42"];
    let output = run(&engine.address, &[&["--protocol", "twilio", "--slow-ms", "1"], &faults[..]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("seed 42\n"), "{output:?}");
    assert!(engine.received().iter().all(|received| received.signed));

    let output = run(&engine.address, &["--protocol", "twilio", "--lines-max", "1", "--calls-per-second", "1"]).await;
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(stderr, "not as scripted: not bridged\n");
    for wrong in [["--duplicate", "11"], ["--drop", "2"], ["--rest-fault", "503"], ["--owner", "sleeps"]] {
        assert_eq!(run(&engine.address, &wrong).await.status.code(), Some(2), "{wrong:?}");
    }
}

#[tokio::test]
async fn a_capture_holds_what_was_sent_and_said() {
    let engine = twilio::engine().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("calls.ndjson");
    let path = file.to_str().expect("a path");
    let output = run(&engine.address, &["--protocol", "twilio", "--capture", path]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let text = std::fs::read_to_string(&file).expect("a capture");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("json")).collect();
    assert_eq!(lines.len(), engine.received().len());
    for (line, received) in lines.iter().zip(engine.received()) {
        let request_line = line["request_line"].as_str().expect("text");
        let target =
            request_line.strip_prefix("POST ").and_then(|rest| rest.strip_suffix(" HTTP/1.1")).expect("a post");
        assert_eq!(target.split('?').next(), Some(received.path.as_str()));
        let body = line["body"].as_str().expect("text");
        let params: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        assert_eq!(params, received.params);
        // Whoever knows the token can verify a captured webhook.
        let headers = line["headers"].as_array().expect("headers");
        let signature = headers.iter().find(|header| header[0] == "X-Twilio-Signature").expect("a signature");
        assert_eq!(signature[1], sign_twilio(&format!("{PUBLIC}{target}"), &params, TOKEN));
        assert_eq!(line["reply"]["status"], 200);
    }
    assert!(lines[0]["reply"]["body"].as_str().expect("text").contains("<Gather"));

    let nowhere = folder.path().join("no/such/folder");
    let output = run(&engine.address, &["--capture", nowhere.to_str().expect("a path")]).await;
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test]
async fn the_api_is_served_while_calls_last() {
    let engine = engine_dialling(MASKED).await;
    let output = run(&engine.address, &["--rest-listen", "127.0.0.1:0", "--rest-fault", "503"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("the provider's API listens on http://127.0.0.1:"), "{stderr}");
    assert!(stderr.contains("keeps 2 records"), "{stderr}");
    assert_eq!(run(&engine.address, &["--rest-listen", "0.0.0.0:0"]).await.status.code(), Some(2));
    assert_eq!(run(&engine.address, &["--rest-listen", "192.0.2.1:9"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn the_help_names_an_example_and_every_owner() {
    let output = run_with("http://127.0.0.1:1", &["--help"]).await;
    assert_eq!(output.status.code(), Some(0));
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in [
        "cargo run --release -p qnect-simulator -- --engine http://127.0.0.1:8080",
        "wrong-key",
        "What goes wrong:",
        "TWILIO_AUTH_TOKEN",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
