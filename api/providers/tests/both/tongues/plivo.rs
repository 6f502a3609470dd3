//! Plivo's bodies (docs: xml/request, xml/getdigits, xml/dial).

use qnect_core::leg::LegEnd;
use qnect_providers::Route;
use qnect_providers::plivo::Plivo;

use super::{Happening, People, Tongue};

pub(crate) const TONGUE: Tongue = Tongue { provider: &Plivo, tells, keys_at: |session| Route::Leg { session } };

fn tells(happening: Happening, people: &People) -> Option<String> {
    Some(match happening {
        Happening::CallerWaits => scanner_leg(people, "CallStatus=ringing&Event=StartApp"),
        Happening::CallerKeyed("") => scanner_leg(people, "CallStatus=in-progress&Event=Redirect"),
        Happening::CallerKeyed(digits) => {
            scanner_leg(people, &format!("CallStatus=in-progress&Event=Redirect&Digits={digits}"))
        }
        Happening::CallerGone | Happening::CallerGoneFromDial => {
            scanner_leg(people, "CallStatus=completed&Event=Hangup&HangupCause=NORMAL_CLEARING&HangupSource=Caller")
        }
        Happening::OutboundCall => {
            let People { owner, line, leg, .. } = people;
            format!("CallUUID={leg}&From={line}&To={owner}&Direction=outbound&CallStatus=ringing&Event=StartApp")
        }
        Happening::OwnerListens => format!("Event=DialRemoteSounds&DialALegUUID={}", people.leg),
        // `confirmKey`: the other keys are not taken.
        Happening::OwnerKeyed("1") => owner_leg(people, "DialAction=connected&Event=DialConnected"),
        Happening::OwnerKeyed("") => {
            owner_hangup(people, "NORMAL_CLEARING", "Confirm+Key+Challenge+Failed", "9110", "Plivo")
        }
        Happening::OwnerKeyed(_) | Happening::OwnerLegMade | Happening::OwnerRings => return None,
        Happening::OwnerAnswers => owner_leg(people, "DialAction=answer&DialBLegStatus=answer&Event=DialAnswer"),
        Happening::OwnerLegEnds(end) => {
            let (cause, name, code, source) = match end {
                LegEnd::Completed => ("NORMAL_CLEARING", "Normal+Hangup", "4000", "Caller"),
                LegEnd::HungUp => ("NORMAL_CLEARING", "Normal+Hangup", "4000", "Callee"),
                LegEnd::Busy => ("USER_BUSY", "Busy+Line", "3010", "Carrier"),
                LegEnd::NoAnswer => ("NO_ANSWER", "No+Answer", "3000", "Carrier"),
                LegEnd::Rejected => ("CALL_REJECTED", "Rejected", "3020", "Callee"),
                LegEnd::Cancelled => ("ORIGINATOR_CANCEL", "Cancelled", "1000", "Caller"),
                LegEnd::Failed => ("UNALLOCATED_NUMBER", "Unallocated+number", "3050", "Carrier"),
            };
            owner_hangup(people, cause, name, code, source)
        }
        Happening::DialEnds(end) => {
            let (status, cause) = match end {
                LegEnd::Completed => ("completed", "NORMAL_CLEARING"),
                LegEnd::Busy => ("busy", "USER_BUSY"),
                LegEnd::NoAnswer => ("no-answer", "NO_ANSWER"),
                LegEnd::Rejected => ("failed", "CALL_REJECTED"),
                LegEnd::Cancelled => ("cancel", "ORIGINATOR_CANCEL"),
                LegEnd::Failed => ("failed", "UNALLOCATED_NUMBER"),
                LegEnd::HungUp => return None,
            };
            let rest = format!("Event=Redirect&CallStatus=in-progress&DialStatus={status}&DialHangupCause={cause}");
            scanner_leg(people, &format!("{rest}&DialALegUUID={}&DialBLegUUID={}", people.leg, people.owner_leg))
        }
        Happening::Unheard => scanner_leg(people, "CallStatus=in-progress&Event=DialSang&DialAction=sang"),
    })
}

fn scanner_leg(people: &People, rest: &str) -> String {
    let People { line, leg, .. } = people;
    let from = people.caller.as_deref().unwrap_or("anonymous");
    format!(
        "CallUUID={leg}&From={from}&To={line}&Direction=inbound&CallerName={from}&ALegUUID={leg}&BillRate=0.0045\
         &SessionStart=2026-03-01+09%3A30%3A00.000001&{rest}"
    )
}

fn owner_leg(people: &People, rest: &str) -> String {
    let People { owner, line, leg, owner_leg, .. } = people;
    format!("CallUUID={leg}&DialALegUUID={leg}&DialBLegUUID={owner_leg}&DialBLegFrom={line}&DialBLegTo={owner}&{rest}")
}

fn owner_hangup(people: &People, cause: &str, name: &str, code: &str, source: &str) -> String {
    let rest = format!(
        "Event=DialHangup&DialAction=hangup&DialBLegStatus=hangup&DialBLegHangupCause={cause}\
         &DialBLegHangupCauseName={name}&DialBLegHangupCauseCode={code}&DialBLegHangupSource={source}"
    );
    owner_leg(people, &rest)
}
