//! Whatever comes, nothing panics, and nothing of the caller is shown.

use proptest::prelude::*;
use qnect_providers::Route;
use qnect_providers::request::{Method, WebhookRequest};

use crate::shared::strategies::any_route;
use crate::shared::{PROVIDERS, keys, root};

/// Bodies made of the names that matter, and of values that are almost right.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let names = prop::sample::select(vec![
        "CallUUID",
        "CallSid",
        "From",
        "Caller",
        "To",
        "Event",
        "CallStatus",
        "CallbackSource",
        "Direction",
        "Digits",
        "DialAction",
        "DialStatus",
        "DialCallStatus",
        "DialCallSid",
        "RecordUrl",
        "DialHangupCause",
        "DialBLegHangupCause",
        "DialBLegHangupCauseCode",
        "DialBLegHangupSource",
        "%",
        "",
    ]);
    let values = prop_oneof![
        prop::sample::select(vec!["Hangup", "hangup", "completed", "4000", "inbound", "%2B911140000001", "%ff", "+"])
            .prop_map(str::to_owned),
        "[0-9]{0,20}",
        "\\PC{0,12}",
    ];
    let pairs = prop::collection::vec((names, values, "[&=]{1,2}", "=|"), 0..24);
    pairs.prop_map(|pairs| {
        let segments =
            pairs.into_iter().map(|(name, value, after, equals)| name.to_owned() + &equals + &value + &after);
        segments.collect::<String>().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn any_bytes_are_parsed_or_refused(route in any_route(), body in prop::collection::vec(any::<u8>(), 0..600)) {
        for provider in PROVIDERS {
            let _ = provider.parse(&route, &body, &root());
        }
    }

    #[test]
    fn any_parameters_are_parsed_or_refused(route in any_route(), body in bodies()) {
        for provider in PROVIDERS {
            let _ = provider.parse(&route, &body, &root());
        }
    }

    #[test]
    fn a_number_that_is_read_is_never_shown(route in any_route(), number in "[1-9][0-9]{9,14}") {
        let body = format!(
            "CallUUID=a&CallSid=a&To=911140000001&From={number}&Caller={number}&CallerName={number}&ForwardedFrom={number}"
        );
        prop_assume!(!"911140000001".contains(&number));
        for provider in PROVIDERS {
            let shown = format!("{:?}", provider.parse(&route, body.as_bytes(), &root()));
            prop_assert!(!shown.contains(&number), "{}", shown);
        }
    }

    #[test]
    fn any_request_is_refused(
        url in "(https://)?\\PC{0,60}", body in prop::collection::vec(any::<u8>(), 0..200), header in "\\PC{0,60}", get: bool,
    ) {
        let field = |_: &str| Some(header.as_str());
        let method = if get { Method::Get } else { Method::Post };
        let request = WebhookRequest { method, url: &url, header: &field, body: &body };
        for provider in PROVIDERS {
            prop_assert!(provider.verify(&request, &["token"]).is_err());
        }
    }

    #[test]
    fn any_path_is_read_or_refused(
        path in "(voice|code|redial|menu|challenge|hold|whisper|key|leg|dial-end)?/?\\PC{0,50}",
    ) {
        if let Some(route) = Route::read(&path, &keys()) {
            prop_assert_eq!(route.to_string(), path);
        }
    }
}
