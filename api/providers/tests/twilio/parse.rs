//! Bodies as Twilio sends them, and what they mean.

use qnect_core::caller::CallingParty;
use qnect_core::instruction::OwnerKey;
use qnect_core::leg::{LegId, ProviderEvent};
use qnect_providers::request::ParseError;
use qnect_providers::twilio::{PARAMETERS_MAX, Twilio};
use qnect_providers::{Provider, Route, Webhook};

use crate::shared::routes::{questions, routes, scanner_routes};
use crate::shared::{LINE, OWNER, SCANNER, root, root_of, session};

pub(crate) const LEG: &str = "CA0123456789abcdef0123456789abcdef";
pub(crate) const OWNER_LEG: &str = "CAfedcba9876543210fedcba9876543210";

pub(crate) fn told(route: Route, body: &str) -> Result<Webhook, ParseError> {
    Twilio.parse(&route, body.as_bytes(), &root())
}

/// The parameters that come with every webhook of the scanner's leg, with names and places of the caller.
pub(crate) fn scanner_leg(rest: &str) -> String {
    format!(
        "CallSid={LEG}&AccountSid=AC00000000000000000000000000000000&ApiVersion=2010-04-01&From=%2B{SCANNER}\
         &Caller=%2B{SCANNER}&To=%2B{LINE}&Called=%2B{LINE}&Direction=inbound&CallerName=Asha+{SCANNER}&FromCity=PUNE\
         &CallerCity=PUNE&FromState=MH&FromZip=411001&FromCountry=IN&StirVerstat=TN-Validation-Passed-A\
         &StirPassportToken={SCANNER}&CallToken={SCANNER}&ForwardedFrom=%2B{SCANNER}&{rest}"
    )
}

/// The parameters that come with every webhook of the owner's leg.
pub(crate) fn owner_leg(rest: &str) -> String {
    format!(
        "CallSid={OWNER_LEG}&ParentCallSid={LEG}&AccountSid=AC00000000000000000000000000000000&From=%2B{LINE}\
         &To=%2B{OWNER}&Called=%2B{OWNER}&Direction=outbound-dial&{rest}"
    )
}

fn event(route: Route, body: &str) -> String {
    format!("{:?}", told(route, body).unwrap().event)
}

#[test]
fn a_call_arrives() {
    for rest in ["CallStatus=ringing", "CallStatus=in-progress", "CallStatus=queued", ""] {
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
    for status in ["completed", "busy", "failed", "no-answer", "canceled"] {
        for route in scanner_routes(session()) {
            // Also where the number's status callback tells it.
            for source in ["", "&CallbackSource=call-progress-events&SequenceNumber=0"] {
                let body = scanner_leg(&format!("CallStatus={status}&CallDuration=12{source}"));
                let ProviderEvent::CallEnded { leg } = told(route, &body).unwrap().event else {
                    panic!("{body}");
                };
                assert_eq!(leg.as_str(), LEG);
            }
        }
    }
}

#[test]
fn what_is_not_a_call_of_ours_is_ignored() {
    for route in scanner_routes(session()) {
        for direction in ["outbound-api", "outbound-dial", "outbound"] {
            for status in ["ringing", "in-progress", "completed"] {
                let body = scanner_leg(&format!("CallStatus={status}"))
                    .replace("Direction=inbound", &format!("Direction={direction}"));
                assert_eq!(event(route, &body), "Ignored", "{body}");
            }
        }
        let progress = scanner_leg("CallStatus=in-progress&CallbackSource=call-progress-events");
        assert_eq!(event(route, &progress), "Ignored", "{progress}");
    }
}

#[test]
fn the_caller_is_named_by_either_parameter() {
    for body in [
        format!("CallSid={LEG}&To=%2B{LINE}&From=%2B{SCANNER}"),
        format!("CallSid={LEG}&To={LINE}&From=+{SCANNER}&Caller=anonymous"),
        format!("CallSid={LEG}&To=+{LINE}&Caller=%2B{SCANNER}"),
        format!("CallSid={LEG}&To=+{LINE}&From=&Caller=%2B{SCANNER}"),
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
        "unknown",
        // ANONYMOUS, RESTRICTED, UNAVAILABLE, BLOCKED and UNKNOWN on the keys of a telephone.
        "%2B266696687",
        "%2B7378742833",
        "%2B86282452253",
        "%2B2562533",
        "%2B8656696",
        "sip%3Aasha%40example.com",
        "client%3Aasha",
        "123",
        "%FF%FE",
    ] {
        // A withheld number stays withheld, whatever the older parameter says.
        let other = if from.is_empty() { String::new() } else { format!("&Caller=%2B{SCANNER}") };
        let body = format!("CallSid={LEG}&To=%2B{LINE}&From={from}{other}");
        let ProviderEvent::CallArrived(call) = told(Route::Voice, &body).unwrap().event else {
            panic!("{body}");
        };
        assert!(matches!(call.caller, CallingParty::Withheld), "{body}");
    }
}

#[test]
fn keyed_digits_are_taken_as_they_are() {
    for (digits, expected) in [
        ("&Digits=1234567", "1234567"),
        ("&Digits=", ""),
        ("", ""),
        ("&Digits=12%2A34%23", "1234"),
        ("&Digits=98765432109876543210", "9876543210987654"),
        ("&Digits=hangup", ""),
    ] {
        let body = scanner_leg(&format!("CallStatus=in-progress{digits}"));
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
    let body = scanner_leg("CallStatus=in-progress");
    let route = Route::Hold { session: session(), turn: 6 };
    let ProviderEvent::HoldOver { call, session: s, turn } = told(route, &body).unwrap().event else {
        panic!("{body}");
    };
    assert_eq!((call.leg.as_str(), s, turn), (LEG, session(), 6));
}

#[test]
fn a_whisper_is_asked_for_on_the_owner_s_leg() {
    let route = Route::Whisper { session: session() };
    for (body, expected) in [
        (owner_leg("CallStatus=in-progress"), Some(OWNER_LEG)),
        ("CallSid=not+an+id".to_owned(), None),
        (String::new(), None),
    ] {
        let ProviderEvent::WhisperWanted { session: s, leg } = told(route, &body).unwrap().event else {
            panic!("{body}");
        };
        assert_eq!((s, leg.as_ref().map(LegId::as_str)), (session(), expected));
    }
}

#[test]
fn an_owner_s_key_is_read() {
    let route = Route::OwnerKey { session: session() };
    for (digits, expected) in [
        ("&Digits=1", Some(OwnerKey::Accept)),
        ("&Digits=2", Some(OwnerKey::Coming)),
        ("&Digits=3", Some(OwnerKey::CannotCome)),
        ("&Digits=4", None),
        ("&Digits=11", None),
        ("&Digits=%2A", None),
        ("&Digits=", None),
        ("", None),
    ] {
        let body = owner_leg(&format!("CallStatus=in-progress{digits}"));
        let ProviderEvent::OwnerKeyed { session: s, key, leg } = told(route, &body).unwrap().event else {
            panic!("{body}");
        };
        assert_eq!((s, key), (session(), expected), "{digits}");
        assert_eq!(leg.unwrap().as_str(), OWNER_LEG);
    }
}

#[test]
fn a_recording_raises_the_alarm() {
    let dial_end = Route::DialEnd { session: session() };
    for recorded in [
        "DialCallStatus=completed&RecordingUrl=https%3A%2F%2Fapi.example%2Frecordings%2FRE1",
        "recordingurl=x",
        "RecordingSid=RE1",
        "TranscriptionText=hello",
    ] {
        assert!(told(dial_end, recorded).unwrap().recording_alarm, "{recorded}");
        assert!(told(Route::Voice, &scanner_leg(recorded)).unwrap().recording_alarm, "{recorded}");
    }
    assert!(!told(dial_end, "DialCallStatus=completed&RecordingUrl=").unwrap().recording_alarm);
    assert!(!told(Route::Voice, &scanner_leg("CallStatus=ringing")).unwrap().recording_alarm);
}

#[test]
fn what_cannot_be_understood_is_named_without_a_value() {
    let many = "a=919800000042&".repeat(PARAMETERS_MAX + 1);
    let long = format!("CallSid={}&To={LINE}", "a".repeat(65));
    for (body, expected) in [
        (format!("To={LINE}"), ParseError::CallId),
        (format!("CallSid=&To={LINE}"), ParseError::CallId),
        (format!("CallSid=a+b&To={LINE}"), ParseError::CallId),
        (long, ParseError::CallId),
        (format!("CallSid={LEG}"), ParseError::DialledNumber),
        (format!("CallSid={LEG}&To=sip%3Aline%40example.com"), ParseError::DialledNumber),
        (format!("CallSid=%FF&To={LINE}"), ParseError::NotUtf8),
        (format!("CallSid={LEG}&To={LINE}&CallStatus=%C3"), ParseError::NotUtf8),
        (many, ParseError::TooManyParameters),
    ] {
        assert_eq!(told(Route::Voice, &body).unwrap_err(), expected, "{body}");
    }
    // A name in a wrong encoding costs nobody the call.
    assert!(told(Route::Voice, &scanner_leg("CallStatus=ringing&CallerName=%E9%FF")).is_ok());
}

#[test]
fn nobody_leaves_a_trace() {
    for route in routes(session()) {
        for rest in ["CallStatus=in-progress&Digits=1234567", "CallStatus=completed", "DialCallStatus=busy"] {
            for body in [scanner_leg(rest), owner_leg(rest)] {
                let shown = format!("{:?}", told(route, &body));
                for secret in [SCANNER, &SCANNER[2..], OWNER, &OWNER[2..], "1234567", "Asha", "PUNE", "411001", "MH"] {
                    assert!(!shown.contains(secret), "{shown}");
                }
            }
        }
    }
}
