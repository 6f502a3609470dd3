//! What Twilio's answers mean.

use qnect_core::leg::{LegEnd, LegEvent};
use qnect_core::provider_request::Operation;
use qnect_providers::rest::{Answer, Rest, Side, Twilio};

fn answer(operation: Operation, status: u16, body: &str) -> Answer {
    Twilio.answer(operation, Side::Owner, status, body.as_bytes())
}

fn error(code: u32, status: u16) -> String {
    format!(
        r#"{{"code":{code},"message":"words","more_info":"https://www.twilio.com/docs/errors/{code}","status":{status}}}"#
    )
}

#[test]
fn every_status_of_a_call_has_its_meaning() {
    let live = Answer::Live;
    let over = |end| Answer::Over(LegEvent::OwnerLegEnded(end));
    let table = [
        ("queued", live),
        ("initiated", live),
        ("ringing", live),
        ("in-progress", live),
        ("completed", over(LegEnd::Completed)),
        ("busy", over(LegEnd::Busy)),
        ("no-answer", over(LegEnd::NoAnswer)),
        ("canceled", over(LegEnd::Cancelled)),
        ("failed", over(LegEnd::Failed)),
        ("something-new", Answer::TryLater),
        ("", Answer::TryLater),
    ];
    for (status, expected) in table {
        let body = format!(
            r#"{{"sid":"CA00","from":"+15557122661","to":"+919800000001","status":"{status}","duration":"7"}}"#
        );
        assert_eq!(answer(Operation::FetchCall, 200, &body), expected, "{status}");
        let scanner = Twilio.answer(Operation::FetchCall, Side::Scanner, 200, body.as_bytes());
        let is_over = matches!(expected, Answer::Over(_));
        assert_eq!(scanner, if is_over { Answer::Over(LegEvent::ScannerLegEnded) } else { expected }, "{status}");
    }
}

#[test]
fn a_call_that_is_over_needs_no_hanging_up() {
    assert_eq!(answer(Operation::HangUp, 200, r#"{"status":"in-progress"}"#), Answer::Done);
    assert_eq!(answer(Operation::HangUp, 400, &error(21220, 400)), Answer::Gone);
    assert_eq!(answer(Operation::HangUp, 404, &error(20404, 404)), Answer::Gone);
    assert_eq!(answer(Operation::HangUp, 400, &error(20001, 400)), Answer::Refused);
}

#[test]
fn a_record_that_is_not_finished_is_deleted_later() {
    assert_eq!(answer(Operation::DeleteRecord, 204, ""), Answer::Done);
    assert_eq!(answer(Operation::DeleteRecord, 404, &error(20404, 404)), Answer::Gone);
    for status in [400, 409] {
        assert_eq!(answer(Operation::DeleteRecord, status, &error(20009, status)), Answer::NotYet);
        assert_eq!(answer(Operation::HangUp, status, &error(20009, status)), Answer::Refused, "of another operation");
    }
}

#[test]
fn refusals_and_troubles_are_told_apart() {
    for operation in Operation::ALL {
        assert_eq!(answer(operation, 401, &error(20003, 401)), Answer::Refused);
        assert_eq!(answer(operation, 403, ""), Answer::Refused);
        assert_eq!(answer(operation, 302, ""), Answer::Refused);
        assert_eq!(answer(operation, 429, &error(20429, 429)), Answer::TryLater);
        assert_eq!(answer(operation, 500, "<html>"), Answer::TryLater);
    }
}
