//! What Plivo's answers mean.

use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::provider_request::Operation;
use qnect_providers::rest::{Answer, Plivo, Rest, Side};

fn fetched(side: Side, body: &str) -> Answer {
    Plivo.answer(Operation::FetchCall, side, 200, body.as_bytes())
}

/// The details of an ended call, as documented (voice/api/call), with these fields in place of theirs.
fn details(fields: &str) -> String {
    format!(
        r#"{{"api_id":"f7a12de2-b03d-11e4-a2d1-22000ac5040c","bill_duration":11,"billed_duration":60,
        "call_direction":"outbound","call_duration":11,"call_uuid":"57a1b60a-5c0b-11e7-9082-ef888d0400e9",
        "end_time":"2022-06-28 19:39:15+05:30","from_number":"911140000001","to_number":"919800000001",
        "parent_call_uuid":null,"source_ip":"192.0.2.1"{fields}}}"#
    )
}

#[test]
fn an_ended_owners_leg_tells_how() {
    use LegEnd::{Busy, Cancelled, Completed, Failed, HungUp, NoAnswer, Rejected};
    let table = [
        (r#","hangup_cause_code":4000,"hangup_cause_name":"Normal Hangup","hangup_source":"Callee""#, HungUp),
        (r#","hangup_cause_code":4000,"hangup_cause_name":"Normal Hangup","hangup_source":"Caller""#, Completed),
        (
            r#","hangup_cause_code":4010,"hangup_cause_name":"End Of XML Instructions","hangup_source":"Plivo""#,
            Completed,
        ),
        (r#","hangup_cause_code":"4000","hangup_cause_name":"","hangup_source":"callee""#, HungUp),
        (r#","hangup_cause_code":3010,"hangup_cause_name":"Busy Line","hangup_source":"Callee""#, Busy),
        (r#","hangup_cause_code":3020,"hangup_cause_name":"Rejected""#, Rejected),
        (r#","hangup_cause_code":3000,"hangup_cause_name":"No Answer""#, NoAnswer),
        (r#","hangup_cause_code":1000,"hangup_cause_name":"Cancelled""#, Cancelled),
        (r#","hangup_cause_code":null,"hangup_cause_name":"Busy Line""#, Busy),
        (r#","hangup_cause_code":2000,"hangup_cause_name":"Invalid Destination Address""#, Failed),
        (r#","hangup_cause_code":[1],"hangup_cause_name":"something new""#, Failed),
        // Without any cause, whether somebody answered is all there is.
        (r#","answer_time":null"#, NoAnswer),
        (r#","answer_time":"2022-06-28 19:39:05+05:30""#, Completed),
    ];
    for (fields, end) in table {
        let told = Answer::Over(LegEvent::OwnerLegEnded(end));
        assert_eq!(fetched(Side::Owner, &details(fields)), told, "{fields}");
        assert_eq!(fetched(Side::Scanner, &details(fields)), Answer::Over(LegEvent::ScannerLegEnded), "{fields}");
    }
}

#[test]
fn a_call_without_an_end_is_live() {
    for end in [r#""end_time":null"#, r#""end_time":"""#, r#""call_status":"in-progress""#] {
        let body = format!(r#"{{"call_uuid":"57a1b60a-5c0b-11e7-9082-ef888d0400e9",{end}}}"#);
        assert_eq!(fetched(Side::Owner, &body), Answer::Live, "{end}");
    }
}

#[test]
fn what_is_no_call_is_asked_for_again() {
    for body in ["", "null", "[]", "{}", r#"{"error":"x"}"#, r#"{"end_time":"2022-06-28"}"#, "<html>", "\u{feff}{}"] {
        assert_eq!(fetched(Side::Owner, body), Answer::TryLater, "{body}");
    }
}

#[test]
fn a_status_speaks_for_itself() {
    let answer = |operation, status| Plivo.answer(operation, Side::Owner, status, b"");
    for operation in Operation::ALL {
        for (status, expected) in [
            (301, Answer::Refused),
            (400, Answer::Refused),
            (401, Answer::Refused),
            (403, Answer::Refused),
            (404, Answer::Gone),
            (405, Answer::Refused),
            (410, Answer::Gone),
            (408, Answer::TryLater),
            (429, Answer::TryLater),
            (500, Answer::TryLater),
            (503, Answer::TryLater),
            (599, Answer::TryLater),
        ] {
            assert_eq!(answer(operation, status), expected, "{operation:?} {status}");
        }
    }
    for status in [200, 202, 204] {
        assert_eq!(answer(Operation::HangUp, status), Answer::Done);
        assert_eq!(answer(Operation::FetchCall, status), Answer::TryLater, "it told nothing");
    }
}
