//! What Plivo tells of a dialled session: the owner's leg, and the dial itself.

use qnect_core::leg::{LegEnd, LegEvent, ProviderEvent};
use qnect_providers::Route;

use crate::parse::{scanner_leg, told};
use crate::shared::session;

fn legs(route: Route, body: &str) -> Option<LegEvent> {
    match told(route, body).unwrap().event {
        ProviderEvent::Leg { session: s, event, leg } => {
            assert_eq!(s, session());
            assert_eq!(leg.is_some(), body.contains("DialBLegUUID"));
            Some(event)
        }
        ProviderEvent::Ignored => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_owner_leg_is_told_of() {
    let route = Route::Leg { session: session() };
    for (body, expected) in [
        ("Event=DialAnswer&DialAction=answer&DialBLegStatus=answer", Some(LegEvent::OwnerAnswered)),
        ("Event=DialConnected&DialAction=connected", Some(LegEvent::OwnerAccepted)),
        ("Event=DialConnected", Some(LegEvent::OwnerAccepted)),
        ("Event=DialConnected&DialBLegUUID=0b3e1c07-58b6-11e1-86da-77300b68f8bb", Some(LegEvent::OwnerAccepted)),
        ("Event=DialDigitsMatch&DialAction=digits&DialDigitsMatch=1", None),
        ("DialAction=sang", None),
        ("Event=Hangup&CallStatus=completed", None),
        ("", None),
    ] {
        assert_eq!(legs(route, body), expected, "{body}");
    }
}

#[test]
fn the_owner_leg_ends_in_many_ways() {
    let route = Route::Leg { session: session() };
    for (cause, name, code, source, expected) in [
        ("NORMAL_CLEARING", "Normal+Hangup", "4000", "Callee", LegEnd::HungUp),
        ("NORMAL_CLEARING", "Normal+Hangup", "4000", "Call+recipient", LegEnd::HungUp),
        ("NORMAL_CLEARING", "Normal+Hangup", "4000", "Caller", LegEnd::Completed),
        ("NORMAL_CLEARING", "Normal+Hangup", "4000", "Plivo", LegEnd::Completed),
        ("NORMAL_CLEARING", "", "", "", LegEnd::Completed),
        ("NORMAL_CLEARING", "Confirm+Key+Challenge+Failed", "9110", "Callee", LegEnd::Completed),
        ("ALLOTTED_TIMEOUT", "Scheduled+Hangup", "6000", "Plivo", LegEnd::Completed),
        ("CALL_REJECTED", "Rejected", "3020", "Carrier", LegEnd::Rejected),
        ("CALL_REJECTED", "", "", "", LegEnd::Rejected),
        ("", "Rejected", "", "Callee", LegEnd::Rejected),
        ("", "", "3020", "", LegEnd::Rejected),
        ("NORMAL_CLEARING", "Rejected", "3020", "Callee", LegEnd::Rejected),
        ("USER_BUSY", "Busy+Line", "3010", "Carrier", LegEnd::Busy),
        ("USER_BUSY", "", "", "", LegEnd::Busy),
        ("NO_ANSWER", "No+Answer", "3000", "Carrier", LegEnd::NoAnswer),
        ("NO_USER_RESPONSE", "", "", "", LegEnd::NoAnswer),
        ("NO_ANSWER", "Ring+Timeout+Reached", "6010", "Plivo", LegEnd::NoAnswer),
        ("ORIGINATOR_CANCEL", "Cancelled", "1000", "Caller", LegEnd::Cancelled),
        ("ORIGINATOR_CANCEL", "", "", "", LegEnd::Cancelled),
        ("UNALLOCATED_NUMBER", "Unallocated+number", "3050", "Carrier", LegEnd::Failed),
        ("", "Violates+Media+Anchoring", "2070", "Plivo", LegEnd::Failed),
        ("", "", "5030", "Plivo", LegEnd::Failed),
        ("", "", "", "", LegEnd::Failed),
    ] {
        let body = format!(
            "Event=DialHangup&DialAction=hangup&DialBLegStatus=hangup&DialBLegHangupCause={cause}\
             &DialBLegHangupCauseName={name}&DialBLegHangupCauseCode={code}&DialBLegHangupSource={source}"
        );
        assert_eq!(legs(route, &body), Some(LegEvent::OwnerLegEnded(expected)), "{body}");
    }
}

#[test]
fn the_dial_ends_in_many_ways() {
    let route = Route::DialEnd { session: session() };
    for (status, cause, expected) in [
        ("completed", "NORMAL_CLEARING", LegEnd::Completed),
        ("busy", "USER_BUSY", LegEnd::Busy),
        ("no-answer", "NO_ANSWER", LegEnd::NoAnswer),
        ("timeout", "", LegEnd::NoAnswer),
        ("cancel", "ORIGINATOR_CANCEL", LegEnd::Cancelled),
        ("failed", "", LegEnd::Failed),
        ("failed", "CALL_REJECTED", LegEnd::Rejected),
        ("busy", "CALL_REJECTED", LegEnd::Rejected),
        ("something-new", "", LegEnd::Failed),
    ] {
        let rest = format!("Event=Redirect&CallStatus=in-progress&DialStatus={status}&DialHangupCause={cause}");
        assert_eq!(legs(route, &scanner_leg(&rest)), Some(LegEvent::DialEnded(expected)), "{rest}");
    }
    let hung_up = scanner_leg("Event=Hangup&CallStatus=completed");
    assert_eq!(legs(route, &hung_up), Some(LegEvent::ScannerLegEnded));
    assert_eq!(legs(route, ""), None);
}
