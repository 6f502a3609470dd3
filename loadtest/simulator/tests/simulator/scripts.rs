//! One call for every way in which an owner can behave.

use std::time::Duration;

use qnect_simulator::{CallReport, Dial, Network, OwnerScript};

use crate::engine::{CODE, Engine, INTERMEDIARY, MASKED, OWNER, PUBLIC, SCANNER, engine_dialling, scanner, usual, xml};

fn events(engine: &Engine) -> Vec<String> {
    engine.received().iter().map(|received| format!("{} {}", received.path, received.param("Event"))).collect()
}

fn owner_end(report: &CallReport) -> [&'static str; 5] {
    let end = report.owner_leg_end.expect("the owner was dialled");
    [report.dial_status.expect("the owner was dialled"), end.cause, end.name, end.code, end.source]
}

#[tokio::test]
async fn an_owner_who_answers_is_bridged_and_nobody_sees_a_number() {
    let engine = engine_dialling(MASKED).await;
    let report = engine.call(OwnerScript::Answers).await;

    assert_eq!(report.protocol_errors, [""; 0]);
    assert!(report.bridged && !report.bridged_without_key && !report.bridged_to_machine);
    assert!(report.masked(SCANNER, OWNER), "{:?}", report.leaks(SCANNER, OWNER));
    assert_eq!(report.talk_seconds, 20);
    assert_eq!(report.scanner_saw, INTERMEDIARY);
    assert_eq!(report.owner_saw.as_deref(), Some(INTERMEDIARY));
    assert_eq!(report.owner_saw_name.as_deref(), Some("QNect"));
    assert_eq!(report.owner_heard, ["Your car is in the way. Press 1"]);
    // The code comes while the engine is silent, so the prompt is never played; the scanner hangs up after talking.
    assert_eq!(report.scanner_heard, [""; 0]);
    assert_eq!(report.scanner_leg_end.expect("an end").source, "Caller");
    assert_eq!(owner_end(&report), ["completed", "NORMAL_CLEARING", "Normal Hangup", "4000", "Caller"]);
    assert_eq!(
        events(&engine),
        [
            "/webhooks/plivo/voice StartApp",
            "/digits Redirect",
            "/leg DialAnswer",
            "/whisper DialRemoteSounds",
            "/leg DialConnected",
            "/leg DialHangup",
            "/dial-end Redirect",
            "/webhooks/plivo/voice Hangup",
        ]
    );
}

#[tokio::test]
async fn every_webhook_is_signed_over_the_public_url_and_carries_no_fragment() {
    let engine = engine_dialling(MASKED).await;
    let report = engine.call(OwnerScript::Answers).await;

    for received in engine.received() {
        assert!(received.signed, "{received:?}");
        assert_eq!(received.header("Host"), "qnect.example");
    }
    for exchange in &report.exchanges {
        assert!(exchange.url.starts_with(PUBLIC) && !exchange.url.contains('#'), "{}", exchange.url);
    }
    assert_eq!(report.exchanges.len(), engine.received().len());
}

#[tokio::test]
async fn the_provider_tells_what_plivo_tells() {
    let engine = engine_dialling(MASKED).await;
    engine.call(OwnerScript::Answers).await;

    let voice = engine.to("/webhooks/plivo/voice");
    let (start, end) = (&voice[0], &voice[1]);
    for (name, value) in [
        ("From", "919812345678"),
        ("To", "918031000002"),
        ("CallerName", "919812345678"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
        ("ParentAuthID", "MAEXAMPLE"),
    ] {
        assert_eq!(start.param(name), value, "{name}");
    }
    assert_eq!(start.param("CallUUID").len(), 36);
    assert_eq!(&start.param("CallUUID")[14..15], "4");
    assert_eq!(start.param("SessionStart").len(), "2026-01-02 03:04:05".len());
    assert!(start.params.iter().all(|(name, _)| name != "ForwardedFrom"));

    assert_eq!(engine.to("/digits")[0].param("Digits"), CODE);
    assert_eq!(engine.to("/digits")[0].param("CallStatus"), "in-progress");

    let leg = engine.to("/leg");
    let actions: Vec<&str> = leg.iter().map(|received| received.param("DialAction")).collect();
    assert_eq!(actions, ["answer", "connected", "hangup"]);
    for received in &leg {
        assert_eq!(received.param("CallUUID"), start.param("CallUUID"));
        assert_eq!(received.param("DialALegUUID"), start.param("CallUUID"));
        assert_eq!(received.param("DialBLegUUID"), leg[0].param("DialBLegUUID"));
        assert_eq!(received.param("DialBLegFrom"), "918031000002");
        assert_eq!(received.param("DialBLegTo"), "919800000001");
    }
    assert!(leg[2].param("DialBLegDuration").parse::<u64>().expect("a number") >= 20);
    assert_eq!(leg[2].param("DialBLegBillDuration"), "60");

    let dialled = &engine.to("/dial-end")[0];
    assert_eq!(dialled.param("DialStatus"), "completed");
    assert_eq!(dialled.param("DialRingStatus"), "true");
    assert_eq!(end.param("CallUUID"), start.param("CallUUID"));
    assert_eq!(end.param("CallStatus"), "completed");
    assert_eq!(end.param("HangupCauseCode"), "4000");
    assert_eq!(end.param("BillDuration"), "60");
}

#[tokio::test]
async fn an_owner_who_does_not_accept_is_not_bridged_and_the_scanner_is_told() {
    let cases = [
        (OwnerScript::Declines, ["busy", "CALL_REJECTED", "Rejected", "3020", "Callee"], "true"),
        (OwnerScript::Busy, ["busy", "USER_BUSY", "Busy Line", "3010", "Callee"], "false"),
        (OwnerScript::Silent, ["no-answer", "NO_ANSWER", "No Answer", "3000", "Plivo"], "true"),
        (OwnerScript::HangsUp, ["completed", "NORMAL_CLEARING", "Normal Hangup", "4000", "Callee"], "true"),
        (OwnerScript::Voicemail, ["completed", "NORMAL_CLEARING", "Normal Hangup", "4000", "Plivo"], "true"),
    ];
    for (script, expected, rang) in cases {
        let engine = engine_dialling(MASKED).await;
        let report = engine.call(script).await;

        assert!(!report.bridged, "{script:?}");
        assert_eq!(owner_end(&report), expected, "{script:?}");
        assert_eq!(report.scanner_heard, ["The owner cannot come"], "{script:?}");
        assert_eq!(report.scanner_leg_end.expect("an end").source, "Answer XML");
        assert_eq!(report.masked(SCANNER, OWNER), script != OwnerScript::Busy, "{script:?}");

        let hangup = engine.to("/leg").pop().expect("a callback");
        let told = ["Cause", "CauseName", "CauseCode", "Source"]
            .map(|part| hangup.param(&format!("DialBLegHangup{part}")).to_owned());
        assert_eq!(told, [expected[1], expected[2], expected[3], expected[4]], "{script:?}");
        let dialled = &engine.to("/dial-end")[0];
        assert_eq!(dialled.param("DialStatus"), expected[0], "{script:?}");
        assert_eq!(dialled.param("DialRingStatus"), rang, "{script:?}");
        let answered = matches!(script, OwnerScript::HangsUp | OwnerScript::Voicemail);
        assert_eq!(!dialled.param("DialBLegUUID").is_empty(), answered, "{script:?}");
    }
}

#[tokio::test]
async fn a_silent_telephone_rings_as_long_as_the_document_says() {
    let engine = engine_dialling(MASKED).await;
    let report = engine.call(OwnerScript::Silent).await;
    let at = |text: &str| report.timeline.iter().find(|entry| entry.text.contains(text)).expect(text).at_ms;
    assert_eq!(at("nobody answers for 25 s") - at("owner's phone rings"), 25_000);
}

#[tokio::test]
async fn a_scanner_who_leaves_while_it_rings_cancels_the_dial() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    network.set_default_script(OwnerScript::Silent);
    let report = network.dial(Dial { hang_up_after: Some(Duration::from_secs(12)), ..scanner() }).await;

    assert_eq!(owner_end(&report), ["cancel", "ORIGINATOR_CANCEL", "Cancelled", "1000", "Caller"]);
    assert_eq!(engine.to("/dial-end")[0].param("DialStatus"), "cancel");
    assert_eq!(report.scanner_heard, [""; 0]);
    assert_eq!(report.timeline.iter().filter(|entry| entry.text == "scanner hangs up").count(), 1);
}

#[tokio::test]
async fn the_time_limit_ends_the_owners_leg_and_the_flow_goes_on() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let report = network.dial(Dial { talk_seconds: 600, ..scanner() }).await;

    assert_eq!(report.talk_seconds, 180);
    assert_eq!(owner_end(&report)[4], "Plivo");
    assert_eq!(report.scanner_heard, ["The owner cannot come"]);
}

#[tokio::test]
async fn without_digits_the_flow_falls_through() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let report = network.dial(Dial { post_dial: None, ..scanner() }).await;

    assert_eq!(report.scanner_heard, ["Please type the seven digits", "Goodbye"]);
    assert_eq!(report.scanner_leg_end.expect("an end").code, "4010");
    assert_eq!(report.owner_saw, None);
    assert!(!report.masked(SCANNER, OWNER));
}

#[tokio::test]
async fn digits_before_anybody_listens_are_lost() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/webhooks/plivo/voice" if received.param("Event") == "StartApp" => xml(
            r#"<Speak>This long greeting plays while the telephone already sends its digits to nobody at all</Speak>
               <GetDigits action="https://qnect.example/digits" numDigits="7"/>"#,
        ),
        _ => usual(received, MASKED),
    })
    .await;
    let report = engine.call(OwnerScript::Answers).await;

    assert!(engine.to("/digits").is_empty());
    assert!(report.timeline.iter().any(|entry| entry.text == "7 digits came before anybody listened"));
}

#[tokio::test]
async fn a_withheld_number_is_anonymous() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let report = network.dial(Dial { withheld: true, ..scanner() }).await;

    assert_eq!(engine.received()[0].param("From"), "anonymous");
    assert!(report.bridged && report.masked(SCANNER, OWNER));
}

#[tokio::test]
async fn a_story_is_told_as_it_happens() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let mut told = Vec::new();
    let report = network.dial_observed(scanner(), |entry| told.push(entry.clone())).await;

    assert_eq!(told, report.timeline);
    assert!(told.is_sorted_by_key(|entry| entry.at_ms));
    let texts: Vec<&str> = told.iter().map(|entry| entry.text.as_str()).collect();
    for expected in [
        "scanner's phone dials +918031000002,4829137",
        "provider asks the engine what to do",
        "asks for the 7 digits; if none come, says \"Goodbye\"",
        "owner's phone rings; display shows +918031000002 (QNect)",
        "owner hears: Your car is in the way. Press 1",
        "owner presses 1",
        "bridged; neither sees the other's number",
    ] {
        assert!(texts.contains(&expected), "{expected:?} in {texts:#?}");
    }
    assert!(serde_json::to_string(&report).is_ok());
}

#[tokio::test]
async fn calls_run_side_by_side() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    let calls: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let network = network.clone();
                async move { network.dial(scanner()).await }
            })
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    for call in calls {
        let report = call.await.expect("no panic");
        assert!(report.bridged && report.masked(SCANNER, OWNER));
        ids.insert(report.exchanges[0].params.clone());
    }
    assert_eq!(ids.len(), 50);
}

#[tokio::test]
async fn an_owner_can_take_one_call_in_a_way_of_its_own() {
    let engine = engine_dialling(MASKED).await;
    let network = Network::new(engine.config()).expect("a valid configuration");
    network.set_telephone(OWNER, OwnerScript::Answers);
    let declined = network.dial(Dial { owner: Some(OwnerScript::Declines), ..scanner() }).await;
    assert_eq!((declined.dial_status, declined.bridged), (Some("busy"), false));
    assert!(declined.owner_rang_ms.is_some_and(|at| at > 1_000), "{:?}", declined.owner_rang_ms);
    let busy = network.dial(Dial { owner: Some(OwnerScript::Busy), ..scanner() }).await;
    assert_eq!((busy.dial_status, busy.owner_rang_ms), (Some("busy"), None));
    let next = network.dial(scanner()).await;
    assert!(next.bridged, "the next call is the telephone's again");
    assert!(next.bridged_ms > next.owner_rang_ms && declined.bridged_ms.is_none(), "{:?}", next.bridged_ms);
}
