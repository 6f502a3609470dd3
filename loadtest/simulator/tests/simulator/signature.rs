//! Signatures against vectors made with the vendors' Python packages: plivo 4.63.0 (`plivo.utils.signature_v3`) and
//! twilio 9.13.0, where each signature is `RequestValidator(auth_token).compute_signature(url, params)`, and `params` a
//! `dict` with a `getlist` that returns all values of a name.

use qnect_simulator::{Method, sign_twilio, sign_v3};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    uri: String,
    params: Vec<(String, String)>,
    nonce: String,
    auth_token: String,
    signature: String,
}

#[derive(Deserialize)]
struct TwilioVector {
    name: String,
    url: String,
    params: Vec<(String, String)>,
    auth_token: String,
    signature: String,
}

#[test]
fn twilios_signatures_are_the_vendors() {
    let text = include_str!("../data/twilio_signature.json");
    let vectors: Vec<TwilioVector> = serde_json::from_str(text).expect("vectors");
    assert!(vectors.len() >= 18);
    for TwilioVector { name, url, params, auth_token, signature } in vectors {
        assert_eq!(sign_twilio(&url, &params, &auth_token), signature, "{name}");
    }
}

#[test]
fn plivos_signatures_are_the_vendors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("../data/plivo_signature_v3.json")).expect("vectors");
    assert!(vectors.len() >= 12);
    for vector in vectors {
        let method = if vector.method == "GET" { Method::Get } else { Method::Post };
        let signature = sign_v3(method, &vector.uri, &vector.params, &vector.nonce, &vector.auth_token);
        assert_eq!(signature, vector.signature, "{}", vector.name);
    }
}
