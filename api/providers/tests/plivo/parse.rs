//! Bodies as Plivo sends them, and what they mean.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::OwnerKey;
use qnect_core::leg::ProviderEvent;
use qnect_providers::plivo::{PARAMETERS_MAX, Plivo};
use qnect_providers::request::ParseError;
use qnect_providers::{Provider, Route, Webhook};

use crate::shared::routes::{questions, routes, scanner_routes};
use crate::shared::{LINE, SCANNER, root, root_of, session};

const LEG: &str = "97ceeb52-58b6-11e1-86da-77300b68f8bb";

pub(crate) fn told(route: Route, body: &str) -> Result<Webhook, ParseError> {
    Plivo.parse(&route, body.as_bytes(), &root())
}

/// The parameters that come with every webhook of the scanner's leg, with names and places of the caller.
pub(crate) fn scanner_leg(rest: &str) -> String {
    format!(
        "CallUUID={LEG}&From={SCANNER}&To={LINE}&Direction=inbound&CallerName=Asha+{SCANNER}&FromCity=PUNE\
         &ALegUUID={LEG}&BillRate=0.0045&SessionStart=2026-03-01+09%3A30%3A00.000001&{rest}"
    )
}

fn event(route: Route, body: &str) -> String {
    format!("{:?}", told(route, body).unwrap().event)
}

#[test]
fn a_call_arrives() {
    for rest in ["CallStatus=ringing&Event=StartApp", "CallStatus=in-progress&Event=Redirect", "CallStatus=ringing"] {
        let ProviderEvent::CallArrived(call) = told(Route::Voice, &scanner_leg(rest)).unwrap().event else {
            panic!("{rest}");
        };
        assert_eq!(call.leg.as_str(), LEG);
        assert_eq!(call.number.to_string(), format!("+{LINE}"));
        let CallingParty::Known(caller) = call.caller else {
            panic!("{rest}");
        };
        assert_eq!(caller.as_bytes(), root_of(SCANNER).as_bytes());
    }
}

#[test]
fn a_call_ends() {
    for rest in ["CallStatus=completed&Event=Hangup&HangupCause=NORMAL_CLEARING", "CallStatus=busy", "Event=hangup"] {
        for route in scanner_routes(session()) {
            let ProviderEvent::CallEnded { leg } = told(route, &scanner_leg(rest)).unwrap().event else {
                panic!("{rest}");
            };
            assert_eq!(leg.as_str(), LEG);
        }
    }
}

#[test]
fn what_is_not_a_call_of_ours_is_ignored() {
    let outbound = scanner_leg("CallStatus=ringing").replace("inbound", "outbound");
    for route in scanner_routes(session()) {
        assert_eq!(event(route, &outbound), "Ignored");
        for rest in ["Event=Ring", "Event=RecordStop", "Event=DialAnswer"] {
            assert_eq!(event(route, &scanner_leg(rest)), "Ignored", "{rest}");
        }
    }
}

#[test]
fn numbers_come_with_and_without_a_plus() {
    let plain = format!("CallUUID={LEG}&To={LINE}&From={SCANNER}");
    for body in [
        plain.clone(),
        format!("CallUUID={LEG}&To=%2B{LINE}&From=%2B{SCANNER}"),
        format!("CallUUID={LEG}&To=+{LINE}&From=+{SCANNER}"),
    ] {
        let ProviderEvent::CallArrived(call) = told(Route::Voice, &body).unwrap().event else {
            panic!("{body}");
        };
        assert_eq!(call.number.digits().to_string(), LINE);
        let CallingParty::Known(caller) = call.caller else { panic!("{body}") };
        assert_eq!(caller.as_bytes(), root_of(SCANNER).as_bytes());
    }
}

#[test]
fn callers_without_a_number_are_withheld() {
    for from in [
        "",
        "anonymous",
        "Anonymous",
        "Restricted",
        "unavailable",
        "private",
        "unknown",
        "%2B266696687",
        "266696687",
        "%2B86282452253",
        "7378742833",
        "8656696",
        "sip%3Aasha%40example.com",
        "0009800000042",
        "123",
        "%FF%FE",
    ] {
        for body in [format!("CallUUID={LEG}&To={LINE}&From={from}"), format!("CallUUID={LEG}&To={LINE}")] {
            let ProviderEvent::CallArrived(call) = told(Route::Voice, &body).unwrap().event else {
                panic!("{body}");
            };
            assert!(matches!(call.caller, CallingParty::Withheld), "{body}");
        }
    }
}

#[test]
fn keyed_digits_are_taken_as_they_are() {
    for (digits, expected) in [
        ("1234567", "1234567"),
        ("", ""),
        ("12%2A34%23", "1234"),
        ("98765432109876543210", "9876543210987654"),
        ("abc", ""),
    ] {
        let body = scanner_leg(&format!("CallStatus=in-progress&Event=Redirect&Digits={digits}"));
        for asked in questions() {
            let parsed = told(Route::Asked(asked), &body).unwrap();
            let ProviderEvent::DigitsGiven { call, keyed, question } = parsed.event else {
                panic!("{body}");
            };
            assert_eq!((call.leg.as_str(), keyed.as_str(), question), (LEG, expected, asked));
        }
        let parsed = told(Route::Challenge { session: session(), attempt: 2 }, &body).unwrap();
        let ProviderEvent::ChallengeAnswered { call, session: s, keyed, attempt } = parsed.event else {
            panic!("{body}");
        };
        assert_eq!((call.leg.as_str(), s, keyed.as_str(), attempt), (LEG, session(), expected, 2));
    }
}

#[test]
fn a_turn_of_holding_ends() {
    let body = scanner_leg("CallStatus=in-progress&Event=Redirect");
    let ProviderEvent::HoldOver { call, session: s, turn } =
        told(Route::Hold { session: session(), turn: 6 }, &body).unwrap().event
    else {
        panic!("{body}");
    };
    assert_eq!((call.leg.as_str(), s, turn), (LEG, session(), 6));
}

/// Plivo takes the confirm key itself; should it ask all the same, it is understood.
#[test]
fn an_owner_s_key_is_read() {
    let route = Route::OwnerKey { session: session() };
    for (digits, expected) in [
        ("Digits=1", Some(OwnerKey::Accept)),
        ("Digits=2", Some(OwnerKey::Coming)),
        ("Digits=3", Some(OwnerKey::CannotCome)),
        ("Digits=4", None),
        ("Digits=11", None),
        ("Digits=", None),
        ("", None),
    ] {
        let ProviderEvent::OwnerKeyed { session: s, key, leg } = told(route, digits).unwrap().event else {
            panic!("{digits}");
        };
        assert_eq!((s, key, leg), (session(), expected, None), "{digits}");
    }
}

#[test]
fn a_whisper_needs_no_parameter() {
    let route = Route::Whisper { session: session() };
    for body in ["", "Event=DialRemoteSounds&CallUUID=x", "%FF=%FF"] {
        let ProviderEvent::WhisperWanted { session: s, leg } = told(route, body).unwrap().event else {
            panic!("{body}");
        };
        assert_eq!((s, leg), (session(), None));
    }
}

#[test]
fn a_recording_raises_the_alarm() {
    let recorded = scanner_leg("Event=RecordStop&RecordUrl=https%3A%2F%2Fmedia.example%2F1.mp3&RecordingID=1");
    assert!(told(Route::Voice, &recorded).unwrap().recording_alarm);
    let dial_end = Route::DialEnd { session: session() };
    assert!(told(dial_end, "DialStatus=completed&recordingurl=x").unwrap().recording_alarm);
    assert!(!told(dial_end, "DialStatus=completed&RecordUrl=").unwrap().recording_alarm);
    assert!(!told(Route::Voice, &scanner_leg("Event=StartApp")).unwrap().recording_alarm);
}

#[test]
fn what_cannot_be_understood_is_named_without_a_value() {
    let many = "a=919800000042&".repeat(PARAMETERS_MAX + 1);
    let long = format!("CallUUID={}&To={LINE}", "a".repeat(65));
    for (body, expected) in [
        (format!("To={LINE}"), ParseError::CallId),
        (format!("CallUUID=&To={LINE}"), ParseError::CallId),
        (format!("CallUUID=a+b&To={LINE}"), ParseError::CallId),
        (long, ParseError::CallId),
        (format!("CallUUID={LEG}"), ParseError::DialledNumber),
        (format!("CallUUID={LEG}&To=sip%3Aline%40example.com"), ParseError::DialledNumber),
        (format!("CallUUID=%FF&To={LINE}"), ParseError::NotUtf8),
        (format!("CallUUID={LEG}&To={LINE}&Event=%C3"), ParseError::NotUtf8),
        (many, ParseError::TooManyParameters),
    ] {
        let error = told(Route::Voice, &body).unwrap_err();
        assert_eq!(error, expected, "{body}");
        let text = error.to_string();
        assert!(
            text.len() < 60 && text == text.to_lowercase() && !text.contains(|c: char| c.is_ascii_digit() && c != '8')
        );
    }
    // A name in a wrong encoding costs nobody the call.
    assert!(told(Route::Voice, &scanner_leg("Event=StartApp&X-PH-Name=%E9%FF")).is_ok());
}

#[test]
fn the_caller_leaves_no_trace() {
    for route in routes(session()) {
        for rest in ["Event=StartApp&Digits=1234567", "Event=Hangup", "DialAction=hangup", "DialStatus=busy"] {
            let shown = format!("{:?}", told(route, &scanner_leg(rest)));
            for secret in [SCANNER, &SCANNER[2..], "Asha", "PUNE"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}
