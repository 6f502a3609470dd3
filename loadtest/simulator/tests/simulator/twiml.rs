//! TwiML is read as strictly as the vendor's builders write it.

use qnect_simulator::{CallReport, OwnerScript};

use crate::engine::{Answer, Engine, OWNER, scanner, xml};
use crate::twilio::{DIAL, NUMBER, call, usual};

async fn answered_with(answer: Answer) -> CallReport {
    let engine = Engine::start(move |received, before| match received.path.as_str() {
        "/webhooks/twilio/voice" if before == 0 => answer.clone(),
        _ => (200, "text/plain", String::new()),
    })
    .await;
    call(&engine, OwnerScript::Answers, scanner()).await
}

#[tokio::test]
async fn what_the_vendor_would_refuse_ends_the_call() {
    let number = |attributes: &str| format!("<Dial><Number {attributes}>{OWNER}</Number></Dial>");
    let cases = [
        ("<Speak>Hello</Speak>".to_owned(), "<Speak> does not belong in <Response>"),
        ("<Record/>".to_owned(), "<Record> is an element that this simulator does not play"),
        ("<Say/>".to_owned(), "<Say> says nothing"),
        (r#"<Say language="english">Hi</Say>"#.to_owned(), "language of <Say> is not a language like en-IN"),
        (r#"<Say language="en-in">Hi</Say>"#.to_owned(), "language of <Say> is not a language like en-IN"),
        (r#"<Say voice="robot">Hi</Say>"#.to_owned(), "voice of <Say> is not man, woman, alice, Polly.* or Google.*"),
        (r#"<Say loop="-1">Hi</Say>"#.to_owned(), "loop of <Say> is not a whole number in its bounds"),
        (format!("<Say>{}</Say>", "a".repeat(4_097)), "the text of <Say> is not at most 4096 characters"),
        (r#"<Pause length="0"/>"#.to_owned(), "length of <Pause> is not a whole number in its bounds"),
        (r#"<Pause duration="1"/>"#.to_owned(), "<Pause> has no attribute \"duration\""),
        (r#"<Gather numdigits="1"/>"#.to_owned(), "<Gather> has no attribute \"numdigits\""),
        (
            r#"<Gather input="speech"/>"#.to_owned(),
            "input of <Gather> is not dtmf, the only one that this simulator plays",
        ),
        (
            r#"<Gather speechTimeout="3"/>"#.to_owned(),
            "speechTimeout of <Gather> is an attribute that this simulator does not play",
        ),
        (r#"<Gather finishOnKey="12"/>"#.to_owned(), "finishOnKey of <Gather> is not one key"),
        (r#"<Gather actionOnEmptyResult="yes"/>"#.to_owned(), "actionOnEmptyResult of <Gather> is not true or false"),
        ("<Gather><Hangup/></Gather>".to_owned(), "<Hangup> does not belong in <Gather>"),
        ("<Dial>+919800000001</Dial>".to_owned(), "<Dial> holds text"),
        ("<Dial/>".to_owned(), "<Dial> has 0 targets; this simulator rings one <Number>"),
        (
            "<Dial><Number>919800000001</Number></Dial>".to_owned(),
            "the text of <Number> is not a telephone number with + and country code",
        ),
        (
            r#"<Dial callerId="918031000002"><Number>+919800000001</Number></Dial>"#.to_owned(),
            "callerId of <Dial> is not a telephone number with + and country code",
        ),
        (
            r#"<Dial record="record-from-answer"><Number>+919800000001</Number></Dial>"#.to_owned(),
            "record of <Dial> is an attribute that this simulator does not play",
        ),
        (
            r#"<Dial timeout="601"><Number>+919800000001</Number></Dial>"#.to_owned(),
            "timeout of <Dial> is not a whole number in its bounds",
        ),
        (
            r#"<Dial ringTone="xx"><Number>+919800000001</Number></Dial>"#.to_owned(),
            "ringTone of <Dial> is not a tone that the vendor has",
        ),
        (number(r#"url="/whisper""#), "url of <Number> is not a full URL"),
        (number(r#"method="PUT""#), "method of <Number> is not GET or POST"),
        (
            number(r#"statusCallbackEvent="answered,completed""#),
            "statusCallbackEvent of <Number> is not a list of initiated, ringing, answered, completed",
        ),
        (number(r#"confirmKey="1""#), "<Number> has no attribute \"confirmKey\""),
        ("<Redirect>elsewhere</Redirect>".to_owned(), "the text of <Redirect> is not a full URL"),
        (r#"<Reject reason="sorry"/>"#.to_owned(), "reason of <Reject> is \"sorry\", not rejected or busy"),
        (r#"<Hangup reason="busy"/>"#.to_owned(), "<Hangup> has no attribute \"reason\""),
    ];
    for (document, problem) in cases {
        let report = answered_with(xml(&document)).await;
        assert_eq!(report.protocol_errors, [problem], "{document}");
        assert!(!report.bridged, "{document}");
        assert_eq!(report.scanner_leg_end.expect("an end").code, "12100", "{document}");
    }
}

#[tokio::test]
async fn what_the_builders_can_write_is_played() {
    let document = r#"<Say voice="Google.hi-IN-Wavenet-A" language="hi-IN">नमस्ते <break time="1s"/>
          <say-as interpret-as="digits">1</say-as></Say><Play loop="2">https://qnect.example/tone.mp3</Play>
        <Dial ringTone="in" hangupOnStar="true"><Number>+919800000001</Number></Dial><Say>Goodbye</Say>"#;
    let report = answered_with(xml(document)).await;
    assert_eq!(report.protocol_errors, [""; 0]);
    let recording = "recording https://qnect.example/tone.mp3";
    assert_eq!(report.scanner_heard, ["नमस्ते 1", recording, recording]);
    assert!(report.bridged);
}

#[tokio::test]
async fn a_rejected_call_is_never_answered() {
    for (document, code, status) in [
        ("<Reject/>", "603", "no-answer"),
        (r#"<Reject reason="busy"/>"#, "486", "busy"),
        (r#"<Pause length="2"/><Reject reason="busy"/>"#, "486", "busy"),
    ] {
        let report = answered_with(xml(document)).await;
        let end = report.scanner_leg_end.expect("an end");
        assert_eq!((end.code, end.cause), (code, status), "{document}");
        assert!(report.timeline.iter().all(|entry| entry.text != "provider answers the line"), "{document}");
    }
    // A hang-up is no refusal: the line is answered, and billed.
    let report = answered_with(xml("<Hangup/>")).await;
    assert!(report.timeline.iter().any(|entry| entry.text == "provider answers the line"));
}

#[tokio::test]
async fn without_an_action_a_question_goes_to_its_own_document_and_a_dial_falls_through() {
    let engine = Engine::start(|received, before| match received.path.as_str() {
        "/webhooks/twilio/voice" if before == 0 => xml(r#"<Gather numDigits="7"><Pause length="4"/></Gather>"#),
        "/webhooks/twilio/voice" if !received.param("Digits").is_empty() => {
            xml(&format!("<Dial><Number {NUMBER}>{OWNER}</Number></Dial><Say>Goodbye</Say>"))
        }
        _ => usual(received, DIAL, NUMBER),
    })
    .await;
    let report = call(&engine, OwnerScript::Declines, scanner()).await;
    assert_eq!(report.scanner_heard, ["Goodbye"]);
    assert_eq!(report.protocol_errors, [""; 0]);
}

#[tokio::test]
async fn only_the_events_that_are_subscribed_to_are_told() {
    let cases = [
        ("", vec!["completed"]),
        (r#"statusCallbackEvent="answered""#, vec!["in-progress"]),
        (r#"statusCallbackEvent="ringing completed""#, vec!["ringing", "completed"]),
    ];
    for (events, statuses) in cases {
        let number = format!(r#"statusCallback="https://qnect.example/leg" {events}"#);
        let engine = Engine::start(move |received, _| usual(received, DIAL, &number)).await;
        call(&engine, OwnerScript::Answers, scanner()).await;
        let told: Vec<String> = engine.to("/leg").iter().map(|r| r.param("CallStatus").to_owned()).collect();
        assert_eq!(told, statuses);
    }
}

#[derive(serde::Deserialize)]
struct Built {
    name: String,
    document: String,
}

/// Documents made with the builders of the vendor's Python package (twilio 9.13.0, `twilio.twiml.voice_response`), each
/// the text of a `VoiceResponse`.
#[tokio::test]
async fn what_the_vendors_builders_wrote_is_played() {
    let built: Vec<Built> = serde_json::from_str(include_str!("../data/twilio_documents.json")).expect("documents");
    assert!(built.len() >= 8);
    for Built { name, document } in built {
        let report = answered_with((200, "application/xml", document)).await;
        // The engine of a few lines says nothing more, which is no document.
        let beyond: Vec<&String> =
            report.protocol_errors.iter().filter(|error| !error.starts_with("not XML")).collect();
        assert!(beyond.is_empty(), "{name}: {beyond:?}");
        assert_eq!(report.exchanges[0].status, Some(200), "{name}");
        match name.as_str() {
            "a question" => assert_eq!(report.scanner_keyed.len(), 1),
            "a masked dial" => assert_eq!(report.owner_saw.as_deref(), Some("+911140000001")),
            "marked speech" => assert!(report.scanner_heard[0].ends_with("47 slowly now bonjour QN done")),
            "a refusal" => assert_eq!(report.scanner_leg_end.expect("an end").code, "486"),
            "a bare refusal" => assert_eq!(report.scanner_leg_end.expect("an end").code, "603"),
            "a hang-up" => assert_eq!(report.scanner_leg_end.expect("an end").source, "TwiML"),
            _ => assert_eq!(report.scanner_leg_end.expect("an end").name, "End Of TwiML", "{name}"),
        }
    }
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_line_is_answered_cancels() {
    let engine = Engine::start(|received, _| match received.param("CallStatus") {
        "ringing" => xml(&format!("<Dial {DIAL}><Number>{OWNER}</Number></Dial>")),
        _ => (200, "text/plain", String::new()),
    })
    .await;
    let leaves = qnect_simulator::Dial { hang_up_when: Some(qnect_simulator::Moment::Ringing), ..scanner() };
    let report = call(&engine, OwnerScript::Answers, leaves).await;
    assert_eq!(report.scanner_leg_end.expect("an end").cause, "canceled");
    assert_eq!(engine.received().pop().expect("a callback").param("CallStatus"), "canceled");
}
