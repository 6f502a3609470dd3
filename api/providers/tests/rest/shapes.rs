//! What is sent: the whole table.

use qnect_core::provider_request::Operation;
use qnect_providers::rest::{Plivo, Rest, RestMethod, Shape, Standing, Twilio};

use crate::{ALL, leg};

const UUID: &str = "3a2e4c90-dcee-4931-8a59-f123ab507e60";
const SID: &str = "CA0123456789abcdef0123456789abcdef";

/// Method, path and form; `None` where nothing is sent.
fn sent(rest: &dyn Rest, operation: Operation, account: &str, id: &str) -> Option<String> {
    match rest.shape(operation, account, &leg(id)) {
        Shape::Request(request) => {
            let method = match request.method {
                RestMethod::Get => "GET",
                RestMethod::Post => "POST",
                RestMethod::Delete => "DELETE",
            };
            Some(format!("{method} {} {}", request.path, request.form.unwrap_or("-")))
        }
        Shape::Unsupported | Shape::ForeignLeg => None,
    }
}

#[test]
fn each_operation_has_its_request() {
    let plivo = |operation| sent(&Plivo, operation, "MA0000000000", UUID);
    assert_eq!(plivo(Operation::HangUp).unwrap(), format!("DELETE /v1/Account/MA0000000000/Call/{UUID}/ -"));
    assert_eq!(plivo(Operation::FetchCall).unwrap(), format!("GET /v1/Account/MA0000000000/Call/{UUID}/ -"));
    assert!(matches!(Plivo.shape(Operation::DeleteRecord, "MA0000000000", &leg(UUID)), Shape::Unsupported));

    let twilio = |operation| sent(&Twilio, operation, "AC0000000000", SID).unwrap();
    let path = format!("/2010-04-01/Accounts/AC0000000000/Calls/{SID}.json");
    assert_eq!(twilio(Operation::HangUp), format!("POST {path} Status=completed"));
    assert_eq!(twilio(Operation::FetchCall), format!("GET {path} -"));
    assert_eq!(twilio(Operation::DeleteRecord), format!("DELETE {path} -"));
}

#[test]
fn an_account_is_asked_for_by_reading_it() {
    for (rest, path) in [(&Plivo as &dyn Rest, "/v1/Account/MA0%2F/"), (&Twilio, "/2010-04-01/Accounts/MA0%2F.json")] {
        let request = rest.account("MA0/");
        assert_eq!((request.method, request.path.as_str(), request.form), (RestMethod::Get, path, None));
    }
}

#[test]
fn how_an_account_stands_is_read_from_the_answer() {
    let active = br#"{"auth_id": "MA0", "status": "active"}"#;
    for rest in ALL {
        for (status, standing) in [
            (200, Standing::Good),
            (401, Standing::NotOurs),
            (403, Standing::NotOurs),
            (404, Standing::NotOurs),
            (429, Standing::TryLater),
            (503, Standing::TryLater),
            (302, Standing::Strange),
            (400, Standing::Strange),
        ] {
            assert_eq!(rest.standing(status, active), standing, "{} {status}", rest.name());
        }
        for strange in [&b"<!doctype html>"[..], b"", b"{}", b"[]", b"{\"status\": \"fine\"}"] {
            assert_eq!(rest.standing(200, strange), Standing::Strange, "{} {strange:?}", rest.name());
        }
    }
    for stopped in ["suspended", "closed"] {
        assert_eq!(Twilio.standing(200, format!(r#"{{"status": "{stopped}"}}"#).as_bytes()), Standing::Stopped);
    }
}

#[test]
fn what_a_provider_deletes_is_what_its_capabilities_say() {
    use qnect_providers::Provider;
    let deletes = !matches!(Plivo.shape(Operation::DeleteRecord, "MA", &leg(UUID)), Shape::Unsupported);
    assert_eq!(deletes, qnect_providers::plivo::Plivo.capabilities().deletes_records);
}

#[test]
fn an_id_that_could_name_something_else_is_sent_nowhere() {
    let ids =
        [".", "..", "../..", "a/..", "a/b", "%2e%2e", "%2F", "a?b", "a#b", "a\\b", "a;b", "a&b", "a:b", "a=b", "~"];
    for rest in ALL {
        for operation in Operation::ALL {
            for id in ids {
                assert_eq!(sent(rest, operation, "MA", id), None, "{} {id}", rest.name());
            }
        }
    }
}

#[test]
fn an_account_stays_one_segment() {
    for rest in ALL {
        let sent = sent(rest, Operation::FetchCall, "a/../b?c#d e", UUID).unwrap();
        assert!(sent.contains("/a%2F%2E%2E%2Fb%3Fc%23d%20e/"), "{sent}");
    }
}
