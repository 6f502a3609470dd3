//! What Twilio tells of a dialled session: the owner's leg, and the dial itself.

use qnect_core::leg::{LegEnd, LegEvent, LegId, ProviderEvent};
use qnect_providers::Route;

use crate::parse::{OWNER_LEG, owner_leg, scanner_leg, told};
use crate::shared::session;

/// The event, which is about the owner's leg if it names one.
fn legs(route: Route, body: &str) -> Option<LegEvent> {
    match told(route, body).unwrap().event {
        ProviderEvent::Leg { session: s, event, leg } => {
            assert_eq!(s, session());
            let leg = leg.as_ref().map(LegId::as_str);
            assert_eq!(leg, body.contains(&format!("CallSid={OWNER_LEG}")).then_some(OWNER_LEG), "{body}");
            Some(event)
        }
        ProviderEvent::Ignored => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_owner_leg_is_told_of() {
    let route = Route::Leg { session: session() };
    for (status, expected) in [
        ("queued", None),
        ("initiated", None),
        ("ringing", Some(LegEvent::OwnerRang)),
        ("in-progress", Some(LegEvent::OwnerAnswered)),
        ("answered", Some(LegEvent::OwnerAnswered)),
        ("completed", Some(LegEvent::OwnerLegEnded(LegEnd::Completed))),
        ("busy", Some(LegEvent::OwnerLegEnded(LegEnd::Busy))),
        ("no-answer", Some(LegEvent::OwnerLegEnded(LegEnd::NoAnswer))),
        ("failed", Some(LegEvent::OwnerLegEnded(LegEnd::Failed))),
        ("canceled", Some(LegEvent::OwnerLegEnded(LegEnd::Cancelled))),
        ("cancelled", Some(LegEvent::OwnerLegEnded(LegEnd::Cancelled))),
        ("sang", None),
        ("", None),
    ] {
        let body = owner_leg(&format!(
            "CallStatus={status}&CallbackSource=call-progress-events&SequenceNumber=2&SipResponseCode=200&CallDuration=7\
             &Timestamp=Sun%2C+01+Mar+2026+09%3A30%3A00+%2B0000"
        ));
        assert_eq!(legs(route, &body), expected, "{body}");
    }
    assert_eq!(legs(route, ""), None);
    // Without an id it is told all the same.
    assert_eq!(legs(route, "CallStatus=ringing"), Some(LegEvent::OwnerRang));
}

#[test]
fn the_dial_ends_in_many_ways() {
    let route = Route::DialEnd { session: session() };
    for (status, expected) in [
        ("completed", LegEnd::Completed),
        ("answered", LegEnd::Completed),
        ("busy", LegEnd::Busy),
        ("no-answer", LegEnd::NoAnswer),
        ("failed", LegEnd::Failed),
        ("canceled", LegEnd::Cancelled),
        ("something-new", LegEnd::Failed),
    ] {
        for call in ["in-progress", "completed"] {
            let rest = format!("CallStatus={call}&DialCallStatus={status}&DialCallDuration=7&DialBridged=true");
            assert_eq!(legs(route, &scanner_leg(&rest)), Some(LegEvent::DialEnded(expected)), "{rest}");
            let rest = format!("{rest}&DialCallSid={OWNER_LEG}");
            assert_eq!(legs(route, &scanner_leg(&rest)), Some(LegEvent::DialEnded(expected)), "{rest}");
        }
    }
    let hung_up = scanner_leg("CallStatus=completed");
    assert_eq!(legs(route, &hung_up), Some(LegEvent::ScannerLegEnded));
    assert_eq!(legs(route, &scanner_leg("CallStatus=in-progress")), None);
    assert_eq!(legs(route, ""), None);
}
