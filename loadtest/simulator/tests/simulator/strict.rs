//! What a provider would refuse is refused.

use qnect_simulator::{CallReport, OwnerScript};

use crate::engine::{Answer, Engine, MASKED, engine_dialling, usual, xml};

async fn answered_with(answer: Answer) -> CallReport {
    let engine = Engine::start(move |received, _| match received.param("Event") {
        "StartApp" => answer.clone(),
        _ => (200, "text/plain", String::new()),
    })
    .await;
    engine.call(OwnerScript::Answers).await
}

#[tokio::test]
async fn what_the_vendors_builders_cannot_write_ends_the_call() {
    let cases = [
        (r#"<GetDigits digits="7" action="https://qnect.example/digits"/>"#, "<GetDigits> has no attribute \"digits\""),
        ("<Say>Hello</Say>", "<Say> does not belong in <Response>"),
        ("<Record/>", "<Record> is an element that this simulator does not play"),
        ("<Number>919800000001</Number>", "<Number> does not belong in <Response>"),
        ("<GetDigits><Hangup/></GetDigits>", "<Hangup> does not belong in <GetDigits>"),
        ("Hello", "<Response> holds text"),
        (r#"<GetDigits numDigits="seven"/>"#, "numDigits of <GetDigits> is not a whole number in its bounds"),
        (r#"<GetDigits finishOnKey="ab"/>"#, "finishOnKey of <GetDigits> is not one key"),
        (r#"<Redirect>/relative</Redirect>"#, "the text of <Redirect> is not a full URL"),
        (r#"<Hangup reason="sorry"/>"#, "reason of <Hangup> is \"sorry\", not rejected or busy"),
        ("<Dial><Number></Number></Dial>", "<Dial> needs a <Number> that is a telephone number"),
        (r#"<Dial callerId="me"><Number>919800000001</Number></Dial>"#, "callerId of <Dial> is not a telephone number"),
    ];
    for (document, problem) in cases {
        let report = answered_with(xml(document)).await;
        assert_eq!(report.protocol_errors, [problem], "{document}");
        assert!(!report.bridged, "{document}");
        assert_eq!(report.scanner_leg_end.expect("an end").code, "8011", "{document}");
    }
}

#[tokio::test]
async fn an_unknown_attribute_of_a_dial_ends_the_call() {
    let engine = engine_dialling(r#"callerId="918031000002" record="true""#).await;
    let report = engine.call(OwnerScript::Answers).await;
    assert_eq!(report.protocol_errors, ["<Dial> has no attribute \"record\""]);
    assert_eq!(report.owner_saw, None);
    assert_eq!(report.scanner_leg_end.expect("an end").code, "8012");
}

#[tokio::test]
async fn what_is_not_xml_ends_the_call() {
    for answer in [
        (200, "application/json", "{}".to_owned()),
        (200, "text/plain", "<Response/>".to_owned()),
        (200, "application/xml", "<Response>".to_owned()),
        (200, "application/xml", "<Answer/>".to_owned()),
    ] {
        let report = answered_with(answer.clone()).await;
        assert_eq!(report.protocol_errors.len(), 1, "{answer:?}");
        assert_eq!(report.scanner_leg_end.expect("an end").code, "8011", "{answer:?}");
    }
}

#[tokio::test]
async fn an_engine_that_fails_ends_the_call() {
    let report = answered_with((500, "text/plain", String::new())).await;
    assert_eq!(report.protocol_errors, [""; 0]);
    assert_eq!(report.scanner_leg_end.expect("an end").code, "7011");
}

#[tokio::test]
async fn a_flow_that_goes_in_circles_is_stopped() {
    let engine = Engine::start(|_, _| xml("<Redirect>https://qnect.example/again</Redirect>")).await;
    let report = engine.call(OwnerScript::Answers).await;
    assert_eq!(report.protocol_errors, ["more than 20 documents in one call"]);
}

#[tokio::test]
async fn the_provider_goes_nowhere_but_to_the_engine() {
    for url in ["https://elsewhere.example/x", "https://qnect.example.evil/x", "https://qnect.example@evil/x"] {
        let report = answered_with(xml(&format!("<Redirect>{url}</Redirect>"))).await;
        assert_eq!(report.protocol_errors, [format!("{url:?} is not an address under the public base url")]);
    }
}

#[tokio::test]
async fn a_refusal_is_never_answered() {
    for (reason, code) in [("busy", "3010"), ("rejected", "3020")] {
        let report = answered_with(xml(&format!("<Hangup reason=\"{reason}\"/>"))).await;
        assert_eq!(report.scanner_leg_end.expect("an end").code, code);
        assert!(report.timeline.iter().all(|entry| entry.text != "provider answers the line"));
    }
}

#[tokio::test]
async fn a_whisper_plays_sounds_only() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/whisper" => xml(r#"<Speak>Press <say-as interpret-as="digits">1</say-as></Speak><Hangup/>"#),
        _ => usual(received, MASKED),
    })
    .await;
    let report = engine.call(OwnerScript::Answers).await;
    assert!(report.bridged);
    assert_eq!(report.owner_heard, ["Press 1"]);
}

#[tokio::test]
async fn a_scheduled_hangup_ends_the_call_later() {
    let document = r#"<Hangup schedule="10"/><Speak>Wait</Speak><Wait length="60"/>"#;
    let report = answered_with(xml(document)).await;
    let answered = report.timeline.iter().find(|entry| entry.text == "provider answers the line").expect("answered");
    let end = report.timeline.last().expect("an end");
    assert_eq!(end.at_ms - answered.at_ms, 10_000);
    assert_eq!(report.scanner_heard, ["Wait"]);
}
