//! Requests that the vendor's own package signed: each is accepted as it is, and where the vendor accepts it; and refused when
//! anything in it changes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use qnect_core::instruction::Instruction;
use qnect_providers::Provider;
use qnect_providers::request::{Method, VerifyError};
use qnect_providers::twilio::{SIGNATURE, SIGNATURE_SETTINGS, Twilio};
use sha1::Sha1;

use crate::shared::forms::{with_one_parameter_changed, with_one_parameter_dropped};
use crate::shared::{BASE_URL, dial};
use crate::vectors::{Vector, checked_in_vectors, vectors};

const WRONG: Result<(), VerifyError> = Err(VerifyError::WrongSignature);
const MISSING: Result<(), VerifyError> = Err(VerifyError::MissingSignature);

#[test]
fn what_the_vendor_signed_is_accepted() {
    for (i, vector) in vectors().iter().enumerate() {
        assert_eq!(vector.verified(), Ok(()), "line {}", i + 1);
    }
}

#[test]
fn ports_and_algorithms_are_judged_as_the_vendor_judges_them() {
    for vector in vectors() {
        let rest = &vector.url[vector.origin().len()..];
        for (origin, accepted) in &vector.origins {
            let moved = vector.with(|v| v.url = format!("{origin}{rest}"));
            assert_eq!(moved.verified().is_ok(), *accepted, "{} at {origin}", vector.url);
        }
        for (settings, accepted) in &vector.other_settings {
            let other = vector.with(|v| v.settings = Some(settings.clone()));
            assert_eq!(other.verified().is_ok(), *accepted, "{:?} as {settings}", vector.settings);
        }
    }
}

#[test]
fn both_secrets_of_a_rotation_are_accepted() {
    for vector in vectors() {
        assert_eq!(vector.verified_with(&["the next token", &vector.secret]), Ok(()));
        assert_eq!(vector.verified_with(&[&vector.secret, "the last token"]), Ok(()));
    }
}

#[test]
fn any_change_is_refused() {
    for vector in vectors() {
        let (base, query) = vector.url.split_once('?').unwrap_or((&vector.url, ""));
        let mut changed = vec![
            vector.with(|v| v.url.insert(base.len(), 'x')),
            vector.with(|v| v.url = v.url.replacen("http", "ftp", 1)),
            vector.with(|v| v.url = v.url.replacen("://", "://x", 1)),
            vector.with(|v| v.url.push(if query.is_empty() { '?' } else { '&' })),
            vector.with(|v| v.secret.push('x')),
            vector.with(|v| v.secret = v.secret.to_ascii_lowercase() + "x"),
            vector.with(|v| v.body.extend(b"&x=y")),
            vector.with(|v| v.body.extend(b"&bodySHA256=")),
        ];
        for query in [with_one_parameter_changed(query), with_one_parameter_dropped(query)].concat() {
            changed.push(vector.with(|v| v.url = format!("{base}?{query}")));
        }
        let body = std::str::from_utf8(&vector.body).unwrap();
        for body in [with_one_parameter_changed(body), with_one_parameter_dropped(body)].concat() {
            let other = vector.with(|v| v.body = body.into_bytes());
            // One of several equal parameters may go: they count once.
            if other.meaning() != vector.meaning() {
                changed.push(other);
            }
        }
        for at in 0..vector.signature.len() {
            let flipped = if vector.signature.as_bytes()[at] == b'A' { "B" } else { "A" };
            changed.push(vector.with(|v| v.signature.replace_range(at..=at, flipped)));
        }
        for changed in changed {
            assert_eq!(changed.verified(), WRONG, "{} {}", changed.url, String::from_utf8_lossy(&changed.body));
        }
    }
}

#[test]
fn equal_parameters_count_once_and_their_order_does_not_count() {
    let mut seen = 0;
    for vector in vectors().iter().filter(|v| !v.is_hashed() && !v.body.is_empty()) {
        let body = std::str::from_utf8(&vector.body).unwrap();
        let mut segments: Vec<&str> = body.split('&').collect();
        segments.reverse();
        let again = segments.join("&") + "&" + body;
        assert_eq!(vector.with(|v| v.body = again.into_bytes()).verified(), Ok(()), "{}", vector.url);
        seen += 1;
    }
    assert!(seen > 50, "{seen} forms");
}

/// Except where the vendor signs the same text for both: a POST without a body is signed like a GET.
#[test]
fn the_other_method_is_refused() {
    for vector in vectors() {
        let other = vector.with(|v| match v.method {
            Method::Get => v.method = Method::Post,
            Method::Post => v.method = Method::Get,
        });
        assert_eq!(other.verified().is_ok(), vector.body.is_empty(), "{}", vector.url);
    }
}

#[test]
fn without_a_signature_or_a_secret_nothing_is_accepted() {
    for vector in vectors() {
        let secrets = [vector.secret.as_str()];
        let settings = |name: &str| vector.settings.as_deref().filter(|_| name == SIGNATURE_SETTINGS);
        assert_eq!(vector.verified_by(&settings, &secrets), MISSING);
        assert_eq!(vector.verified_by(&|_| None, &secrets), MISSING);
        assert_eq!(vector.with(|v| v.signature.clear()).verified(), MISSING);
        assert_eq!(vector.verified_with(&[]), WRONG);
        // Without the field that names SHA-256 the signature is one of SHA-1, and cannot be right.
        let signature = |name: &str| Some(vector.signature.as_str()).filter(|_| name == SIGNATURE);
        assert_eq!(vector.verified_by(&signature, &secrets).is_ok(), vector.signature.len() == 28);
    }
}

/// A token that was left empty in the configuration must not open the door to whoever knows that.
#[test]
fn an_empty_secret_signs_nothing() {
    let forged = signed("", "https://qnect.example/webhooks/twilio/voice");
    assert_eq!(forged.verified(), WRONG);
    assert_eq!(forged.verified_with(&["a token", ""]), WRONG);
}

/// Twilio requests a callback URL without its fragment, and signs what it requested.
#[test]
fn a_fragment_is_no_part_of_what_is_signed() {
    let document = Twilio.render(&Instruction::Dial(dial()), BASE_URL).body;
    let emitted = document.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    let (requested, fragment) = emitted.split_once('#').unwrap();
    assert!(fragment.starts_with("rc=2"));
    let webhook = signed("a token", requested);
    assert_eq!(webhook.verified(), Ok(()));
    assert_eq!(webhook.with(|v| v.url = emitted.to_owned()).verified(), Ok(()));
}

#[test]
fn what_is_no_url_is_refused() {
    for url in ["", "/webhooks/twilio/voice", "qnect.example/webhooks/twilio/voice"] {
        assert_eq!(signed("a token", url).verified(), WRONG, "{url}");
    }
}

#[test]
fn a_flood_of_parameters_is_refused() {
    let vector = vectors().into_iter().find(|v| v.method == Method::Post && !v.is_hashed()).unwrap();
    assert_eq!(vector.with(|v| v.body = b"a&".repeat(2_000)).verified(), WRONG);
    assert_eq!(vector.with(|v| v.url = format!("{}?{}", v.url, "a&".repeat(2_000))).verified(), WRONG);
}

/// Every byte of two requests, replaced by every other: accepted only if it still means the same. Two certain requests,
/// because there are others in which the vendor's signature lets a name and its value grow together, or in which the port
/// does not count.
#[test]
fn no_byte_of_a_request_can_be_changed() {
    let short = |v: &&Vector| v.method == Method::Post && v.body.len() < 700 && !v.body.is_empty();
    let vectors = checked_in_vectors();
    let mut without_port = vectors.iter().filter(short).filter(|v| !v.origin()[8..].contains(':'));
    let form = without_port.clone().find(|v| !v.is_hashed() && v.url.contains('?')).unwrap();
    let hashed = without_port.find(|v| v.is_hashed()).unwrap();
    for vector in [form, hashed] {
        let meaning = vector.meaning();
        let mut same = 0;
        for byte in 0..=u8::MAX {
            for at in (0..vector.body.len()).filter(|&at| vector.body[at] != byte) {
                let changed = vector.with(|v| v.body[at] = byte);
                let accepted = changed.verified().is_ok();
                assert_eq!(accepted, changed.meaning() == meaning, "byte {at} of the body as {byte}");
                same += usize::from(accepted);
            }
            if !byte.is_ascii_graphic() {
                continue;
            }
            let byte = char::from(byte).to_string();
            for at in (0..vector.url.len()).filter(|&at| vector.url[at..=at] != byte) {
                let changed = vector.with(|v| v.url.replace_range(at..=at, &byte));
                assert_eq!(changed.verified(), WRONG, "byte {at} of the URL as {byte}");
            }
            for at in (0..vector.signature.len()).filter(|&at| vector.signature[at..=at] != byte) {
                assert!(vector.with(|v| v.signature.replace_range(at..=at, &byte)).verified().is_err());
            }
        }
        assert!(same < 200, "{same} changes made no difference");
    }
}

/// A request without parameters, signed here.
fn signed(secret: &str, url: &str) -> Vector {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    Vector {
        method: Method::Post,
        url: url.to_owned(),
        body: Vec::new(),
        secret: secret.to_owned(),
        settings: None,
        signature: STANDARD.encode(mac.finalize().into_bytes()),
        origins: Vec::new(),
        other_settings: Vec::new(),
    }
}
