//! What a person at a car does with a telephone.

use qnect_simulator::{CallReport, Dial, Moment, Network, OwnerScript, Tones};

use crate::engine::{CODE, Engine, MASKED, OWNER, Received, SCANNER, scanner, usual, xml};
use crate::twilio;

/// An engine that asks again until the code is right, and then for two digits that it speaks.
async fn engine() -> Engine {
    Engine::start(|received, _| match received.path.as_str() {
        "/webhooks/plivo/voice" if received.param("Event") == "StartApp" => question(),
        "/digits" if received.param("Digits") == CODE => {
            xml(r#"<GetDigits action="https://qnect.example/challenge" numDigits="2" timeout="8">
                 <Speak>Nearly there. To reach the owner, type the two digits 4, seven</Speak>
               </GetDigits><Speak>Goodbye</Speak>"#)
        }
        "/digits" => question(),
        "/challenge" if received.param("Digits") == "47" => {
            xml(&format!("<Dial {MASKED}><Number>919800000001</Number></Dial>"))
        }
        _ => usual(received, MASKED),
    })
    .await
}

fn question() -> crate::engine::Answer {
    xml(r#"<GetDigits action="https://qnect.example/digits" numDigits="7" timeout="8" digitTimeout="3">
             <Wait length="4"/><Speak>Please type the seven digits of the page</Speak>
           </GetDigits><Speak>Goodbye</Speak>"#)
}

async fn call(engine: &Engine, dial: Dial) -> CallReport {
    Network::new(engine.config()).expect("a valid configuration").dial(dial).await
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn wrong_codes_come_first_and_spoken_digits_are_repeated() {
    let engine = engine().await;
    let report = call(
        &engine,
        Dial {
            post_dial: Some("1111111".to_owned()),
            at_prompts: texts(&["2222222", CODE]),
            repeats_spoken_digits: true,
            ..scanner()
        },
    )
    .await;
    assert_eq!(report.scanner_keyed, ["1111111", "2222222", CODE, "47"]);
    assert!(report.bridged && report.masked(SCANNER, OWNER));
}

#[tokio::test]
async fn who_does_not_listen_is_not_connected() {
    let engine = engine().await;
    let report = call(&engine, scanner()).await;
    assert_eq!(report.scanner_keyed, [CODE]);
    assert!(!report.bridged && report.scanner_heard.last().is_some_and(|heard| heard == "Goodbye"));
}

#[tokio::test]
async fn nothing_is_keyed_where_nothing_was_dictated() {
    let engine = engine().await;
    // "the seven digits" holds one digit; seven are asked for.
    let report = call(&engine, Dial { post_dial: None, repeats_spoken_digits: true, ..scanner() }).await;
    assert_eq!(report.scanner_keyed, [""; 0]);
    assert!(engine.to("/digits").is_empty());
}

#[tokio::test]
async fn an_empty_text_lets_a_question_pass() {
    let engine = Engine::start(|received, _| match received.path.as_str() {
        "/webhooks/plivo/voice" if received.param("Event") == "StartApp" => {
            xml(r#"<GetDigits action="https://qnect.example/digits" numDigits="7" retries="3"><Speak>Type</Speak></GetDigits>"#)
        }
        _ => usual(received, MASKED),
    })
    .await;
    let report = call(&engine, Dial { post_dial: None, at_prompts: texts(&["", CODE]), ..scanner() }).await;
    assert_eq!(report.scanner_heard, ["Type", "Type"]);
    assert_eq!(report.scanner_keyed, [CODE]);
}

#[tokio::test]
async fn a_digit_gets_lost_or_comes_twice() {
    let engine = engine().await;
    let report = call(&engine, Dial { tones: Tones::Missing, ..scanner() }).await;
    assert_eq!(report.scanner_keyed.len(), 1);
    assert_eq!(report.scanner_keyed[0].len(), 6);

    let report = call(&engine, Dial { tones: Tones::Doubled, ..scanner() }).await;
    let (first, rest) = report.scanner_keyed.split_first().expect("digits");
    assert_eq!(first.len(), 7);
    // The eighth comes while the next question is asked, unless it was the doubled one.
    assert!(rest.concat().len() <= 1, "{rest:?}");
}

#[tokio::test]
async fn patience_can_end_at_a_moment() {
    for (moment, last) in [
        (Moment::Asked, "/webhooks/plivo/voice"),
        (Moment::Ringing, "/dial-end"),
        (Moment::OwnerPicksUp, "/dial-end"),
        (Moment::Bridged, "/dial-end"),
    ] {
        let engine = Engine::start(|received, _| usual(received, MASKED)).await;
        let report = call(&engine, Dial { hang_up_when: Some(moment), ..scanner() }).await;
        assert_eq!(report.bridged, moment == Moment::Bridged, "{moment:?}");
        let received = engine.received();
        assert_eq!(received[received.len() - 2].path, last, "{moment:?}");
        assert_eq!(report.scanner_leg_end.expect("an end").source, "Caller", "{moment:?}");
    }
}

#[tokio::test]
async fn an_owner_who_calls_back_is_a_caller_like_any_other() {
    let engine = Engine::start(|received: &Received, _| match received.path.as_str() {
        "/webhooks/twilio/voice" if received.param("CallStatus") == "ringing" => {
            xml(r#"<Gather numDigits="1" action="https://qnect.example/menu"><Say>Press 1 for quiet</Say></Gather>"#)
        }
        "/menu" => xml("<Say>Quiet for an hour</Say><Hangup/>"),
        _ => (200, "text/plain", String::new()),
    })
    .await;
    let dial = Dial { from: OWNER.to_owned(), post_dial: None, at_prompts: texts(&["1"]), ..scanner() };
    let report = twilio::call(&engine, OwnerScript::Answers, dial).await;
    assert_eq!(engine.to("/menu")[0].param("From"), OWNER);
    assert_eq!(report.scanner_heard, ["Press 1 for quiet", "Quiet for an hour"]);
    assert_eq!(report.owner_number, None);
}

#[tokio::test]
async fn plivo_takes_one_key_and_no_other() {
    for (script, key) in [(OwnerScript::Coming, "2"), (OwnerScript::Cannot, "3"), (OwnerScript::WrongKey, "5")] {
        let engine = Engine::start(|received, _| usual(received, MASKED)).await;
        let report = engine.call(script).await;
        assert!(!report.bridged, "{script:?}");
        assert_eq!(report.owner_pressed, key);
        let at = |text: &str| report.timeline.iter().find(|entry| entry.text.contains(text)).expect(text).at_ms;
        assert_eq!(at("nobody pressed 1") - at("owner picks up"), 12_000, "{script:?}");
        assert_eq!(report.owner_leg_end.expect("an end").source, "Plivo");
    }
}
