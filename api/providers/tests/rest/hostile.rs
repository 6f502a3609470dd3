//! Answers and ids that nobody means well with.

use proptest::prelude::*;
use qnect_core::leg::LegId;
use qnect_core::provider_request::Operation;
use qnect_providers::rest::{Answer, Shape, Side, Standing};

use crate::ALL;

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(Operation::ALL.to_vec())
}

/// Bytes, text, and JSON with the names that we look for, nested and of every kind.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let name =
        prop::sample::select(vec!["call_uuid", "end_time", "status", "code", "hangup_cause_code", "answer_time"]);
    let plain = prop_oneof![
        Just("null".to_owned()),
        any::<f64>().prop_map(|n| n.to_string()),
        "\"[ -~]{0,20}\"",
        Just(r#""completed""#.to_owned()),
    ];
    let json = plain.prop_recursive(6, 40, 4, move |inner| {
        let pair = (name.clone(), inner.clone()).prop_map(|(name, value)| format!("{name:?}:{value}"));
        prop_oneof![
            prop::collection::vec(pair, 0..5).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(","))),
        ]
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "\\PC{0,60}".prop_map(String::into_bytes),
        json.prop_map(String::into_bytes)
    ]
}

proptest! {
    #[test]
    fn any_answer_is_read(operation in operation(), status in any::<u16>(), body in body()) {
        for rest in ALL {
            let standing = rest.standing(status, &body);
            prop_assert!((200..300).contains(&status) || !matches!(standing, Standing::Good | Standing::Stopped));
            for side in [Side::Scanner, Side::Owner] {
                let answer = rest.answer(operation, side, status, &body);
                if matches!(answer, Answer::Live | Answer::Over(_)) {
                    prop_assert!((200..300).contains(&status) && operation == Operation::FetchCall);
                }
                if answer == Answer::Done {
                    prop_assert!((200..300).contains(&status) && operation != Operation::FetchCall);
                }
            }
        }
    }

    #[test]
    fn a_path_has_the_segments_that_it_should(operation in operation(), id in prop_oneof!["[!-~]{1,64}", "[A-Za-z0-9_-]{1,64}"]) {
        let leg = LegId::new(&id).unwrap();
        for rest in ALL {
            let Shape::Request(request) = rest.shape(operation, "MA0000000000", &leg) else { continue };
            let path = request.path;
            let segments: Vec<&str> = path.trim_matches('/').trim_end_matches(".json").split('/').collect();
            prop_assert_eq!(segments.len(), 5, "{}", path);
            prop_assert_eq!(segments[4], &id);
            prop_assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)), "{}", path);
            prop_assert!(!path.contains(".."), "{}", path);
        }
    }
}

#[test]
fn deep_and_long_answers_end() {
    for rest in ALL {
        let deep = "[".repeat(60_000);
        let long = format!(r#"{{"call_uuid":"{}"}}"#, "x".repeat(60_000));
        for body in [deep, long] {
            rest.answer(Operation::FetchCall, Side::Owner, 200, body.as_bytes());
        }
    }
}
