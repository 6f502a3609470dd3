//! Twilio's protocol: one call for every way in which an owner can behave, and what the engine is told.

use std::time::Duration;

use qnect_simulator::{CallReport, Dial, Moment, Network, NetworkConfig, OwnerScript, Place};

use crate::engine::{Answer, CODE, Engine, INTERMEDIARY, OWNER, PUBLIC, Received, SCANNER, scanner, xml};

pub(crate) const DIAL: &str = r#"callerId="+918031000002" answerOnBridge="true" timeout="25" timeLimit="180"
    action="https://qnect.example/dial-end" method="POST""#;
pub(crate) const NUMBER: &str = r#"url="https://qnect.example/whisper" method="POST"
    statusCallback="https://qnect.example/leg?s=1#rc=2&amp;rp=ct,rt,5xx" statusCallbackMethod="POST"
    statusCallbackEvent="initiated ringing answered completed""#;

/// An engine that does it right, except that `dial` and `number` are the attributes of those elements.
pub(crate) fn usual(received: &Received, dial: &str, number: &str) -> Answer {
    match received.path.as_str() {
        "/webhooks/twilio/voice" if received.param("CallStatus") == "ringing" => {
            xml(r#"<Gather action="https://qnect.example/digits" numDigits="7" timeout="8" actionOnEmptyResult="true">
                 <Pause length="4"/><Say language="en-IN" voice="Polly.Aditi">Please type the seven digits</Say>
               </Gather>"#)
        }
        "/digits" if received.param("Digits") == CODE => {
            xml(&format!("<Dial {dial}><Number {number}>{OWNER}</Number></Dial><Say>Never reached</Say>"))
        }
        "/digits" => xml("<Say>That was not it</Say><Hangup/>"),
        "/whisper" => xml(r#"<Gather numDigits="1" timeout="8" action="https://qnect.example/accept">
                 <Say>Your car is in the way. Press 1</Say>
               </Gather><Hangup/>"#),
        "/accept" => match received.param("Digits") {
            "1" => xml(""),
            "2" => xml("<Say>Thank you</Say><Hangup/>"),
            _ => xml("<Hangup/>"),
        },
        "/dial-end" => xml("<Say>The owner cannot come</Say><Hangup/>"),
        _ => (200, "text/plain", String::new()),
    }
}

pub(crate) async fn engine() -> Engine {
    Engine::start(|received, _| usual(received, DIAL, NUMBER)).await
}

pub(crate) async fn call(engine: &Engine, owner: OwnerScript, dial: Dial) -> CallReport {
    call_in(engine.twilio(), owner, dial).await
}

pub(crate) async fn call_in(config: NetworkConfig, owner: OwnerScript, dial: Dial) -> CallReport {
    let network = Network::new(config).expect("a valid configuration");
    network.set_telephone(OWNER, owner);
    network.dial(dial).await
}

fn told(engine: &Engine) -> Vec<String> {
    let line = |r: &Received| format!("{} {} {}", r.path, r.param("CallStatus"), r.param("DialCallStatus"));
    engine.received().iter().map(|received| line(received).trim_end().to_owned()).collect()
}

#[tokio::test]
async fn an_owner_who_presses_1_is_bridged_and_nobody_sees_a_number() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Answers, scanner()).await;

    assert_eq!(report.protocol_errors, [""; 0]);
    assert!(report.bridged && !report.bridged_without_key && !report.bridged_to_machine);
    assert_eq!(report.leaks(SCANNER, OWNER), [""; 0]);
    assert_eq!((report.talk_seconds, report.owner_pressed.as_str()), (20, "1"));
    assert_eq!(report.owner_saw.as_deref(), Some(INTERMEDIARY));
    assert_eq!(report.owner_saw_name, None);
    assert_eq!(report.owner_heard, ["Your car is in the way. Press 1"]);
    assert_eq!(report.scanner_keyed, [CODE]);
    assert_eq!(report.dial_status, Some("completed"));
    assert_eq!(
        told(&engine),
        [
            "/webhooks/twilio/voice ringing",
            "/digits in-progress",
            "/leg initiated",
            "/leg ringing",
            "/leg in-progress",
            "/whisper in-progress",
            "/accept in-progress",
            "/leg completed",
            "/dial-end in-progress completed",
            "/webhooks/twilio/voice completed",
        ]
    );
}

#[tokio::test]
async fn every_webhook_is_signed_over_the_public_url_and_has_a_token_of_its_own() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Answers, scanner()).await;

    let received = engine.received();
    let token = |received: &Received| received.header("I-Twilio-Idempotency-Token").to_owned();
    let tokens: std::collections::HashSet<String> = received.iter().map(token).collect();
    assert_eq!(tokens.len(), received.len());
    for received in &received {
        assert!(received.signed, "{received:?}");
        assert_eq!(received.header("Host"), "qnect.example");
        assert_eq!(received.header("Content-Type"), "application/x-www-form-urlencoded; charset=UTF-8");
    }
    for exchange in &report.exchanges {
        assert!(exchange.url.starts_with(PUBLIC) && !exchange.url.contains('#'), "{}", exchange.url);
        assert!(exchange.headers.iter().any(|(name, _)| name == "X-Twilio-Signature"));
    }
}

#[tokio::test]
async fn the_provider_tells_what_twilio_tells() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Answers, scanner()).await;

    let voice = engine.to("/webhooks/twilio/voice");
    let (start, end) = (&voice[0], &voice[1]);
    for (name, value) in [
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("ApiVersion", "2010-04-01"),
        ("Direction", "inbound"),
        ("From", SCANNER),
        ("Caller", SCANNER),
        ("To", INTERMEDIARY),
        ("Called", INTERMEDIARY),
        ("FromCity", "STRANGERPUR"),
        ("CallerCity", "STRANGERPUR"),
        ("FromZip", "000000"),
    ] {
        assert_eq!(start.param(name), value, "{name}");
    }
    let sid = start.param("CallSid");
    assert!(sid.len() == 34 && sid.starts_with("CA") && sid[2..].bytes().all(|b| b.is_ascii_hexdigit()), "{sid}");
    assert_eq!(sid, report.scanner_call_id);

    let leg = engine.to("/leg");
    let child = leg[0].param("CallSid");
    assert_eq!(Some(child), report.owner_call_id.as_deref());
    assert_ne!(child, sid);
    for (received, sequence) in leg.iter().zip(["0", "1", "2", "3"]) {
        assert_eq!(received.param("SequenceNumber"), sequence);
        assert_eq!(received.param("CallbackSource"), "call-progress-events");
        assert!(received.param("Timestamp").ends_with(" +0000"), "{}", received.param("Timestamp"));
    }
    for received in leg.iter().chain(&engine.to("/whisper")).chain(&engine.to("/accept")) {
        assert_eq!(received.param("CallSid"), child);
        assert_eq!(received.param("ParentCallSid"), sid);
        assert_eq!(received.param("Direction"), "outbound-dial");
        assert_eq!(received.param("From"), INTERMEDIARY);
        assert_eq!(received.param("To"), OWNER);
        assert!(received.params.iter().all(|(_, value)| value != SCANNER && value != "STRANGERPUR"));
    }
    assert!(leg[3].param("CallDuration").parse::<u64>().expect("seconds") >= 20);
    assert_eq!(engine.to("/accept")[0].param("Digits"), "1");

    let dialled = &engine.to("/dial-end")[0];
    assert_eq!(dialled.param("CallSid"), sid);
    assert_eq!(dialled.param("DialCallSid"), child);
    assert_eq!(dialled.param("DialBridged"), "true");
    assert_eq!(dialled.param("DialCallDuration"), leg[3].param("CallDuration"));
    assert_eq!(end.param("CallSid"), sid);
    assert!(end.param("CallDuration").parse::<u64>().expect("seconds") >= 20);
    assert_eq!(end.param("SequenceNumber"), "0");
}

#[tokio::test]
async fn an_owner_who_does_not_accept_is_not_bridged_and_the_scanner_is_told() {
    let cases = [
        (OwnerScript::Declines, "busy", "Declined", ""),
        (OwnerScript::Busy, "busy", "Busy", ""),
        (OwnerScript::Silent, "no-answer", "No Answer", ""),
        (OwnerScript::HangsUp, "completed", "Normal Clearing", ""),
        (OwnerScript::Voicemail, "completed", "Normal Clearing", ""),
        (OwnerScript::Coming, "completed", "Normal Clearing", "2"),
        (OwnerScript::Cannot, "completed", "Normal Clearing", "3"),
        (OwnerScript::WrongKey, "completed", "Normal Clearing", "5"),
    ];
    for (script, status, name, key) in cases {
        let engine = engine().await;
        let report = call(&engine, script, scanner()).await;

        assert!(!report.bridged, "{script:?}");
        assert_eq!(report.dial_status, Some(status), "{script:?}");
        assert_eq!(report.owner_leg_end.expect("an end").name, name, "{script:?}");
        assert_eq!(report.owner_pressed, key, "{script:?}");
        assert_eq!(report.scanner_heard, ["The owner cannot come"], "{script:?}");
        assert_eq!(report.masked(SCANNER, OWNER), script != OwnerScript::Busy, "{script:?}");

        let last = engine.to("/leg").pop().expect("a callback");
        assert_eq!(last.param("CallStatus"), status, "{script:?}");
        let dialled = &engine.to("/dial-end")[0];
        assert_eq!(dialled.param("DialCallStatus"), status, "{script:?}");
        assert_eq!(dialled.param("DialBridged"), "false", "{script:?}");
        let answered = engine.to("/leg").iter().any(|received| received.param("CallStatus") == "in-progress");
        assert_eq!(!dialled.param("DialCallDuration").is_empty(), answered, "{script:?}");
        assert_eq!(engine.to("/accept").iter().map(|r| r.param("Digits").to_owned()).collect::<String>(), key);
    }
}

#[tokio::test]
async fn an_owner_who_says_coming_hears_thanks() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Coming, scanner()).await;
    assert_eq!(report.owner_heard, ["Your car is in the way. Press 1", "Thank you"]);
}

#[tokio::test]
async fn a_scanner_who_leaves_ends_both_legs() {
    for (moment, status) in
        [(Moment::Ringing, "canceled"), (Moment::OwnerPicksUp, "completed"), (Moment::Bridged, "completed")]
    {
        let engine = engine().await;
        let dial = Dial { hang_up_when: Some(moment), ..scanner() };
        let report = call(&engine, OwnerScript::Answers, dial).await;

        assert_eq!(report.bridged, moment == Moment::Bridged, "{moment:?}");
        assert_eq!(report.talk_seconds, 0, "{moment:?}");
        assert_eq!(engine.to("/dial-end")[0].param("DialCallStatus"), status, "{moment:?}");
        assert_eq!(engine.to("/leg").pop().expect("a callback").param("CallStatus"), status, "{moment:?}");
        assert_eq!(report.scanner_leg_end.expect("an end").source, "Caller", "{moment:?}");
        assert_eq!(report.scanner_heard, [""; 0], "{moment:?}");
    }
}

#[tokio::test]
async fn the_time_limit_ends_the_owners_leg_and_the_flow_goes_on() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Answers, Dial { talk_seconds: 600, ..scanner() }).await;
    assert_eq!(report.talk_seconds, 180);
    assert_eq!(report.scanner_heard, ["The owner cannot come"]);
}

#[tokio::test]
async fn without_digits_the_action_hears_of_it_only_if_it_asks_to() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Answers, Dial { post_dial: None, ..scanner() }).await;
    assert_eq!(report.scanner_heard, ["Please type the seven digits", "That was not it"]);
    assert_eq!(engine.to("/digits")[0].param("Digits"), "");

    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/webhooks/twilio/voice" if received.param("CallStatus") == "ringing" => {
            xml(r#"<Gather action="https://qnect.example/digits"><Say>Type</Say></Gather><Say>Goodbye</Say>"#)
        }
        _ => usual(received, DIAL, NUMBER),
    })
    .await;
    let report = call(&engine, OwnerScript::Answers, Dial { post_dial: None, ..scanner() }).await;
    assert_eq!(report.scanner_heard, ["Type", "Goodbye"]);
    assert!(engine.to("/digits").is_empty());
    assert_eq!(report.scanner_leg_end.expect("an end").name, "End Of TwiML");
}

#[tokio::test]
async fn a_withheld_number_is_a_word_on_a_keypad_and_comes_from_nowhere() {
    let engine = engine().await;
    let report = call(&engine, OwnerScript::Answers, Dial { withheld: true, ..scanner() }).await;

    let start = &engine.received()[0];
    assert_eq!(start.param("From"), "+266696687");
    assert_eq!(start.param("FromCity"), "");
    assert_eq!(report.scanner_city, None);
    assert!(report.bridged && report.masked(SCANNER, OWNER));
}

#[tokio::test]
async fn a_line_that_is_answered_on_the_bridge_rings_until_then() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/webhooks/twilio/voice" if received.param("CallStatus") == "ringing" => {
            xml(&format!("<Dial {DIAL}><Number {NUMBER}>{OWNER}</Number></Dial>"))
        }
        _ => usual(received, DIAL, NUMBER),
    })
    .await;
    let report = call(&engine, OwnerScript::Answers, scanner()).await;
    let at = |text: &str| report.timeline.iter().position(|entry| entry.text.contains(text)).expect(text);
    assert!(at("owner presses 1") < at("provider answers the line"));

    let report = call(&engine, OwnerScript::Silent, scanner()).await;
    let ended = engine.to("/webhooks/twilio/voice").pop().expect("a callback");
    assert_eq!(engine.to("/dial-end")[1].param("CallStatus"), "ringing");
    // The action's document speaks, which answers the line.
    assert_eq!(ended.param("CallStatus"), "completed");
    assert_eq!(report.scanner_heard, ["The owner cannot come"]);
}

#[tokio::test]
async fn a_forgotten_caller_id_shows_the_scanner() {
    let engine = Engine::start(|received, _| usual(received, "", NUMBER)).await;
    let report = call(&engine, OwnerScript::Answers, scanner()).await;
    assert_eq!(report.owner_saw.as_deref(), Some(SCANNER));
    assert_eq!(report.leaks(SCANNER, OWNER), ["the owner's display shows the scanner's number"]);
    assert_eq!(engine.to("/leg")[0].param("From"), SCANNER);
}

#[tokio::test]
async fn without_a_question_even_a_voicemail_is_bridged() {
    for number in ["", r#"url="https://qnect.example/sound""#] {
        let engine = Engine::start(move |received, _| match received.path.as_str() {
            "/sound" => xml("<Say>Your car is in the way</Say>"),
            _ => usual(received, DIAL, number),
        })
        .await;
        let report = call(&engine, OwnerScript::Voicemail, scanner()).await;
        assert!(report.bridged && report.bridged_without_key && report.bridged_to_machine, "{number}");
    }
}

#[tokio::test]
async fn a_key_on_one_dial_is_no_key_on_the_next() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/digits" => {
            let (number, dial) = (format!("{OWNER}</Number></Dial>"), r#"<Dial callerId="+918031000002"><Number"#);
            xml(&format!("{dial} {NUMBER}>{number}{dial}>{number}"))
        }
        _ => usual(received, DIAL, NUMBER),
    })
    .await;
    let report = call(&engine, OwnerScript::Coming, scanner()).await;
    assert_eq!(report.owner_pressed, "2");
    assert!(report.bridged && report.bridged_without_key);
}

#[tokio::test]
async fn a_place_that_is_spoken_is_found() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/whisper" => xml("<Say>Somebody from Elsewhere stands at your car</Say>"),
        _ => usual(received, DIAL, NUMBER),
    })
    .await;
    let place = Place { city: "ELSEWHERE".to_owned(), ..Place::default() };
    let report = call(&engine, OwnerScript::Answers, Dial { place, ..scanner() }).await;
    assert_eq!(report.leaks(SCANNER, OWNER), ["a document or the owner's line names the scanner's city"]);
}

#[tokio::test]
async fn an_owners_document_that_fails_ends_that_leg_only() {
    for (answer, name) in [
        ((503, "text/plain", String::new()), "Got HTTP Error From URL"),
        (xml("<Dial><Number>+919800000002</Number></Dial>"), "Document Parse Failure"),
    ] {
        let engine = Engine::start(move |received, _| match received.path.as_str() {
            "/whisper" => answer.clone(),
            _ => usual(received, DIAL, NUMBER),
        })
        .await;
        let report = call(&engine, OwnerScript::Answers, scanner()).await;
        assert!(!report.bridged, "{name}");
        assert_eq!(report.owner_leg_end.expect("an end").name, name);
        assert_eq!(report.scanner_heard, ["The owner cannot come"]);
    }
}

#[tokio::test]
async fn a_get_has_its_parameters_in_the_signed_url() {
    let number = r#"url="https://qnect.example/whisper?s=1" method="GET""#;
    let engine = Engine::start(move |received, _| usual(received, DIAL, number)).await;
    let report = call(&engine, OwnerScript::Answers, scanner()).await;
    let whisper = &engine.to("/whisper")[0];
    assert!(report.bridged && whisper.signed);
    assert_eq!((whisper.method.as_str(), whisper.param("s")), ("GET", "1"));
    assert_eq!(Some(whisper.param("CallSid")), report.owner_call_id.as_deref());
}

#[tokio::test]
async fn patience_ends_in_the_middle_of_the_whisper() {
    let engine = engine().await;
    let dial = Dial { hang_up_after: Some(Duration::from_millis(13_500)), ..scanner() };
    let report = call(&engine, OwnerScript::Answers, dial).await;
    assert!(!report.bridged && engine.to("/accept").is_empty(), "{:#?}", report.timeline);
    assert_eq!(engine.to("/leg").pop().expect("a callback").param("CallStatus"), "completed");
}
