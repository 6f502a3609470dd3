//! Requests that the vendor's own package signed: each is accepted as it is, and refused when anything in it changes.

use hmac::{Hmac, KeyInit, Mac};
use qnect_providers::plivo::{ACCOUNT_SIGNATURE, NONCE, SIGNATURE};
use qnect_providers::request::{Method, VerifyError};

use crate::shared::forms::{with_one_parameter_changed, with_one_parameter_dropped};
use crate::vectors::{Vector, checked_in_vectors, vectors};

#[test]
fn what_the_vendor_signed_is_accepted() {
    for (i, vector) in vectors().iter().enumerate() {
        assert_eq!(vector.verified(), Ok(()), "line {}", i + 1);
    }
}

#[test]
fn either_field_and_any_place_in_its_list_will_do() {
    for vector in vectors() {
        let token = [vector.auth_token.as_str()];
        let nonce = (NONCE, vector.nonce.clone());
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for list in [
            vector.signature.clone(),
            format!("{other},{}", vector.signature),
            format!("{}, {other}", vector.signature),
        ] {
            let account = [(ACCOUNT_SIGNATURE, list.clone()), nonce.clone()];
            assert_eq!(vector.verified_by(&account, &token), Ok(()));
            let both = [(SIGNATURE, other.to_owned()), (ACCOUNT_SIGNATURE, list), nonce.clone()];
            assert_eq!(vector.verified_by(&both, &token), Ok(()));
        }
    }
}

#[test]
fn both_secrets_of_a_rotation_are_accepted() {
    for vector in vectors() {
        assert_eq!(vector.verified_with(&["the next token", &vector.auth_token]), Ok(()));
        assert_eq!(vector.verified_with(&[&vector.auth_token, "the last token"]), Ok(()));
    }
}

#[test]
fn any_change_is_refused() {
    let wrong = Err(VerifyError::WrongSignature);
    for vector in vectors() {
        let (base, query) = vector.url.split_once('?').unwrap_or((&vector.url, ""));
        let mut changed = vec![
            vector.with(|v| v.url.insert(base.len(), 'x')),
            vector.with(|v| v.url = v.url.replacen("http", "ftp", 1)),
            vector.with(|v| v.nonce.push('0')),
            vector.with(|v| v.nonce = v.nonce.chars().rev().chain(['1']).collect()),
            vector.with(|v| v.auth_token.push('x')),
            vector.with(|v| v.auth_token = v.auth_token.to_ascii_lowercase() + "x"),
        ];
        for query in [with_one_parameter_changed(query), with_one_parameter_dropped(query)].concat() {
            changed.push(vector.with(|v| v.url = format!("{base}?{query}")));
        }
        let body = std::str::from_utf8(&vector.body).unwrap();
        for body in [with_one_parameter_changed(body), with_one_parameter_dropped(body)].concat() {
            changed.push(vector.with(|v| v.body = body.into_bytes()));
        }
        for at in 0..vector.signature.len() {
            let flipped = if vector.signature.as_bytes()[at] == b'A' { "B" } else { "A" };
            changed.push(vector.with(|v| v.signature.replace_range(at..=at, flipped)));
        }
        for changed in changed {
            assert_eq!(changed.verified(), wrong, "{}", changed.url);
        }
    }
}

/// Except where the vendor signs the same text for both: a POST without parameters is signed like a GET.
#[test]
fn the_other_method_is_refused() {
    for vector in vectors() {
        let other = vector.with(|v| match v.method {
            Method::Get => v.method = Method::Post,
            Method::Post => v.method = Method::Get,
        });
        let same_text = vector.body.is_empty();
        assert_eq!(other.verified().is_ok(), same_text, "{}", vector.url);
    }
}

#[test]
fn without_a_signature_a_nonce_or_a_secret_nothing_is_accepted() {
    let missing = Err(VerifyError::MissingSignature);
    for vector in vectors() {
        let token = [vector.auth_token.as_str()];
        let (signature, nonce) = ((SIGNATURE, vector.signature.clone()), (NONCE, vector.nonce.clone()));
        assert_eq!(vector.verified_by(&[], &token), missing);
        assert_eq!(vector.verified_by(std::slice::from_ref(&nonce), &token), missing);
        assert_eq!(vector.verified_by(std::slice::from_ref(&signature), &token), missing);
        assert_eq!(vector.verified_by(&[(SIGNATURE, " , ".to_owned()), nonce], &token), missing);
        assert_eq!(vector.verified_by(&[signature, (NONCE, String::new())], &token), missing);
        assert_eq!(vector.verified_with(&[]), Err(VerifyError::WrongSignature));
    }
}

/// An auth token that was left empty in the configuration must not open the door to whoever knows that.
#[test]
fn an_empty_secret_signs_nothing() {
    let (url, nonce) = ("https://qnect.example/webhooks/plivo/voice", "1");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"").unwrap();
    mac.update(format!("{url}.{nonce}").as_bytes());
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac.finalize().into_bytes());
    let forged = Vector {
        method: Method::Post,
        url: url.to_owned(),
        body: Vec::new(),
        auth_token: String::new(),
        nonce: nonce.to_owned(),
        signature,
    };
    assert_eq!(forged.verified(), Err(VerifyError::WrongSignature));
    assert_eq!(forged.verified_with(&["a token", ""]), Err(VerifyError::WrongSignature));
}

#[test]
fn a_flood_of_parameters_is_refused() {
    let vector = vectors().swap_remove(0);
    let flooded = vector.with(|v| v.body = b"a&".repeat(2_000));
    assert_eq!(flooded.verified(), Err(VerifyError::WrongSignature));
}

/// Every byte of one request, replaced by every other: accepted only if it still means the same. One certain request,
/// because there are others in which the vendor's signature lets a name and its value grow together.
#[test]
fn no_byte_of_a_request_can_be_changed() {
    let short =
        |v: &Vector| v.method == Method::Post && v.url.contains('?') && !v.body.is_empty() && v.body.len() < 700;
    let vector = checked_in_vectors().into_iter().find(short).unwrap();
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
            let accepted = changed.verified().is_ok();
            assert_eq!(accepted, changed.meaning() == meaning, "byte {at} of the URL as {byte}");
            same += usize::from(accepted);
        }
        for at in (0..vector.nonce.len()).filter(|&at| vector.nonce[at..=at] != byte) {
            assert!(vector.with(|v| v.nonce.replace_range(at..=at, &byte)).verified().is_err());
        }
        for at in (0..vector.signature.len()).filter(|&at| vector.signature[at..=at] != byte) {
            assert!(vector.with(|v| v.signature.replace_range(at..=at, &byte)).verified().is_err());
        }
    }
    assert!(same < 200, "{same} changes made no difference");
}
