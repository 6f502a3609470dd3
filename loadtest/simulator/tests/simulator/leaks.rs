//! An engine that forgets something is found out.

use qnect_simulator::OwnerScript;

use crate::engine::{Engine, MASKED, OWNER, SCANNER, engine_dialling, usual, xml};

#[tokio::test]
async fn without_a_caller_id_the_owner_sees_the_scanner() {
    let engine =
        engine_dialling(r#"callerName="QNect" confirmSound="https://qnect.example/whisper" confirmKey="1""#).await;
    let report = engine.call(OwnerScript::Answers).await;

    assert!(report.bridged);
    assert_eq!(report.owner_saw.as_deref(), Some(SCANNER));
    assert_eq!(report.leaks(SCANNER, OWNER), ["the owner's display shows the scanner's number"]);
    assert!(!report.masked(SCANNER, OWNER));
    assert!(report.timeline.iter().any(|entry| entry.text == "bridged; the owner sees the scanner's number"));
}

#[tokio::test]
async fn without_a_caller_name_the_owner_sees_the_scanner_too() {
    let engine = engine_dialling(r#"callerId="918031000002""#).await;
    let report = engine.call(OwnerScript::Answers).await;

    assert_eq!(report.leaks(SCANNER, OWNER), ["the name on the owner's display is the scanner's number"]);
}

#[tokio::test]
async fn without_a_key_a_voicemail_is_bridged() {
    let cases = [
        r#"callerId="918031000002" callerName="QNect" confirmSound="https://qnect.example/whisper""#,
        r#"callerId="918031000002" callerName="QNect" confirmKey="1""#,
    ];
    for dial in cases {
        let report = engine_dialling(dial).await.call(OwnerScript::Voicemail).await;
        assert!(report.bridged && report.bridged_without_key && report.bridged_to_machine, "{dial}");
    }
}

#[tokio::test]
async fn a_whisper_that_cannot_be_fetched_leaves_no_key() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/whisper" => (503, "text/plain", String::new()),
        _ => usual(received, MASKED),
    })
    .await;
    let report = engine.call(OwnerScript::Voicemail).await;
    assert!(report.bridged_without_key && report.bridged_to_machine);
}

#[tokio::test]
async fn a_number_that_is_spoken_is_found() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/whisper" => xml("<Speak>Call from 98123, 45678. Press 1</Speak>"),
        "/dial-end" => xml("<Speak>Try nine eight zero zero zero zero zero zero zero one</Speak>"),
        _ => usual(received, MASKED),
    })
    .await;
    let report = engine.call(OwnerScript::HangsUp).await;
    assert_eq!(
        report.leaks(SCANNER, OWNER),
        [
            "the owner hears the scanner's number",
            "the scanner hears the owner's number",
            "a document holds the scanner's number",
            "a document holds the owner's number beyond the dialled number",
        ]
    );
}

#[tokio::test]
async fn a_number_in_a_url_is_found() {
    let engine = engine_dialling(
        r#"callerId="918031000002" callerName="QNect" callbackUrl="https://qnect.example/leg?to=919800000001"
           confirmSound="https://qnect.example/whisper" confirmKey="1""#,
    )
    .await;
    let report = engine.call(OwnerScript::Answers).await;
    assert_eq!(report.leaks(SCANNER, OWNER), ["a document holds the owner's number beyond the dialled number"]);
}
